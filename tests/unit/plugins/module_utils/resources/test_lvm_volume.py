"""Volume groups and thin pools. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.disk_volume import Found
from ansible_collections.homelab.pve.plugins.module_utils.resources.lvm_volume import (
    LVM_VOLUME,
    check,
    find,
    holds,
    shown,
)

from .reading import Table

GROUP = {"name": "vg1", "size": 100, "free": 60, "lvcount": 1, "children": [{"name": "/dev/sdb"}]}
THIN = {"lv": "data", "vg": "pve", "lv_size": 50, "used": 0}
ANSWERS = {"/nodes/a/disks/lvm": {"children": [GROUP]}, "/nodes/a/disks/lvmthin": [THIN]}


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ({"type": "lvm", "name": "vg1"}, GROUP),
        ({"type": "lvm", "name": "pve"}, None),
        ({"type": "lvmthin", "name": "data", "volume_group": "pve"}, THIN),
        ({"type": "lvmthin", "name": "data"}, None),
    ],
    ids=str,
)
def test_what_is_found(wish: dict[str, Any], found: Any) -> None:
    assert find(Table(ANSWERS), {"node": "a", **wish}) == found


def test_a_pool_is_removed_from_its_group() -> None:
    wish = {"type": "lvmthin", "name": "data", "volume_group": "pve", "node": "a", "state": "absent", "force": False}
    (step,) = LVM_VOLUME.plan(wish, Found(THIN)).steps
    assert (step.path, step.params) == ("/nodes/a/disks/lvmthin/data", {"volume-group": "pve"})


def test_what_is_shown() -> None:
    assert shown(THIN) == {"name": "data", "type": "lvmthin", "volume_group": "pve", "size": 50, "used": 0}
    told = {"name": "vg1", "type": "lvm", "devices": ["/dev/sdb"], "size": 100, "used": 40, "logical_volumes": 1}
    assert shown(GROUP) == told


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (GROUP, "1 logical volume"),
        ({**GROUP, "lvcount": 2}, "2 logical volumes"),
        ({**GROUP, "lvcount": 0}, ""),
        (THIN, ""),
        ({**THIN, "used": 7}, "7 bytes in thin volumes"),
    ],
    ids=str,
)
def test_what_is_on_it(row: dict[str, Any], words: str) -> None:
    assert holds(row) == words


def test_a_new_pool_has_a_group_of_its_name() -> None:
    assert check({"type": "lvmthin", "name": "data", "volume_group": "data"}) == ""
    assert "Leave out volume_group" in check({"type": "lvmthin", "name": "data", "volume_group": "pve"})
