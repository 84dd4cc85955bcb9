"""The scenarios of virtual machines on the lab: what the README promises."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.catalog import CATALOG
from tests.integration.conftest import Stand
from tests.integration.driver_process import Result
from tests.integration.lab_driver import drive, node, pins, scenario

pytestmark = pytest.mark.lab
BOTH = ("nested-pve", "vm")


def state() -> Path:
    return Path(os.environ["XDG_STATE_HOME"])


def passed(result: Result, name: str) -> None:
    messages = {phase["name"]: phase["message"] for phase in result.document["phases"]}
    assert result.code == 0, messages
    assert result.statuses() == dict.fromkeys(["preflight", *CATALOG[name].names()], "passed"), messages


@pytest.fixture(params=BOTH)
def estate(request: pytest.FixtureRequest, stand: Stand) -> Iterator[str]:
    """An estate's name; the node is as it was before the test when it has ended."""
    before = node(stand)
    yield request.param
    after = node(stand)
    if after != before:
        # What one test left must not fail the next ones.
        scenario(f"{request.param}-destructor")
    assert after == before


def test_roundtrip(estate: str) -> None:
    result = scenario(f"{estate}-roundtrip")
    passed(result, f"{estate}-roundtrip")
    assert pins(state()) == []


@pytest.mark.parametrize("estate", ["vm"], indirect=True)
def test_constructor_twice_then_destructor_without_a_context(estate: str, tmp_path: Path) -> None:
    first = scenario(f"{estate}-constructor")
    passed(first, f"{estate}-constructor")
    second = scenario(f"{estate}-constructor")
    passed(second, f"{estate}-constructor")
    assert {phase["name"]: phase["changed"] for phase in second.document["phases"]} == dict.fromkeys(
        ["preflight", *CATALOG[f"{estate}-constructor"].names()], 0
    )
    # The preflight's answers differ: another VMID is free.
    outputs = [{phase["name"]: phase["outputs"] for phase in run.document["phases"][1:]} for run in (first, second)]
    assert outputs[0] == outputs[1]
    assert len(pins(state())) == 1

    destroyed = scenario(f"{estate}-destructor", "--context-file", str(tmp_path / "none.json"))
    passed(destroyed, f"{estate}-destructor")
    vmids = [vm["vmid"] for vm in destroyed.phase("discover")["outputs"]["discovered_vms"]]
    assert len(vmids) == 1
    assert 99900 <= vmids[0] <= 99999


def test_destructor_on_an_empty_node(estate: str) -> None:
    result = scenario(f"{estate}-destructor")
    passed(result, f"{estate}-destructor")
    assert result.phase("destroy")["message"] == "No VMs to destroy"


def test_a_guest_with_another_name_is_found_through_the_context(stand: Stand) -> None:
    before = node(stand)
    built = scenario("vm-constructor", "--only", "provision", "-e", "vm_name=other-name")
    assert built.code == 0, built.err
    removed = scenario("vm-destructor")
    assert [vm["name"] for vm in removed.phase("discover")["outputs"]["discovered_vms"]] == ["other-name"]
    assert removed.code == 0, removed.err
    assert node(stand) == before


def test_a_guest_that_is_not_ours_is_left_alone_unless_adopted(stand: Stand) -> None:
    before = node(stand)
    stand.father().guest(9001, "POST", "/clone", newid=99950, name="homelab-vm-foreign")
    refused = scenario("vm-destructor")
    assert refused.code == 1
    assert "99950" in refused.phase("destroy")["message"]
    assert (99950, "homelab-vm-foreign", "stopped") in node(stand)["guests"]
    assert scenario("vm-destructor", "--adopt").code == 0
    assert node(stand) == before


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["vm_template=no-such"], "no-such"),
        (["preflight_vmid_range=9000-9001"], "9000"),
        (["preflight_bridge=vmbr7"], "vmbr7"),
        (["preflight_storages=[{\"name\": \"local-lvm\", \"content\": [\"snippets\"]}]"], "snippets"),
    ],
)  # fmt: skip
def test_a_node_that_is_not_ready(stand: Stand, inputs: list[str], message: str) -> None:
    before = node(stand)
    inputs = [text.replace("vm_template", "preflight_template") for text in inputs]
    result = scenario("vm-constructor", *(word for text in inputs for word in ("-e", text)))
    assert result.code == 3
    assert message in result.phase("preflight")["message"]
    assert result.phase("provision")["status"] == "skipped"
    assert node(stand) == before


def test_a_wrong_token(stand: Stand, tmp_path: Path) -> None:
    result = scenario("vm-constructor", "--inventory", str(inventory(tmp_path, pve_token_secret="0" * 36)))
    assert result.code == 3
    assert "login" in result.phase("preflight")["message"]


def test_a_ca_that_did_not_sign(stand: Stand, tmp_path: Path) -> None:
    foreign = Path("/etc/ssl/certs/ca-certificates.crt")
    if not foreign.exists():
        pytest.skip("no other CA on this machine")
    result = scenario("vm-constructor", "--inventory", str(inventory(tmp_path, pve_ca_path=str(foreign))))
    assert result.code == 3
    assert "tls" in result.phase("preflight")["message"]


def test_a_host_that_is_off_is_said_to_be_so_soon(stand: Stand, tmp_path: Path) -> None:
    # Nobody has this address of the lab's own network, so no packet leaves the machine.
    result = scenario("vm-destructor", "--inventory", str(inventory(tmp_path, ansible_host="10.99.0.250")))
    assert result.code == 3
    assert "10.99.0.250" in result.phase("preflight")["message"]
    assert result.phase("destroy")["status"] == "skipped"
    assert result.document["duration"] < 10, "the issue promises an answer in less than ten seconds"


def inventory(directory: Path, **variables: str) -> Path:
    """The example inventory with other values for its host."""
    from scenarios.paths import repository  # noqa: PLC0415

    copy = directory / "inventory"
    copy.mkdir()
    (copy / "group_vars").symlink_to(repository() / "inventory" / "group_vars")
    (copy / "hosts.yml").write_text((repository() / "inventory" / "hosts.yml").read_text(encoding="utf-8"))
    (copy / "host_vars").mkdir()
    (copy / "host_vars" / "father.json").write_text(json.dumps(variables), encoding="utf-8")
    return copy


def test_doctor(stand: Stand) -> None:
    result = drive("doctor", "--host", "father")
    assert result.code == 0, result.out + result.err
    rows = [line.split() for line in result.out.splitlines()]
    assert {row[0] for row in rows} >= {"port", "tls", "login", "privileges", "template", "ssh", "keys"}
    assert "father is ready" in result.out


def test_verbs_run_playbooks_by_name(stand: Stand) -> None:
    result = drive(
        "vm-discover", "--host", "father", "--name-pattern", "*", "--vmid-range", "100-99999", "--json-output"
    )
    assert result.code == 0, result.err
    assert result.phase("vm-discover")["outputs"] == {"discovered_vms": []}
