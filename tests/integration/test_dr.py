"""A node of the lab is lost with all it had, and is what it was after its rebuilding."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import control
from tests.integration.conftest import entered
from tests.integration.lab_driver import drive, scenario

pytestmark = pytest.mark.lab


@pytest.fixture
def own_lab(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A lab of this test's own: it is lost."""
    home = tmp_path_factory.mktemp("dr")
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    present = control.ensure_up(print)
    try:
        if present.rootless:
            pytest.skip("a lab without root can't be left by the process that is in it")
        yield home
    finally:
        control.reset()


def test_a_node_is_lost_and_rebuilt(own_lab: Path) -> None:
    before = control.status()
    result = scenario("dr-roundtrip")
    messages = {phase["name"]: phase["message"] for phase in result.document["phases"]}
    assert result.code == 0, messages
    after = control.status()
    assert before is not None
    assert after is not None
    assert before.instance != after.instance
    assert result.phase("verify")["outputs"] == {"dr_equal": True}
    assert all(phase["duration"] > 0 for phase in result.document["phases"])
    archives = sorted((own_lab / "homelab-pve" / "disaster-recovery" / "father").iterdir())
    assert [path.name.split("-")[2] for path in archives] == ["320", "321"]
    assert stat.S_IMODE(archives[0].parent.stat().st_mode) == 0o700
    with entered(after) as stand:
        guests = {row["vmid"]: row["status"] for row in stand.father().call("GET", "/cluster/resources", type="vm")}
    assert (guests[320], guests[321]) == ("running", "stopped")


def test_no_other_node_is_lost(tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"real": {"ansible_host": "192.0.2.1"}}}}), encoding="utf-8")
    refused = drive("--scenario", "dr-roundtrip", "--host", "real", "--inventory", str(inventory))
    assert refused.code == 2
    assert "runs on a node of the lab only, and real is none. Nothing was done." in refused.err
