"""Backups made now: from the guests and their newest backups to steps. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import BOUND
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.backup import (
    ADVICE,
    Found,
    describe,
    parts,
    plan,
    stale,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import guest
from hypothesis import given
from hypothesis import strategies as st

from .reading import Table, row

ROWS = [
    row(100, "web", pool="dev"),
    row(101, "db", node="mother", pool="dev"),
    row(200, "ct", type="lxc", status="running"),
]
GUESTS = tuple(guest(item) for item in ROWS)
NOW = 1_000_000.0
FRESH = {"volid": "local:backup/fresh", "vmid": 100, "ctime": NOW - 3600, "verification": None}
NAS = {"father": "nas", "mother": "nas"}


def found(*vmids: int, storages: dict[str, str | None] | None = None, newest: Any = None) -> Found:
    chosen = tuple(item for item in GUESTS if item.vmid in vmids)
    return Found(chosen, NAS if storages is None else storages, newest or {}, NOW)


@pytest.mark.parametrize(
    ("have", "wish", "steps"),
    [
        (
            found(100, 101, 200),
            {"all": True, "mode": "stop", "protected": True},
            [
                (
                    "/nodes/father/vzdump",
                    {"vmid": "100,200", "mode": "stop", "protected": 1, "storage": "nas"},
                    "back up vm 100, container 200 on father to nas",
                ),
                (
                    "/nodes/mother/vzdump",
                    {"vmid": "101", "mode": "stop", "protected": 1, "storage": "nas"},
                    "back up vm 101 on mother to nas",
                ),
            ],
        ),
        (
            found(100, storages={"father": None}),
            {"vmid": [100], "dumpdir": "/srv"},
            [("/nodes/father/vzdump", {"vmid": "100", "dumpdir": "/srv"}, "back up vm 100 on father to /srv")],
        ),
        (
            found(100, 200, newest={100: FRESH}),
            {"vmid": [100, 200], "max_age": 1.5},
            [("/nodes/father/vzdump", {"vmid": "200", "storage": "nas"}, "back up container 200 on father to nas")],
        ),
        (found(100, newest={100: FRESH}), {"vmid": [100], "max_age": 1}, []),
        (found(), {"pool": "dev"}, []),
    ],
    ids=["each node", "a directory", "what is old", "nothing is", "nobody"],
)
def test_steps(have: Found, wish: dict[str, Any], steps: list[tuple[str, dict[str, Any], str]]) -> None:
    made = plan(wish, have)
    assert [(step.path, step.params, step.reason) for step in made.steps] == steps
    assert all((step.verb, step.once, step.advice) == ("POST", True, ADVICE) for step in made.steps)


def test_the_diff_tells_what_was_the_newest() -> None:
    made = plan({"vmid": [100, 200]}, found(100, 200, newest={100: FRESH}))
    assert made.before == {"newest": {"vm 100": "local:backup/fresh"}}
    new = "a new backup on nas"
    assert made.after == {"newest": {"vm 100": new, "container 200": new}}


@pytest.mark.parametrize(
    ("wish", "have", "reason"),
    [
        ({"max_age": 24}, found(100, newest={100: FRESH}), "every backup is at most 24 hours old"),
        ({"max_age": 24}, found(), "no guest is chosen"),
        ({}, found(), "no guest is chosen"),
    ],
)
def test_why_nothing_is_done(wish: dict[str, Any], have: Found, reason: str) -> None:
    assert plan(wish, have).reason == reason


def test_a_damaged_backup_is_none() -> None:
    damaged = {**FRESH, "verification": "failed"}
    assert [item.vmid for item in stale({"max_age": 24}, found(100, newest={100: damaged}))] == [100]


@given(st.floats(0, 1000), st.floats(0, 1000))
def test_age(age: float, limit: float) -> None:
    made = NOW - age * 3600
    due = stale({"max_age": limit}, Found(GUESTS[:1], NAS, {100: {**FRESH, "ctime": made}}, NOW))
    assert bool(due) is (NOW - made > limit * 3600)


LOCAL = {"storage": "local", "content": "iso,backup", "active": 1}
CONTENT = [
    {"volid": "local:backup/old", "vmid": 100, "ctime": 1, "content": "backup"},
    {"volid": "local:backup/new", "vmid": 100, "ctime": 2, "content": "backup"},
    {"volid": "local:backup/other", "vmid": 300, "ctime": 3, "content": "backup"},
]


def table(**more: Any) -> Table:
    return Table(
        {
            "/cluster/resources": ROWS,
            "/cluster/nextid": PveError("GET", "/cluster/nextid", 400, "bad", errors={"vmid": "VM 300 already exists"}),
            "/nodes/father/storage": [LOCAL],
            "/nodes/mother/storage": [LOCAL],
            "/nodes/father/storage/local/content": CONTENT,
            "/nodes/mother/storage/local/content": [],
            "/nodes/father/vzdump/defaults": {"storage": "local"},
            "/pools": [{"poolid": "empty", "members": []}],
            **more,
        }
    )


@pytest.mark.parametrize(
    ("wish", "vmids"),
    [
        ({"vmid": [200, 100]}, [100, 200]),
        ({"pool": "dev"}, [100, 101]),
        ({"pool": "dev", "node": "mother"}, [101]),
        ({"all": True}, [100, 101, 200]),
        ({"all": True, "exclude": [100]}, [101, 200]),
        ({"exclude": [101]}, [100, 200]),
        ({"pool": "empty"}, []),
    ],
    ids=str,
)
def test_the_chosen(wish: dict[str, Any], vmids: list[int]) -> None:
    assert [item.vmid for item in describe(table(), {"storage": "local", **wish}).guests] == vmids


def test_the_newest_backup_of_each_is_known() -> None:
    have = describe(table(), {"vmid": [100, 200], "storage": "local"})
    assert {vmid: backup["volid"] for vmid, backup in have.newest.items()} == {100: "local:backup/new"}


def test_a_node_says_which_storage_it_uses() -> None:
    assert describe(table(), {"vmid": [100]}).storages == {"father": "local"}


def test_a_directory_is_not_read() -> None:
    read = table()
    assert describe(read, {"vmid": [100], "dumpdir": "/srv"}).storages == {"father": None}
    assert read.asked == ["/cluster/resources"]


def test_what_is_fresh_costs_two_requests() -> None:
    read = table()
    describe(read, {"vmid": [100], "storage": "local", "max_age": 10**9})
    assert read.asked == ["/cluster/resources", "/nodes/father/storage/local/content"]


def test_afterwards_nothing_is_refused() -> None:
    read = table(**{"/nodes/father/storage": []})
    assert describe(read, {"vmid": [100], "storage": "local", BOUND: {}}).newest


def test_a_guest_that_was_passed_by_is_noticed() -> None:
    have = describe(table(), {"vmid": [100, 200], "storage": "local"})
    bound = plan({"vmid": [100, 200]}, have).bindings
    assert bound == {"before": {100: "local:backup/new", 200: None}}
    with pytest.raises(RefusedError) as caught:
        describe(table(), {"vmid": [100, 200], "storage": "local", BOUND: bound})
    assert str(caught.value) == (
        "There is no new backup of VM 100, 200: Proxmox VE passes by what was moved to another node meanwhile. Run "
        "again."
    )


def test_backups_in_a_directory_are_not_looked_for() -> None:
    assert plan({"vmid": [100], "dumpdir": "/srv"}, found(100, storages={"father": None})).bindings == {"before": {}}


@pytest.mark.parametrize(
    ("wish", "more", "kind", "message"),
    [
        (
            {"all": False},
            {},
            ConfigError,
            "Option 'vmid', 'pool', 'all' or 'exclude' is needed: it says which guests are backed up.",
        ),
        (
            {"vmid": [100], "dumpdir": "/srv", "max_age": 1},
            {},
            ConfigError,
            "Option 'max_age' needs a storage: Proxmox VE does not tell what is in dumpdir.",
        ),
        (
            {"pool": "nope"},
            {"/pools": PveError("GET", "/pools", 500, "pool 'nope' does not exist")},
            RefusedError,
            "Pool 'nope' does not exist. Check the name; the module pool_info lists them.",
        ),
        (
            {"vmid": [100], "storage": "local"},
            {"/nodes/father/storage": [{**LOCAL, "active": 0}]},
            RefusedError,
            "Storage 'local' is not active on node father: it is disabled, or what it is on can't be reached.",
        ),
        (
            {"vmid": [100], "storage": "local", "max_age": 0},
            {"/nodes/father/storage": [{**LOCAL, "content": "iso"}]},
            RefusedError,
            "Storage 'local' does not take backups: its content is iso. Add backup with the option content of the "
            "module storage, or use another storage.",
        ),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], more: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        describe(table(**more), wish)
    assert str(caught.value) == message


def test_who_failed_and_why() -> None:
    log = [
        "INFO: starting new backup job: vzdump 100 101 102",
        "INFO: Starting Backup of VM 100 (qemu)",
        "INFO: Finished Backup of VM 100 (00:00:07)",
        "INFO: Starting Backup of VM 101 (lxc)",
        *(f"INFO: line {number}" for number in range(5)),
        "ERROR: Backup of VM 101 failed - command 'tar' failed: exit code 2",
        "INFO: Failed at 2026-11-20 12:46:44",
        "INFO: Starting Backup of VM 102 (qemu)",
        "INFO: Finished Backup of VM 102 (00:00:01)",
        "INFO: Backup job finished with errors",
    ]
    assert parts(log) == (
        "VM 101 failed: command 'tar' failed: exit code 2\n"
        "  INFO: line 2\n  INFO: line 3\n  INFO: line 4\n"
        "Backed up: VM 100, VM 102."
    )


def test_a_task_that_never_came_to_a_guest_says_no_more() -> None:
    assert parts(["could not activate storage 'nope'"]) == ""
