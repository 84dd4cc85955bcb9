"""Module disk against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

SDB: dict[str, Any] = {"node": "father", "disk": "/dev/sdb", "serial": "LAB00098"}


@pytest.fixture
def root(modules: Modules) -> dict[str, Any]:
    """Options of a login that may wipe."""
    return {"token_id": None, "token_secret": None, "user": "root@pam", "password": modules.lab.password}


def test_a_table_is_made_and_wiped(modules: Modules, root: dict[str, Any]) -> None:
    made = modules.converge("disk", **SDB, state="gpt")
    assert (made["disk"]["gpt"], made["disk"]["used"]) == (True, None)
    assert len(modules.lab.requests()) == 1
    wiped = modules.converge("disk", **{**SDB, "disk": "/dev/disk/by-id/ata-LAB_SSD_LAB00098"}, state="wiped", **root)
    assert wiped["disk"]["gpt"] is False


def test_what_is_left_of_a_directory_is_wiped(modules: Modules, root: dict[str, Any]) -> None:
    modules.ok("directory", node="father", name="data", device="/dev/sdb")
    assert modules.message("disk", **SDB, state="wiped", **root) == (
        "Cannot wipe /dev/sdb of node father: /dev/sdb1 is mounted. Remove what is on it first, for example with the "
        "module directory."
    )
    modules.ok("directory", node="father", name="data", state="absent")
    wiped = modules.converge("disk", node="father", disk="/dev/sdb", size="64G", state="wiped", **root)
    assert wiped["diff"] == {
        "before": {"/dev/sdb": "partitions", "/dev/sdb1": "ext4"},
        "after": {"/dev/sdb": "blank"},
    }


@pytest.mark.parametrize(
    ("module", "made", "owner"),
    [
        ("lvm_volume", {"name": "vg1", "device": "/dev/sdb"}, "volume group vg1 (module lvm_volume)"),
        (
            "zfs_pool",
            {"name": "tank", "devices": ["/dev/sdc", "/dev/sdb"], "raidlevel": "mirror"},
            "ZFS pool tank (module zfs_pool)",
        ),
    ],
)
def test_a_disk_that_belongs_to_something(
    modules: Modules, root: dict[str, Any], module: str, made: dict[str, Any], owner: str
) -> None:
    modules.ok(module, node="father", **made)
    assert modules.message("disk", **SDB, state="wiped", **root) == (
        f"Cannot wipe /dev/sdb of node father: it belongs to {owner}. Remove that first."
    )


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"disk": "/dev/sdb", "serial": "LAB00099"},
            "Cannot partition /dev/sdb of node father: its serial is LAB00098, not LAB00099. Check which disk it is.",
        ),
        (
            {"disk": "/dev/sdb", "size": "32G"},
            "Cannot partition /dev/sdb of node father: its size is 68719476736, not 32G. Check which disk it is.",
        ),
        (
            {"disk": "/dev/sdb"},
            "Cannot partition /dev/sdb of node father: set serial, wwn or size, so that no other disk is meant. It has "
            "serial: LAB00098, wwn: 0x50026b7700000062, size: 68719476736.",
        ),
        (
            {"disk": "/dev/vda", "size": "256G"},
            "Cannot partition /dev/vda of node father: it is in use (mounted). Wipe it first (state: wiped) if it may "
            "be lost.",
        ),
        (
            {"disk": "/dev/nope", "serial": "x"},
            "Node father has no disk /dev/nope. It has /dev/vda, /dev/sdb, /dev/sdc, /dev/sdd, /dev/sde.",
        ),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("disk", node="father", state="gpt", **wish) == message


def test_no_token_wipes(modules: Modules) -> None:
    modules.ok("disk", **SDB, state="gpt")
    assert modules.run("disk", **SDB, state="wiped")["msg"] == (
        "Cannot wipe /dev/sdb of node father: PUT /nodes/father/disks/wipedisk: 403 Permission check failed (user != "
        "root@pam). Only root@pam may do this, with its password: no API token may."
    )


def test_least_privileges(modules: Modules) -> None:
    needed = {"/": ["Sys.Audit", "Sys.Modify"]}
    refusals = modules.refusals(needed, "disk", **SDB, state="gpt")
    assert "Permission check failed" in refusals["Sys.Audit on /"]
    assert refusals["Sys.Modify on /"] == (
        "Cannot make a GUID partition table on /dev/sdb of node father: POST /nodes/father/disks/initgpt: "
        f"{denied('Sys.Modify', '/')}"
    )
    modules.limited(needed).converge("disk", **SDB, state="gpt")
