"""Making and removing what is on whole disks. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.directory import DIRECTORY
from ansible_collections.homelab.pve.plugins.module_utils.resources.disk_volume import Found

from .reading import Table

BASE = {"node": "father", "name": "data", "force": False}
ROW = {"path": "/mnt/pve/data", "type": "ext4", "device": "/dev/disk/by-uuid/1", "options": "defaults"}
FREE = ({"devpath": "/dev/sdb", "size": 512},)
PATH = "/nodes/father/disks/directory"


def plan(found: Found, **wish: Any) -> Plan:
    return DIRECTORY.plan({"state": "present", **BASE, **wish}, found)


@pytest.mark.parametrize(
    ("wish", "found", "steps"),
    [
        ({"device": "/dev/sdb"}, Found(None, FREE), [("POST", PATH, {"name": "data", "device": "/dev/sdb"})]),
        (
            {"device": "/dev/sdb", "filesystem": "ext4", "add_storage": True},
            Found(None, FREE),
            [("POST", PATH, {"name": "data", "device": "/dev/sdb", "filesystem": "ext4", "add_storage": 1})],
        ),
        ({"device": "/dev/sdb", "filesystem": "ext4", "cleanup_disks": True}, Found(ROW), []),
        ({}, Found(ROW), []),
        ({"state": "absent"}, Found(None), []),
        ({"state": "absent"}, Found(ROW), [("DELETE", f"{PATH}/data", {})]),
        (
            {"state": "absent", "cleanup_config": True, "cleanup_disks": True},
            Found(ROW),
            [("DELETE", f"{PATH}/data", {"cleanup-config": 1, "cleanup-disks": 1})],
        ),
        (
            {"state": "absent", "force": True, "cleanup_disks": False},
            Found(ROW, volumes=("data:1",)),
            [("DELETE", f"{PATH}/data", {})],
        ),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], found: Found, steps: list[Any]) -> None:
    assert [(step.verb, step.path, dict(step.params)) for step in plan(found, **wish).steps] == steps


def test_refusals() -> None:
    with pytest.raises(RefusedError, match="it holds data:1, data:2, data:3 and 1 more"):
        plan(Found(ROW, volumes=("data:1", "data:2", "data:3", "data:4")), state="absent")
    with pytest.raises(RefusedError, match="the node has no disk /dev/sdz"):
        plan(Found(None, FREE), device="/dev/sdz")
    with pytest.raises(ConfigError, match="Option 'device' is needed"):
        plan(Found(None, FREE))
    with pytest.raises(RefusedError, match="Cannot change filesystem of directory data from ext4 to xfs"):
        plan(Found(ROW), filesystem="xfs")


def test_storages_that_stay_are_named() -> None:
    assert len(plan(Found(ROW, storages=("data",)), state="absent").warnings) == 1
    assert plan(Found(ROW, storages=("data",)), state="absent", cleanup_config=True).warnings == ()


@pytest.mark.parametrize(("nodes", "found"), [(None, ("data",)), ("mother,father", ("data",)), ("mother", ())])
def test_a_storage_of_the_same_name_on_another_node(nodes: str | None, found: tuple[str, ...]) -> None:
    store = {"storage": "data", "type": "dir", "path": "/mnt/pve/data", **({"nodes": nodes} if nodes else {})}
    reader = Table({PATH: [ROW], "/storage": [store], "/nodes/father/storage/data/content": []})
    assert DIRECTORY.describe(reader, {"state": "absent", **BASE}) == Found(ROW, storages=found)


def test_what_cannot_be_seen_is_not_removed_unless_it_is_forced() -> None:
    store = {"storage": "data", "type": "dir", "path": "/mnt/pve/data"}
    lost = PveError("GET", "/nodes/father/storage/data/content", 500, "storage 'data' is not online")
    answers = {PATH: [ROW], "/storage": [store], "/nodes/father/storage/data/content": lost}
    with pytest.raises(RefusedError) as caught:
        DIRECTORY.describe(Table(answers), {"state": "absent", **BASE})
    assert str(caught.value) == (
        "Cannot see what is on storage data of node father: GET /nodes/father/storage/data/content: 500 storage 'data' "
        "is not online. Set force to remove what it is on unseen."
    )
    forced = {**BASE, "state": "absent", "force": True}
    assert DIRECTORY.describe(Table(answers), forced) == Found(ROW, storages=("data",))


def test_only_what_the_wish_needs_is_read() -> None:
    stores = [{"storage": "data", "type": "dir", "path": "/mnt/pve/data"}, {"storage": "local", "type": "dir"}]
    answers = {
        PATH: [ROW],
        "/storage": stores,
        "/nodes/father/storage/data/content": [{"volid": "data:1"}],
        "/nodes/father/disks/list": list(FREE),
    }
    reader = Table(answers)
    assert DIRECTORY.describe(reader, {"state": "absent", **BASE}) == Found(
        ROW, storages=("data",), volumes=("data:1",)
    )
    reader = Table(answers)
    assert DIRECTORY.describe(reader, {"state": "present", **BASE}) == Found(ROW)
    assert reader.asked == [PATH]
    reader = Table({**answers, PATH: []})
    assert DIRECTORY.describe(reader, {"state": "present", **BASE}) == Found(None, disks=list(FREE))
    assert DIRECTORY.describe(reader, {"state": "absent", **BASE}) == Found(None)
