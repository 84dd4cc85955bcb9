"""What waits for a cloud-init drive, and planning that it is written. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.cloudinit import CLOUDINIT, has_drive, waits

from .reading import Table, row

PATH = "/nodes/father/qemu/104"
WISH = {"vmid": 104, "force": False}
DRIVE = {"ide2": "local-lvm:vm-104-cloudinit,media=cdrom,size=4M"}
SETTLED = [{"key": "ciuser", "value": "debian"}, {"key": "cipassword", "value": "**********"}]


@pytest.mark.parametrize(
    ("told", "waiting"),
    [
        ({"value": "a"}, None),
        ({"value": "a", "pending": "b"}, ("a", "b")),
        ({"pending": "b"}, (None, "b")),
        ({"delete": 1}, (None, None)),
        ({"delete": 0, "value": "a"}, None),
    ],
    ids=str,
)
def test_what_waits(told: dict[str, Any], waiting: tuple[str | None, str | None] | None) -> None:
    found = waits([{"key": "ciuser", **told}])
    assert [(item["before"], item["after"]) for item in found] == ([waiting] if waiting else [])


def test_values_for_people() -> None:
    rows = [{"key": "sshkeys", "pending": "ssh-rsa%20A%20a%40b%0A"}, {"key": "cipassword", "pending": "$5$x"}]
    assert [item["after"] for item in waits(rows)] == ["********", "ssh-rsa A a@b\n"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (DRIVE, True),
        ({"scsi1": "local:104/vm-104-cloudinit.qcow2,media=cdrom"}, True),
        ({"sata0": "local-lvm:cloudinit"}, True),
        ({"ide2": "local:iso/cloudinit.iso,media=cdrom"}, False),
        ({"ide2": "none,media=cdrom", "scsi0": "local-lvm:vm-104-disk-0,serial=x:cloudinit"}, False),
        ({"description": "a:cloudinit"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_drives(config: dict[str, str], expected: bool) -> None:
    assert has_drive(config) is expected


def table(rows: list[Any], config: Any = DRIVE, **more: Any) -> Table:
    return Table({"/cluster/resources": [row(104, "web", **more)], f"{PATH}/cloudinit": rows, f"{PATH}/config": config})


@pytest.mark.parametrize(
    ("rows", "more", "writes", "reads"),
    [
        (SETTLED, {}, 0, 2),
        ([], {}, 0, 3),
        ([*SETTLED, {"key": "searchdomain", "pending": "lab"}], {}, 1, 3),
        (SETTLED, {"force": True}, 1, 3),
    ],
    ids=str,
)
def test_steps(rows: list[Any], more: dict[str, Any], writes: int, reads: int) -> None:
    reader = table(rows)
    made = CLOUDINIT.plan({**WISH, **more}, CLOUDINIT.describe(reader, {**WISH, **more}))
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == [("PUT", f"{PATH}/cloudinit", {})] * (
        writes
    )
    assert len(reader.asked) == reads


@pytest.mark.parametrize("rows", [[], [{"key": "ciuser", "pending": "b"}]], ids=["empty", "waiting"])
def test_without_a_drive(rows: list[Any]) -> None:
    with pytest.raises(RefusedError, match=r"^vm 104 \(web\) has no cloud-init drive"):
        CLOUDINIT.describe(table(rows, {"ide2": "none,media=cdrom"}), WISH)


def test_a_vm_that_moves_is_found_again() -> None:
    gone = PveError("GET", PATH, 500, "Configuration file 'nodes/father/qemu-server/104.conf' does not exist")
    reader = table(SETTLED)
    reader.answers[f"{PATH}/cloudinit"] = gone
    with pytest.raises(PveError):
        CLOUDINIT.describe(reader, WISH)
    assert reader.asked.count("/cluster/resources") == 3
