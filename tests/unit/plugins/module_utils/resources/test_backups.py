"""What the storages have of backups. Pure."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.backups import (
    Place,
    archived_config,
    info,
    kind_of,
    newest_first,
    place_of,
    read_backups,
)
from hypothesis import given
from hypothesis import strategies as st

from .reading import Table

LATE = {"volid": "local:backup/b", "vmid": 100, "ctime": 20, "size": 5, "format": "vma.zst", "protected": 1}
EARLY = {"volid": "local:backup/a", "vmid": "100", "ctime": 10, "size": 5, "format": "vma.zst", "notes": "first\n"}
PBS = {
    "volid": "pbs:backup/x", "vmid": 99900, "ctime": 1, "format": "pbs-ct", "encrypted": "ab:cd",
    "verification": {"state": "ok", "upid": "U"},
}  # fmt: skip
NAS = {"storage": "pbs", "active": 1, "shared": 1}
NODES = [{"node": "son", "status": "offline"}, {"node": "mother", "status": "online"}, {"node": "father"}]
OFFLINE = "Node son is offline: backups that are on it alone are not listed."
ASLEEP = "Storage off is not active on node father: the backups on it are not listed."


def table(**more: Any) -> Table:
    return Table(
        {
            "/nodes": NODES,
            "/nodes/father/storage": [{"storage": "local", "active": 1}, NAS, {"storage": "off", "active": 0}],
            "/nodes/mother/storage": [{"storage": "local", "active": 1}, NAS],
            "/nodes/father/storage/local/content": [EARLY, LATE],
            "/nodes/mother/storage/local/content": [],
            "/nodes/father/storage/pbs/content": [PBS],
            "/nodes/mother/storage/pbs/content": [PBS],
            "/nodes/father/vzdump/extractconfig": "cores: 2\n",
            **more,
        }
    )


@pytest.mark.parametrize(
    ("wish", "volids", "warnings"),
    [
        ({}, ["local:backup/b", "local:backup/a", "pbs:backup/x"], [OFFLINE, ASLEEP]),
        ({"storage": "pbs"}, ["pbs:backup/x"], [OFFLINE]),
        ({"node": "mother"}, ["pbs:backup/x"], []),
        ({"node": "son"}, [], [OFFLINE]),
        ({"storage": "nope"}, [], [OFFLINE]),
        ({"storage": "off", "node": "father"}, [], [ASLEEP]),
    ],
    ids=str,
)
def test_criteria(wish: dict[str, Any], volids: list[str], warnings: list[str]) -> None:
    found = info(table(), wish)
    assert [row["volid"] for row in found["backups"]] == volids
    assert found["warnings"] == warnings


def test_a_shared_storage_is_asked_for_where_it_is_active() -> None:
    asleep = [{"storage": "pbs", "active": 0, "shared": 1}]
    found = info(table(**{"/nodes/father/storage": asleep}), {"storage": "pbs"})
    assert [(row["volid"], row["node"]) for row in found["backups"]] == [("pbs:backup/x", "mother")]
    assert found["warnings"] == [OFFLINE]


def test_values_are_ours() -> None:
    late, early, pbs = info(table(), {})["backups"]
    assert early == {
        "volid": "local:backup/a", "node": "father", "storage": "local", "vmid": 100, "type": None, "ctime": 10,
        "size": 5, "format": "vma.zst", "notes": "first", "protected": False, "verification": None,
        "encrypted": False,
    }  # fmt: skip
    assert (late["protected"], pbs["verification"], pbs["encrypted"], pbs["type"]) == (True, "ok", True, "lxc")


def test_configurations_are_told_when_asked_for() -> None:
    (found,) = info(table(**{"/nodes/father/storage/local/content": [LATE]}), {"node": "father", "config": True})[
        "backups"
    ][:1]
    assert found["config"] == {"cores": "2"}


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"volid": "s:backup/x", "subtype": "qemu"}, "qemu"),
        ({"volid": "s:backup/vm/100/x", "format": "pbs-vm"}, "qemu"),
        ({"volid": "s:backup/vzdump-lxc-100-2026_01_01-00_00_00.tar"}, "lxc"),
        ({"volid": "s:backup/mine.vma", "format": "vma"}, None),
    ],
    ids=str,
)
def test_kinds(row: dict[str, Any], kind: str | None) -> None:
    assert kind_of(row) == kind


def test_a_missing_storage_is_refused() -> None:
    path = "/nodes/father/storage/nope/content"
    with pytest.raises(RefusedError) as caught:
        read_backups(
            Table({path: PveError("GET", path, 500, "storage 'nope' does not exist")}), Place("father", "nope")
        )
    assert str(caught.value) == (
        "Storage 'nope' does not exist on node father, or the login has neither Datastore.Audit nor "
        "Datastore.AllocateSpace on /storage/nope. Check the name; the module storage_info lists the storages the "
        "login may see."
    )


def test_archived_configuration() -> None:
    text = (
        "#first line\n#100%25 %C3%BC\n#qmdump#map:scsi0:drive-scsi0:local-lvm::\nboot: order=scsi0;net0\n"
        "cipassword: $5$x\nname: web\n\n[before]\nname: old\n"
    )
    assert archived_config(text) == {
        "boot": "order=scsi0;net0",
        "name": "web",
        "description": "first line\n100% ü",
    }


RESOURCES = [
    {"storage": "local", "node": "mother", "status": "available"},
    {"storage": "local", "node": "father", "status": "available"},
    {"storage": "nas", "node": "father", "status": "unknown", "shared": 1},
    {"storage": "nas", "node": "mother", "status": "available", "shared": 1},
    {"storage": "tank", "node": "son", "status": "available", "shared": 0},
]


@pytest.mark.parametrize(
    ("storage", "node", "found"),
    [
        ("nas", None, Place("mother", "nas", shared=True)),
        ("tank", None, Place("son", "tank")),
        ("local", "father", Place("father", "local")),
    ],
)
def test_places(storage: str, node: str | None, found: Place) -> None:
    assert place_of(Table({"/cluster/resources": RESOURCES}), storage, node, "to look") == found


def test_places_that_are_none() -> None:
    with pytest.raises(ConfigError) as several:
        place_of(Table({"/cluster/resources": RESOURCES}), "local", None, "to say whose backups are pruned")
    assert str(several.value) == (
        "Option 'node' is needed to say whose backups are pruned: the nodes father, mother each have a storage 'local' "
        "of their own."
    )
    with pytest.raises(RefusedError, match=r"^Storage 'nope' does not exist, or the login has no Datastore\.Audit on "):
        place_of(Table({"/cluster/resources": RESOURCES}), "nope", None, "to look")


@given(st.lists(st.tuples(st.integers(0, 3), st.text(max_size=2)), unique=True))
def test_order(pairs: list[tuple[int, str]]) -> None:
    rows = [{"ctime": ctime, "volid": volid} for ctime, volid in pairs]
    ordered = newest_first(rows)
    assert newest_first(list(reversed(rows))) == ordered
    assert all(one["ctime"] >= other["ctime"] for one, other in itertools.pairwise(ordered))
