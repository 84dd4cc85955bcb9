"""What a node's disks are. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.disk_info import info

from .reading import Table

WISH: dict[str, Any] = {"node": "a", "include_partitions": False, "skipsmart": True, "smart": False, "volumes": False}
ROWS = [{"devpath": "/dev/sdc"}, {"devpath": "/dev/sdb", "by_id_link": "/dev/disk/by-id/x"}]
NO_ZFS = PveError("GET", "/nodes/a/disks/zfs", 500, "zfsutils-linux not installed")
ANSWERS = {
    "/nodes/a/disks/list": ROWS,
    "/nodes/a/disks/smart": {"health": "PASSED"},
    "/nodes/a/disks/lvm": {"children": []},
    "/nodes/a/disks/lvmthin": [],
    "/nodes/a/disks/directory": [],
    "/nodes/a/disks/zfs": NO_ZFS,
}


def test_disks_in_order() -> None:
    assert [row["devpath"] for row in info(Table(ANSWERS), WISH)["disks"]] == ["/dev/sdb", "/dev/sdc"]
    (row,) = info(Table(ANSWERS), {**WISH, "disk": "/dev/disk/by-id/x", "smart": True})["disks"]
    assert (row["devpath"], row["smart"]) == ("/dev/sdb", {"health": "PASSED"})


def test_a_node_without_zfs_has_no_pools() -> None:
    assert info(Table(ANSWERS), {**WISH, "volumes": True})["zfs_pools"] == []
    broken = Table({**ANSWERS, "/nodes/a/disks/zfs": PveError("GET", "/", 500, "cannot open zpool")})
    with pytest.raises(PveError):
        info(broken, {**WISH, "volumes": True})
