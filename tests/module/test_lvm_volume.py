"""Module lvm_volume against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

VG: dict[str, Any] = {"node": "father", "name": "vg1", "device": "/dev/sdb"}
THIN: dict[str, Any] = {"node": "father", "name": "fast", "device": "/dev/sdc", "type": "lvmthin"}


def gone(wish: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**{key: value for key, value in wish.items() if key != "device"}, "state": "absent", **more}


@pytest.mark.parametrize("wish", [VG, THIN], ids=["group", "thin pool"])
def test_twelve_steps(modules: Modules, wish: dict[str, Any]) -> None:
    made = modules.converge("lvm_volume", **wish, add_storage=True)
    assert made["lvm_volume"]["name"] == wish["name"]
    assert modules.ok("storage_info", storage=wish["name"])["storages"][0]["type"] == wish.get("type", "lvm")
    modules.unchanged("lvm_volume", **wish)
    assert len(modules.lab.requests()) == 1
    modules.converge("lvm_volume", **gone(wish, cleanup_config=True, cleanup_disks=True))
    assert modules.ok("disk_info", node="father", disk=wish["device"])["disks"][0]["used"] is None


def test_a_group_with_volumes(modules: Modules) -> None:
    modules.ok("lvm_volume", **VG, add_storage=True)
    modules.container(200, rootfs="vg1:4")
    assert modules.message("lvm_volume", **gone(VG)) == (
        "Cannot remove volume group vg1 of node father: it holds 1 logical volume. Move or remove that first, or set "
        "force to lose it."
    )


def test_a_pool_with_volumes(modules: Modules) -> None:
    modules.ok("lvm_volume", **THIN, add_storage=True)
    modules.container(200, rootfs="fast:4")
    assert modules.message("lvm_volume", **gone(THIN)) == (
        f"Cannot remove thin pool fast of node father: it holds {4 * 1024**3} bytes in thin volumes. Move or remove "
        "that first, or set force to lose it."
    )
    modules.converge("lvm_volume", **gone(THIN, force=True, cleanup_config=True))


def test_refusals(modules: Modules) -> None:
    assert modules.message("lvm_volume", **{**VG, "device": "/dev/vda"}).startswith(
        "Cannot make volume group vg1 of node father: /dev/vda is in use (mounted). Unused are /dev/sdb, "
    )
    assert modules.message("lvm_volume", **THIN, volume_group="vg1") == (
        "Cannot make thin pool fast of node father: Proxmox VE makes a thin pool in a volume group of its own that is "
        "called fast as well. Leave out volume_group."
    )
    modules.ok("lvm_volume", **VG)
    failed = modules.run("lvm_volume", **{**THIN, "name": "vg1"})["msg"]
    assert "volume group with name 'vg1' already exists on node 'father'" in failed


def test_least_privileges(modules: Modules) -> None:
    needed = {"/": ["Sys.Audit", "Sys.Modify"]}
    assert modules.refusals(needed, "lvm_volume", **VG) == {
        "Sys.Audit on /": f"GET /nodes/father/disks/lvm: {denied('Sys.Audit', '/')}",
        "Sys.Modify on /": (
            f"Cannot make volume group vg1 of node father: POST /nodes/father/disks/lvm: {denied('Sys.Modify', '/')}"
        ),
    }
    modules.limited(needed).converge("lvm_volume", **VG)
    modules.limited(needed).converge("lvm_volume", **gone(VG))
