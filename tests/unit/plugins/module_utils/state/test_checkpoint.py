"""What a checkpoint keeps of a plan. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest
from ansible_collections.homelab.pve.plugins.module_utils.state.checkpoint import (
    Checkpoint,
    Kept,
    _lost,
    _unset,
    touched,
)

WEB = Guest(100, "web", "father", "running", "qemu", False, (), None)
DB = Guest(101, "db", "father", "stopped", "qemu", False, (), None)


def row(kind: str, identity: str, action: str, **views: Any) -> dict[str, Any]:
    return {"kind": kind, "id": identity, "action": action, **views}


@pytest.mark.parametrize(
    ("rows", "action", "vmids"),
    [
        ([row("vms", "100", "modify"), row("vms", "101", "delete")], "modify", [100]),
        ([row("vms", "100", "modify"), row("vms", "101", "delete")], "delete", [101]),
        ([row("containers", "db", "modify")], "modify", [101]),
        ([row("pools", "web", "modify"), row("vms", "100", "create")], "modify", []),
    ],
)
def test_guests_of_a_plan(rows: list[dict[str, Any]], action: str, vmids: list[int]) -> None:
    assert [guest.vmid for guest in touched(rows, action, [WEB, DB])] == vmids


@pytest.mark.parametrize(
    ("told", "options"),
    [
        (
            row("users", "ann@pve", "modify", before={"email": None}, after={"email": "a@b", "groups": ["g"]}),
            {"email": "", "groups": []},
        ),
        (row("users", "ann@pve", "modify", before={"email": "old"}, after={"email": "new"}), None),
        (row("users", "ann@pve", "create", before={}, after={"email": "new"}), None),
        # A number can't be unset by an entry: that is told.
        (row("users", "ann@pve", "modify", before={}, after={"expire": 1}), None),
        # Of a guest with a snapshot only what no snapshot has.
        (row("vms", "100", "modify", before={}, after={"description": "x", "nameserver": "y"}), {"description": ""}),
        (
            row("vms", "101", "modify", before={}, after={"description": "x", "nameserver": "y"}),
            {"description": "", "nameserver": []},
        ),
    ],
)
def test_options_that_were_not_set(told: dict[str, Any], options: dict[str, Any] | None) -> None:
    expected = [{"kind": told["kind"], "id": told["id"], "options": options}] if options else []
    assert list(_unset([told], [WEB])) == expected


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (row("cluster", "cluster", "create"), "cluster cluster: a node that is in a cluster stays in it"),
        (row("users", "ann@pve", "delete"), "users ann@pve: a user who is made anew"),
        (
            row("users", "ann@pve", "modify", before={}, after={"expire": 1}),
            "users ann@pve: option expire, which was not set, stays",
        ),
        (row("storage", "nas", "delete"), "storage nas: its secrets can't be read"),
        (row("storage", "other", "delete"), ""),
    ],
)
def test_what_is_lost(told: dict[str, Any], text: str) -> None:
    document = {"storage": [{"storage": "nas", "password": "${secret:storage.nas.password}"}, {"storage": "other"}]}
    found = "; ".join(_lost([told], [], document))
    assert found.startswith(text)
    assert bool(found) is bool(text)


def test_a_checkpoint_is_the_mapping_it_came_from() -> None:
    made = Checkpoint("n", "2026-01-01T00:00:00+00:00", None, "father", [Kept.of(WEB)], [Kept.of(DB)])
    assert Checkpoint.of(asdict(made)) == made


@pytest.mark.parametrize("given", [None, {"name": "n"}, {"guests": [], "removals": [], "other": 1}])
def test_what_is_no_checkpoint(given: dict[str, Any] | None) -> None:
    with pytest.raises(ConfigError, match="this is not what state: present returned"):
        Checkpoint.of(given)
