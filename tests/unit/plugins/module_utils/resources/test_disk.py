"""Partition tables and wiping. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.disk import (
    Found,
    describe,
    is_blank,
    obstacles,
    plan,
)

from .reading import Table

SDB: dict[str, Any] = {"devpath": "/dev/sdb", "serial": "S1", "size": 1024**3, "gpt": 0}
PART = {"devpath": "/dev/sdb1", "parent": "/dev/sdb", "used": "ext4", "gpt": 1, "size": 1}
WISH = {"node": "a", "disk": "/dev/sdb", "serial": "S1"}
LVM = {"children": [{"name": "vg1", "children": [{"name": "/dev/sdb1"}]}]}
TREE = {"children": [{"name": "tank", "children": [{"name": "/dev/sdb1"}]}]}
DISKS = "/nodes/a/disks"


@pytest.mark.parametrize(
    ("state", "found", "steps"),
    [
        ("gpt", Found(SDB), [("POST", f"{DISKS}/initgpt", {"disk": "/dev/sdb"})]),
        ("gpt", Found({**SDB, "gpt": 1}), []),
        ("wiped", Found(SDB), []),
        ("wiped", Found({**SDB, "gpt": 1}), [("PUT", f"{DISKS}/wipedisk", {"disk": "/dev/sdb"})]),
        ("wiped", Found(SDB, [PART]), [("PUT", f"{DISKS}/wipedisk", {"disk": "/dev/sdb"})]),
    ],
    ids=str,
)
def test_steps(state: str, found: Found, steps: list[Any]) -> None:
    assert [(s.verb, s.path, dict(s.params)) for s in plan({**WISH, "state": state}, found).steps] == steps


def test_a_table_has_the_uuid_that_is_wished() -> None:
    (step,) = plan({**WISH, "state": "gpt", "uuid": "ab-1"}, Found(SDB)).steps
    assert step.params == {"disk": "/dev/sdb", "uuid": "ab-1"}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Found({**SDB, "mounted": 1}), ["/dev/sdb is mounted"]),
        (Found(SDB, [{**PART, "mounted": 1}]), ["/dev/sdb1 is mounted"]),
        (Found({**SDB, "osdid": 0}), ["osd.0"]),
        (Found({**SDB, "osdid": "3"}), ["osd.3"]),
        (Found({**SDB, "osdid": -1}), []),
        (Found(SDB, owners=("ZFS pool tank",)), ["it belongs to ZFS pool tank"]),
        (Found(SDB, [PART]), []),
    ],
    ids=str,
)
def test_what_is_in_the_way(found: Found, words: list[str]) -> None:
    problems = list(obstacles(found))
    assert len(problems) == len(words)
    assert all(word in problem for word, problem in zip(words, problems, strict=True))


@pytest.mark.parametrize("state", ["gpt", "wiped"])
def test_a_disk_is_named_twice(state: str) -> None:
    found = Found({**SDB, "used": "ext4"})
    with pytest.raises(ConfigError, match="set serial, wwn or size"):
        plan({"node": "a", "disk": "/dev/sdb", "state": state}, found)
    with pytest.raises(RefusedError, match="its serial is S1, not S2"):
        plan({**WISH, "serial": "S2", "state": state}, found)
    with pytest.raises(RefusedError, match="its size is 1073741824, not 2G"):
        plan({**WISH, "size": "2G", "state": state}, found)


@pytest.mark.parametrize(
    ("row", "parts", "blank"),
    [
        (SDB, [], True),
        ({**SDB, "gpt": 1}, [], False),
        ({**SDB, "used": "LVM"}, [], False),
        (SDB, [PART], False),
        ({**PART, "used": None}, [], True),
    ],
    ids=str,
)
def test_blank(row: dict[str, Any], parts: list[dict[str, Any]], blank: bool) -> None:
    assert is_blank(row, parts) is blank


def test_who_a_disk_belongs_to() -> None:
    answers = {
        f"{DISKS}/list": [{**SDB, "used": "partitions"}, PART],
        f"{DISKS}/lvm": LVM,
        f"{DISKS}/zfs": [{"name": "tank"}],
        f"{DISKS}/zfs/tank": TREE,
    }
    found = describe(Table(answers), {**WISH, "state": "wiped"})
    assert found.owners == ("volume group vg1 (module lvm_volume)", "ZFS pool tank (module zfs_pool)")
    reader = Table(answers)
    assert describe(reader, {**WISH, "state": "gpt"}).owners == ()
    assert reader.asked == [f"{DISKS}/list"]
