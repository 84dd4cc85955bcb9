"""Checkpoints by the driver: made, listed, gone back to, removed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Stand
from tests.integration.driver_process import Result
from tests.integration.lab_driver import drive

pytestmark = pytest.mark.lab
VMID = 340


def write(path: Path, **options: Any) -> Path:
    """A document of one VM and one pool."""
    disk = {"scsi0": {"storage": "local-lvm", "size": "1G"}}
    vm = {"vmid": VMID, "name": "kept", "node": "father", "memory": 256, "disks": disk, **options}
    path.write_text(json.dumps({"vms": [vm], "pools": [{"poolid": "kept"}]}), encoding="utf-8")
    return path


def state(*arguments: str) -> Result:
    """A verb about documents, which has to succeed."""
    result = drive("state", *arguments, "--host", "father")
    assert result.code == 0, result.out + result.err
    return result


def test_a_checkpoint_and_the_way_back(stand: Stand, tmp_path: Path) -> None:
    state("apply", str(write(tmp_path / "first.json")))
    changed = write(tmp_path / "second.json", memory=512, description="changed")
    state("apply", str(changed), "--checkpoint")
    father = stand.father()
    assert father.guest(VMID, "GET", "/config")["memory"] in (512, "512")
    (kept,) = json.loads(state("checkpoints", "--json").out)
    assert [guest["vmid"] for guest in kept["guests"]] == [VMID]
    refused = drive("state", "rollback", "--host", "father")
    assert (refused.code, "give --yes" in refused.err) == (1, True)
    assert f"roll vm {VMID} (kept) back to snapshot {kept['name']}" in state("rollback", "--yes").out
    config = father.guest(VMID, "GET", "/config")
    assert (str(config["memory"]), config.get("description", "")) == ("256", "")
    state("checkpoint-remove", "--checkpoint", kept["name"])
    assert state("checkpoints").out.strip() == "No checkpoint is kept."
    assert [row["name"] for row in father.guest(VMID, "GET", "/snapshot")] == ["current"]
