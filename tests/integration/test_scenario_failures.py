"""What a run that fails leaves behind: nothing, unless it was asked to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scenarios import nested_pve
from tests.integration.conftest import Stand
from tests.integration.lab_driver import node, scenario

pytestmark = pytest.mark.lab
CONSTRUCTOR, DESTRUCTOR, ROUNDTRIP = (
    each.name for each in (nested_pve.CONSTRUCTOR, nested_pve.DESTRUCTOR, nested_pve.ROUNDTRIP)
)
NO_IMAGE = ("-e", "test_vm_image_url=http://10.99.0.1:8080/images/nope.qcow2")
SHORTER = ("--skip", "setup_network")


@pytest.fixture(autouse=True)
def unchanged(stand: Stand) -> Iterator[None]:
    """The node is as it was before the test when the estate is removed."""
    before = node(stand)
    yield
    assert scenario(DESTRUCTOR).code == 0
    assert node(stand) == before


def test_roundtrip_cleans_up_after_a_failed_constructor(stand: Stand) -> None:
    result = scenario(ROUNDTRIP, *SHORTER, *NO_IMAGE)
    assert result.code == 1
    assert "task 'Fetch the cloud image' failed on inner" in result.phase("test_vm_apply")["message"]
    assert "404" in result.phase("test_vm_apply")["message"]
    assert result.statuses()["verify"] == "skipped"
    assert result.statuses()["destroy"] == "passed"
    assert all(vmid != 99900 for vmid, _name, _status in node(stand)["guests"])


def test_roundtrip_keeps_what_failed_when_asked_to(stand: Stand) -> None:
    result = scenario(ROUNDTRIP, "--keep-on-failure", *SHORTER, *NO_IMAGE)
    assert result.code == 1
    assert result.statuses()["destroy"] == "skipped"
    assert f"./run.sh --scenario {DESTRUCTOR} --host father" in result.err
    assert (99900, "nested-pve", "running") in node(stand)["guests"]


def test_agent_that_never_answers(stand: Stand) -> None:
    assert scenario(CONSTRUCTOR, "--only", "provision", "--only", "start_vm").code == 0
    # A guest whose processes stand still: its agent is configured, and silent.
    stand.father().guest(99900, "POST", "/status/suspend")
    result = scenario(CONSTRUCTOR, "--from", "wait_ip", "-e", "wait_timeout=2")
    # Asleep it would be given a minute to shut down.
    stand.father().guest(99900, "POST", "/status/resume")
    assert result.code == 1
    assert result.phase("wait_ip")["status"] == "failed"
    assert "vm 99900 (nested-pve) on father had no IPv4 address on MAC" in result.phase("wait_ip")["message"]
