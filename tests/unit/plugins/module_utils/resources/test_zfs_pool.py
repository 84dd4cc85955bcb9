"""ZFS pools. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.zfs_pool import check, find, holds, level_of

from .reading import Table

ROW = {"name": "tank", "size": 10, "alloc": 0, "free": 10, "health": "ONLINE"}


def tree(*names: str) -> list[dict[str, Any]]:
    return [{"name": "tank", "children": [{"name": name} for name in names]}]


@pytest.mark.parametrize(
    ("names", "level"),
    [
        (["/dev/sdb1"], "single"),
        (["mirror-0"], "mirror"),
        (["mirror-0", "mirror-1"], "raid10"),
        (["mirror-0", "mirror-1", "logs"], "raid10"),
        (["raidz1-0"], "raidz"),
        (["raidz2-0"], "raidz2"),
        (["raidz3-0"], "raidz3"),
        (["draid1:2d:4c:1s-0", "spares"], "draid"),
        (["draid2:2d:6c:0s-0"], "draid2"),
        (["/dev/sdb1", "/dev/sdc1"], None),
        (["raidz1-0", "raidz1-1"], None),
    ],
    ids=str,
)
def test_the_level_is_told_by_the_devices(names: list[str], level: str | None) -> None:
    assert level_of(tree(*names)) == level


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"raidlevel": "single", "devices": ["a"]}, ""),
        ({"raidlevel": "raid10", "devices": list("abcd")}, ""),
        ({"raidlevel": "raid10", "devices": list("abcde")}, "raid10 needs an even number of devices"),
        ({"raidlevel": "mirror", "devices": ["a"]}, "mirror needs at least 2 devices, devices names 1"),
        ({"raidlevel": "draid", "devices": list("abc"), "draid_config": {"data": 2, "spares": 1}}, "asks for 4"),
        ({"raidlevel": "draid", "devices": list("abcd"), "draid_config": {"data": 2, "spares": 1}}, ""),
        ({"raidlevel": "raidz", "devices": list("abc"), "draid_config": {"data": 2}}, "not for raidz"),
        ({"raidlevel": "draid", "devices": list("abc"), "draid_config": {"data": 2}}, "needs both data and spares"),
    ],
    ids=str,
)
def test_how_many_devices_a_level_needs(wish: dict[str, Any], words: str) -> None:
    found = check(wish)
    assert (words in found) if words else found == ""


def test_how_it_is_built_is_asked_when_it_is_wished() -> None:
    reader = Table({"/nodes/a/disks/zfs": [ROW], "/nodes/a/disks/zfs/tank": {"children": tree("mirror-0")}})
    wish = {"node": "a", "name": "tank", "state": "present"}
    assert find(reader, wish) == ROW
    assert find(reader, {**wish, "raidlevel": "mirror"}) == {**ROW, "tree": tree("mirror-0")}
    assert reader.asked == ["/nodes/a/disks/zfs", "/nodes/a/disks/zfs", "/nodes/a/disks/zfs/tank"]


def test_an_empty_pool_holds_nothing() -> None:
    assert holds({**ROW, "alloc": 1024**2}) == ""
    assert holds({**ROW, "alloc": 1024**3}) == "1073741824 bytes of data"
