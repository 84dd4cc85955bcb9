"""Guests and storages that something is to name. Pure."""

from __future__ import annotations

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.presence import (
    check_guests,
    check_nodes,
    check_storages,
)

from .reading import Table, row

THERE = Table({"/cluster/resources": [row(100, "web")], "/storage": [{"storage": "local"}], "/cluster/nextid": 999})
TAKEN = PveError("GET", "/cluster/nextid", 400, "", errors={"vmid": "VM 999 already exists on node 'father'"})


def test_what_is_there() -> None:
    assert check_guests(THERE, [100]) == {100: row(100, "web")}
    check_storages(THERE, ["local"])


def test_nothing_is_asked_about_nothing() -> None:
    check_storages(Table({}), [])
    check_nodes(Table({}), [])
    assert check_guests(Table({}), []) == {}


def test_a_missing_guest() -> None:
    with pytest.raises(RefusedError, match=r"^There is no guest with vmid 999\."):
        check_guests(THERE, [100, 999])


def test_a_hidden_guest() -> None:
    with pytest.raises(RefusedError, match=r"^The guest with vmid 999 is hidden from the login\."):
        check_guests(Table({**THERE.answers, "/cluster/nextid": TAKEN}), [999])


def test_a_missing_storage() -> None:
    with pytest.raises(RefusedError, match=r"^Storage 'nas' does not exist, or the login has no Datastore\.Audit on "):
        check_storages(THERE, ["local", "nas"])


def test_a_missing_node() -> None:
    table = Table({"/nodes": [{"node": "son"}, {"node": "father"}]})
    check_nodes(table, ["son"])
    with pytest.raises(RefusedError) as caught:
        check_nodes(table, ["son", "daughter"])
    assert str(caught.value) == (
        "There is no node 'daughter' in the cluster; its nodes are father, son. Check the option nodes."
    )
