"""Listing what is on storages. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage_content_info import info

from .reading import Table

PLACES = [
    {"storage": "local", "node": "son", "content": "iso,backup"},
    {"storage": "local", "node": "father", "content": "iso,backup"},
    {"storage": "nas", "node": "son", "content": "backup", "shared": 1},
    {"storage": "nas", "node": "father", "content": "backup", "shared": 1},
    {"storage": "idle", "node": "father", "content": "none"},
]
ISO = {"volid": "local:iso/a.iso", "content": "iso", "format": "iso", "size": 4, "ctime": 7, "parent": None}
KEPT = {"volid": "nas:backup/vm/100/x", "content": "backup", "format": "pbs-vm", "size": 9, "vmid": 100, "protected": 1}
TABLE = {
    "/cluster/resources": PLACES,
    "/nodes/father/storage/local/content": [ISO],
    "/nodes/son/storage/local/content": [],
    "/nodes/father/storage/nas/content": [KEPT, {**KEPT, "volid": "nas:backup/vm/101/x", "vmid": 101}],
}


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        ({}, ["a.iso", "vm/100/x", "vm/101/x"]),
        ({"content": "iso"}, ["a.iso"]),
        ({"node": "son", "storage": "local"}, []),
        ({"vmid": 101, "content": "backup"}, ["vm/101/x"]),
        ({"storage": "idle"}, []),
        ({"storage": "idle", "content": "iso"}, []),
    ],
    ids=str,
)
def test_criteria(wish: dict[str, Any], names: list[str]) -> None:
    assert [row["filename"] for row in info(Table(TABLE), wish)["volumes"]] == names


def test_what_is_shared_is_asked_once() -> None:
    reader = Table(TABLE)
    info(reader, {})
    assert reader.asked == [
        "/cluster/resources", "/nodes/father/storage/local/content", "/nodes/father/storage/nas/content",
        "/nodes/son/storage/local/content",
    ]  # fmt: skip


def test_values_are_ours() -> None:
    one, other, _third = info(Table(TABLE), {})["volumes"]
    assert one == {
        "volid": "local:iso/a.iso", "content": "iso", "format": "iso", "size": 4, "ctime": 7, "storage": "local",
        "node": "father", "filename": "a.iso",
    }  # fmt: skip
    assert (other["protected"], other["vmid"], other["storage"]) == (True, 100, "nas")


def test_a_storage_that_does_not_answer() -> None:
    broken = PveError("GET", "x", 500, "storage 'nas' is not online")
    table = Table({**TABLE, "/nodes/father/storage/nas/content": broken})
    assert info(table, {})["warnings"] == [
        "Storage nas on node father could not be listed: storage 'nas' is not online."
    ]  # fmt: skip
    with pytest.raises(PveError):
        info(table, {"storage": "nas"})
