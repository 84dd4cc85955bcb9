"""Pruning backups: from Proxmox VE's verdict to a step. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import BOUND
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.backups import Place
from ansible_collections.homelab.pve.plugins.module_utils.resources.prune import Found, describe, plan, result

from .reading import Table

PATH = "/nodes/father/storage/local/prunebackups"
PLACE = Place("father", "local")


def row(name: str, mark: str, ctime: int = 1, vmid: int = 100) -> dict[str, Any]:
    return {"volid": f"local:backup/{name}", "mark": mark, "ctime": ctime, "vmid": vmid, "type": "qemu"}


def found(*rows: dict[str, Any], removed: tuple[str, ...] = ()) -> Found:
    return Found(PLACE, rows, removed)


@pytest.mark.parametrize(
    ("wish", "params"),
    [
        ({"prune_backups": {"keep-last": 1}}, {"prune-backups": "keep-last=1"}),
        (
            {"prune_backups": "keep-daily=2,keep-last=1", "vmid": 100, "type": "lxc"},
            {"prune-backups": "keep-daily=2,keep-last=1", "vmid": 100, "type": "lxc"},
        ),
        ({}, {}),
    ],
    ids=str,
)
def test_what_is_asked_and_removed(wish: dict[str, Any], params: dict[str, Any]) -> None:
    made = plan(wish, found(row("a", "remove"), row("b", "keep"), row("c", "protected")))
    ((step),) = made.steps
    assert (step.verb, step.path, step.params) == ("DELETE", PATH, params)
    assert step.reason == "remove 1 of 3 backups on local: local:backup/a"
    assert made.before == {"backups": ["local:backup/a", "local:backup/b", "local:backup/c"]}
    assert made.after == {"backups": ["local:backup/b", "local:backup/c"]}


def test_why_nothing_is_removed() -> None:
    made = plan({}, found(row("b", "keep"), row("c", "protected"), row("d", "renamed")))
    assert made.steps == ()
    assert made.reason == "nothing on local is to be removed: 1 are kept, 2 are protected or have names of their own"


@pytest.mark.parametrize(
    ("have", "removed"),
    [
        (found(row("a", "remove"), row("b", "keep")), ["local:backup/a"]),
        (found(row("b", "keep"), removed=("local:backup/a",)), ["local:backup/a"]),
        (found(row("b", "keep")), []),
    ],
    ids=["foretold", "done", "nothing"],
)
def test_the_result(have: Found, removed: list[str]) -> None:
    assert result(have) == {"removed": removed, "kept": ["local:backup/b"], "protected": []}


def test_the_order_is_by_guest_and_age() -> None:
    rows = [row("old", "keep", 1), row("other", "keep", 9, 99), row("new", "keep", 2)]
    have = describe(Table({PATH: rows}), {"storage": "local", "node": "father", BOUND: {"removed": ["x"]}})
    assert [item["volid"] for item in have.rows] == ["local:backup/other", "local:backup/new", "local:backup/old"]
    assert have.removed == ("x",)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "no prune-backups options configured for storage 'local'",
            "Cannot prune the backups on local: no prune-backups options configured for storage 'local'. Set "
            "prune_backups to what is to be kept, or give the storage a retention of its own with the module storage.",
        ),
        (
            "storage 'local' does not exist",
            "Storage 'local' does not exist on node father, or the login has neither Datastore.Audit nor "
            "Datastore.AllocateSpace on /storage/local. Check the name; the module storage_info lists the storages the "
            "login may see.",
        ),
    ],
)
def test_refusals(said: str, message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        describe(Table({PATH: PveError("GET", PATH, 500, said)}), {"storage": "local", "node": "father"})
    assert str(caught.value) == message


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(PveError, match="no quorum"):
        describe(Table({PATH: PveError("GET", PATH, 500, "no quorum")}), {"storage": "local", "node": "father"})


def test_a_wrong_vmid() -> None:
    with pytest.raises(ConfigError, match=r"^Option 'vmid': 7 is not from 100 to 999999999$"):
        describe(Table({}), {"storage": "local", "node": "father", "vmid": 7})
