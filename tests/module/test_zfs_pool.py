"""Module zfs_pool against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

TANK: dict[str, Any] = {
    "node": "father",
    "name": "tank",
    "raidlevel": "mirror",
    "devices": ["/dev/sdb", "/dev/sdc"],
}
GONE: dict[str, Any] = {"node": "father", "name": "tank", "state": "absent"}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("zfs_pool", **TANK, ashift=13, compression="zstd", add_storage=True)
    assert (made["zfs_pool"]["raidlevel"], made["zfs_pool"]["health"]) == ("mirror", "ONLINE")
    assert modules.ok("storage_info", storage="tank")["storages"][0]["pool"] == "tank"
    modules.unchanged("zfs_pool", **TANK)
    assert len(modules.lab.requests()) == 2
    modules.converge("zfs_pool", **GONE, cleanup_config=True, cleanup_disks=True)
    assert len(modules.ok("disk_info", node="father", type="unused")["disks"]) == 4


def test_another_level(modules: Modules) -> None:
    modules.ok("zfs_pool", **TANK)
    assert modules.message("zfs_pool", **{**TANK, "raidlevel": "single"}) == (
        "Cannot change raidlevel of ZFS pool tank from mirror to single: Proxmox VE sets it only at creation. Keep the "
        "present value, or remove the ZFS pool first (state: absent) and create it anew."
    )


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        (
            {"raidlevel": "raidz"},
            "Cannot make ZFS pool tank of node father: raidlevel raidz needs at least 3 devices, devices names 2.",
        ),
        (
            {"raidlevel": "single"},
            "Cannot make ZFS pool tank of node father: raidlevel single takes one device, not 2. Choose mirror or "
            "another level for several.",
        ),
        (
            {"draid_config": {"data": 1}},
            "Cannot make ZFS pool tank of node father: draid_config is for the levels draid, draid2 and draid3, not "
            "for mirror.",
        ),
        (
            {"devices": ["/dev/sdb"] * 2},
            "Cannot make ZFS pool tank of node father: /dev/sdb is named twice. Unused are ",
        ),
        ({"ashift": 8}, "Option 'ashift': 8 is not from 9 to 16"),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], problem: str) -> None:
    assert modules.message("zfs_pool", **{**TANK, **wish}).startswith(problem)


def test_a_pool_with_volumes(modules: Modules) -> None:
    modules.ok("zfs_pool", **TANK, add_storage=True)
    modules.container(200, rootfs="tank:4")
    assert modules.message("zfs_pool", **GONE) == (
        "Cannot remove ZFS pool tank of node father: it holds tank:subvol-200-disk-0. Move or remove that first, or "
        "set force to lose it."
    )


def test_least_privileges(modules: Modules) -> None:
    needed = {"/": ["Sys.Audit", "Sys.Modify"]}
    assert modules.refusals(needed, "zfs_pool", **TANK) == {
        "Sys.Audit on /": f"GET /nodes/father/disks/zfs: {denied('Sys.Audit', '/')}",
        "Sys.Modify on /": (
            f"Cannot make ZFS pool tank of node father: POST /nodes/father/disks/zfs: {denied('Sys.Modify', '/')}"
        ),
    }
    modules.limited(needed).converge("zfs_pool", **TANK)
    modules.limited(needed).converge("zfs_pool", **GONE)
