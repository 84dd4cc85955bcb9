"""Listing storages. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage import info

from .reading import Table

ROWS = [
    {"storage": "nas", "type": "nfs", "server": "s", "export": "/x", "content": "backup", "digest": "d"},
    {"storage": "local", "type": "dir", "path": "/var/lib/vz", "content": "iso,snippets", "digest": "d", "shared": 1},
]


@pytest.mark.parametrize(
    ("wish", "names"),
    [({}, ["local", "nas"]), ({"type": "nfs"}, ["nas"]), ({"content": "iso"}, ["local"]), ({"storage": "x"}, [])],
    ids=str,
)
def test_criteria(wish: dict[str, Any], names: list[str]) -> None:
    assert [row["storage"] for row in info(Table({"/storage": ROWS}), wish)["storages"]] == names


def test_what_a_node_can_use() -> None:
    there = [
        {"storage": "local", "active": 1, "avail": 5, "used": 3, "total": 8},
        {"storage": "nas", "active": 0, "avail": 0},
        {"storage": "foreign", "active": 1},
    ]
    table = Table({"/storage": ROWS, "/nodes/n1/storage": there})
    (found,) = info(table, {"node": "n1"})["storages"]
    assert (found["storage"], found["avail"], found["used"], found["total"]) == ("local", 5, 3, 8)


def test_values_are_ours() -> None:
    (found,) = info(Table({"/storage": ROWS}), {"storage": "local"})["storages"]
    assert found == {
        "storage": "local", "type": "dir", "path": "/var/lib/vz", "content": ["iso", "snippets"], "shared": True,
    }  # fmt: skip
