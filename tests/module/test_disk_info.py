"""Module disk_info against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

SPARE = ["/dev/sdb", "/dev/sdc", "/dev/sdd", "/dev/sde"]


def test_what_is_told(modules: Modules) -> None:
    disks = modules.unchanged("disk_info", node="father")["disks"]
    assert [row["devpath"] for row in disks] == [*SPARE, "/dev/vda"]
    assert (disks[0]["used"], disks[0]["serial"], disks[0]["size"]) == (None, "LAB00098", 64 * 1024**3)
    assert (disks[-1]["used"], disks[-1]["mounted"], disks[-1]["serial"], disks[-1]["health"]) == (
        "mounted",
        True,
        None,
        None,
    )
    assert len(modules.lab.requests()) == 1


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        ({"type": "unused"}, SPARE),
        ({"disk": "/dev/disk/by-id/ata-LAB_SSD_LAB00099"}, ["/dev/sdc"]),
        ({"disk": "/dev/nope"}, []),
        ({"include_partitions": True, "type": "unused"}, SPARE),
    ],
    ids=str,
)
def test_criteria(modules: Modules, wish: dict[str, Any], names: list[str]) -> None:
    found = modules.unchanged("disk_info", node="father", skipsmart=True, **wish)
    assert [row["devpath"] for row in found["disks"]] == names


def test_health_and_what_is_made_on_disks(modules: Modules) -> None:
    modules.ok("directory", node="father", name="data", device="/dev/sdb")
    modules.ok("lvm_volume", node="father", name="fast", device="/dev/sdc", type="lvmthin")
    modules.ok("zfs_pool", node="father", name="tank", devices=["/dev/sdd", "/dev/sde"], raidlevel="mirror")
    found = modules.unchanged("disk_info", node="father", smart=True, volumes=True, include_partitions=True)
    assert {row["devpath"]: row["used"] for row in found["disks"]} == {
        "/dev/sdb": "partitions",
        "/dev/sdb1": "ext4",
        "/dev/sdc": "LVM",
        "/dev/sdd": "partitions",
        "/dev/sdd1": "ZFS",
        "/dev/sdd9": "ZFS reserved",
        "/dev/sde": "partitions",
        "/dev/sde1": "ZFS",
        "/dev/sde9": "ZFS reserved",
        "/dev/vda": "mounted",
    }
    assert found["disks"][0]["smart"]["health"] == "PASSED"
    assert [row["name"] for row in found["directories"]] == ["data"]
    assert [(row["name"], row["type"]) for row in found["lvm_volumes"]] == [("fast", "lvm"), ("fast", "lvmthin")]
    assert [(row["name"], row["raidlevel"]) for row in found["zfs_pools"]] == [("tank", "mirror")]


def test_least_privileges(modules: Modules) -> None:
    on_node = modules.limited({"/nodes/father": ["Sys.Audit"]})
    assert len(on_node.ok("disk_info", node="father")["disks"]) == 5
    assert on_node.run("disk_info", node="father", volumes=True)["msg"] == (
        f"GET /nodes/father/disks/lvm: {denied('Sys.Audit', '/')}"
    )
    whole = modules.limited({"/": ["Sys.Audit"]})
    assert whole.ok("disk_info", node="father", volumes=True, smart=True)["directories"] == []
    assert "Permission check failed" in modules.limited({}).run("disk_info", node="father")["msg"]
