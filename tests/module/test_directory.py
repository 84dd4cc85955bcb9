"""Module directory against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

DATA: dict[str, Any] = {"node": "father", "name": "data", "device": "/dev/sdb"}
GONE: dict[str, Any] = {"node": "father", "name": "data", "state": "absent"}
FREE = "The module disk wipes a disk whose contents may be lost."


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("directory", **DATA, filesystem="xfs", add_storage=True)
    assert made["plan"] == ["make directory data of node father"]
    assert made["diff"]["after"] == {"name": "data", "device": "/dev/sdb", "filesystem": "xfs", "add_storage": 1}
    assert (made["directory"]["path"], made["directory"]["filesystem"]) == ("/mnt/pve/data", "xfs")
    assert modules.ok("storage_info", storage="data")["storages"][0]["path"] == "/mnt/pve/data"
    modules.unchanged("directory", **DATA)
    assert len(modules.lab.requests()) == 1
    modules.converge("directory", **GONE, cleanup_config=True, cleanup_disks=True)
    assert modules.ok("storage_info", storage="data")["storages"] == []
    assert modules.ok("disk_info", node="father", disk="/dev/sdb")["disks"][0]["used"] is None


def test_what_is_on_the_disk_stays_unless_it_is_to_go(modules: Modules) -> None:
    modules.ok("directory", **DATA, add_storage=True)
    gone = modules.converge("directory", **GONE)
    assert gone["warnings"] == [
        "Storage data stays configured though directory data of node father is gone. Set cleanup_config to remove it, "
        "too."
    ]
    assert modules.ok("disk_info", node="father", disk="/dev/sdb")["disks"][0]["used"] == "ext4"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"device": "/dev/vda"},
            "Cannot make directory data of node father: /dev/vda is in use (mounted). Unused are /dev/sdb, /dev/sdc, "
            f"/dev/sdd, /dev/sde. {FREE}",
        ),
        (
            {"device": "sdb"},
            "Cannot make directory data of node father: the node has no disk sdb. Unused are /dev/sdb, /dev/sdc, "
            f"/dev/sdd, /dev/sde. {FREE}",
        ),
        ({}, "Option 'device' is needed: directory data of node father does not exist yet."),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("directory", node="father", name="data", **wish) == message


def test_another_file_system(modules: Modules) -> None:
    modules.ok("directory", **DATA)
    assert modules.message("directory", **DATA, filesystem="xfs") == (
        "Cannot change filesystem of directory data from ext4 to xfs: Proxmox VE sets it only at creation. Keep the "
        "present value, or remove the directory first (state: absent) and create it anew."
    )


def test_a_directory_with_volumes(modules: Modules) -> None:
    modules.ok("directory", **DATA, add_storage=True)
    modules.container(200, rootfs="data:4")
    assert modules.message("directory", **GONE, cleanup_disks=True) == (
        "Cannot remove directory data of node father: it holds data:200/vm-200-disk-0.raw. Move or remove that first, "
        "or set force to lose it."
    )
    modules.converge("directory", **GONE, cleanup_disks=True, force=True)


def test_a_storage_of_that_name(modules: Modules) -> None:
    wish = {**DATA, "name": "local", "add_storage": True}
    assert modules.run("directory", **wish)["msg"] == (
        "Cannot make directory local of node father: POST /nodes/father/disks/directory: 500 Storage ID 'local' "
        "already exists on node father.\nChoose another name, leave out add_storage, or remove that storage first."
    )


def test_least_privileges(modules: Modules) -> None:
    needed = {"/": ["Sys.Audit", "Sys.Modify"]}
    assert modules.refusals(needed, "directory", **DATA) == {
        "Sys.Audit on /": f"GET /nodes/father/disks/directory: {denied('Sys.Audit', '/')}",
        "Sys.Modify on /": (
            "Cannot make directory data of node father: POST /nodes/father/disks/directory: "
            f"{denied('Sys.Modify', '/')}"
        ),
    }
    modules.limited(needed).converge("directory", **DATA)
    modules.limited(needed).converge("directory", **GONE, cleanup_disks=True)
    allocating = {**needed, "/storage": ["Datastore.Allocate", "Datastore.Audit"]}
    missing = modules.limited(needed).run("directory", **DATA, add_storage=True)["msg"]
    assert missing.endswith(denied("Datastore.Allocate", "/storage"))
    modules.limited(allocating).converge("directory", **DATA, add_storage=True)
    modules.limited(allocating).converge("directory", **GONE, cleanup_config=True)
