"""An apply that is killed, or fails: what was done is known, the next apply does the rest, or all of it is undone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab.api.serving import ServedLab
from tests.integration.driver_process import REPOSITORY, Result, wait_until
from tests.integration.lab_driver import command, drive

DOCUMENT = """\
pools: [{poolid: lab}]
vms: [{vmid: 310, name: web, state: stopped}]
"""


@pytest.fixture
def hosts(lab_api: ServedLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An inventory with an API of this process, for a user with a state of its own."""
    for name in ("STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "hosts.json"
    path.write_text(json.dumps({"all": {"hosts": {"pve": {"pve_api": lab_api.options()}}}}), encoding="utf-8")
    return path


def changes() -> list[dict[str, Any]]:
    entries = map(json.loads, drive("audit", "show", "--json").out.splitlines())
    return [entry for entry in entries if entry["event"] == "change"]


def journals() -> list[Path]:
    return list((Path(os.environ["XDG_STATE_HOME"]) / "homelab-pve" / "journals").glob("*/*"))


CHANGED = """\
pools: [{poolid: new}]
vms:
  - {vmid: 310, name: web, memory: 768}
  - {vmid: 311, name: broken}
"""


@pytest.mark.timeout(600)
def test_a_driver_that_is_killed(lab_api: ServedLab, hosts: Path, tmp_path: Path) -> None:
    document = tmp_path / "web.yml"
    document.write_text(DOCUMENT, encoding="utf-8")

    def state(*words: str) -> Result:
        return drive("state", *words, "--host", "pve", "--inventory", str(hosts))

    lab_api.faults.add("hang", method="POST", path="/nodes/father/qemu")
    words = command("state", "apply", str(document), "--host", "pve", "--inventory", str(hosts))
    with subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as driver:
        wait_until(
            lambda: any('"310"' in path.read_text(encoding="utf-8") for path in journals()), "the guest is begun", 240
        )
        os.kill(driver.pid, signal.SIGKILL)
    lab_api.faults.clear()

    known = [(entry["kind"], entry["id"], entry["status"]) for entry in changes()]
    assert known == [("pools", "lab", "done"), ("vms", "310", "unknown")]
    assert journals() == []

    again = state("apply", str(document))
    assert again.code == 0, again.err
    assert [(entry["kind"], entry["status"]) for entry in changes()[2:]] == [("vms", "done")]
    assert state("plan", str(document)).code == 0
    assert drive("audit", "verify").code == 0


@pytest.mark.timeout(600)
def test_an_apply_that_fails_is_undone_where_that_is_wanted(lab_api: ServedLab, hosts: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.yml", tmp_path / "second.yml"
    first.write_text(DOCUMENT, encoding="utf-8")
    second.write_text(CHANGED, encoding="utf-8")

    def apply(*words: str) -> Result:
        return drive("state", "apply", *words, "--host", "pve", "--inventory", str(hosts))

    assert apply(str(first)).code == 0
    lab_api.faults.add("task", type="qmcreate", error="no room", vmid=311)
    failed = apply(str(second), "--rollback-on-failure")
    assert failed.code == 1
    assert "vms 311: " in failed.out
    assert "no room" in failed.out
    assert "What had been done was rolled back." in failed.err
    told = drive(
        "state", "export", "--only", "pools,vms", "--format", "json", "--host", "pve", "--inventory", str(hosts)
    )
    document = json.loads(told.out)
    assert [pool["poolid"] for pool in document["pools"]] == ["lab"]
    assert "memory" not in next(vm for vm in document["vms"] if vm["vmid"] == 310)
    assert 311 not in [vm["vmid"] for vm in document["vms"]]
    assert drive("audit", "verify").code == 0
