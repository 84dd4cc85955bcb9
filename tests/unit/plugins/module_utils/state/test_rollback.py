"""The document of the way back. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.checkpoint import Checkpoint, Kept
from ansible_collections.homelab.pve.plugins.module_utils.state.rollback import (
    _entries,
    _not_others,
    _others,
    _refuse_lost,
    _removals,
    _without_removals,
)

LOST = Kept(100, "web", "qemu", "father", True)


def saved(**values: Any) -> Checkpoint:
    return Checkpoint("before", "", None, "father", **values)


def test_entries_are_as_they_were_and_what_was_made_is_removed() -> None:
    made = [{"poolid": "new", "state": "absent"}]
    unset = [{"kind": "pools", "id": "dev", "options": {"comment": ""}}]
    kept = saved(document={"pools": [{"poolid": "dev"}, {"poolid": "ops", "comment": "c"}]}, unset=unset)
    assert _entries(kept, KINDS["pools"], made) == [
        {"poolid": "dev", "comment": ""},
        {"poolid": "ops", "comment": "c"},
        {"poolid": "new", "state": "absent"},
    ]


def test_what_is_there_of_what_was_made() -> None:
    found = [{"vmid": 100, "name": "web", "memory": 512}, {"vmid": 101, "name": "db"}]
    assert [entry["vmid"] for entry in _removals(KINDS["vms"], found, {"100", "db"})] == [100, 101]
    assert all(
        entry["state"] == "absent" and "memory" not in entry for entry in _removals(KINDS["vms"], found, {"100"})
    )


def test_parts_of_a_document() -> None:
    document = {"version": 1, "vms": [{"vmid": 100}], "pools": [{"poolid": "new", "state": "absent"}]}
    assert _others(document) == ["pools"]
    assert _without_removals(document) == {"version": 1, "vms": [{"vmid": 100}]}


MADE = saved(creations=[{"kind": "vms", "id": "100", "name": "new"}])


def there(name: str) -> dict[int, Guest]:
    return {100: Guest(100, name, "father", "running", "qemu", False, (), None)}


def test_another_guest_is_not_removed() -> None:
    with pytest.raises(RefusedError, match="made as new, and is other now"):
        _not_others(MADE, there("other"))


@pytest.mark.parametrize("name", ["new", ""])
def test_the_guest_that_was_made_is_removed(name: str) -> None:
    _not_others(MADE, there(name))


def test_lost_guests_are_refused_unless_they_may_be() -> None:
    with pytest.raises(RefusedError, match=r"no backup of them: 100 \(web\). Nothing was done"):
        _refuse_lost(saved(), [LOST], {"skip_lost": False})
    _refuse_lost(saved(), [LOST], {"skip_lost": True})
    _refuse_lost(saved(), [], {"skip_lost": False})
