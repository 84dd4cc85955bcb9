"""Planning what becomes of many guests. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.bulk_guests import BULK_GUESTS

from .reading import Table, row

BULK = "/cluster/bulk-action/guest"
ALL = "/cluster/resources"
OLD = PveError("GET", BULK, 501, f"Method 'GET {BULK}' not implemented")
RUNS, RESTS = {"status": "running"}, {"status": "stopped"}


def current(vmid: int, node: str = "father", kind: str = "qemu") -> str:
    return f"/nodes/{node}/{kind}/{vmid}/status/current"


ANSWERS: dict[str, Any] = {
    BULK: [],
    ALL: [
        row(100, "web"),
        row(101, "db", node="mother", status="running"),
        row(102, "mail"),
        row(200, "ct", type="lxc", status="running"),
        row(900, "image", template=1),
    ],
    current(100): RESTS,
    current(102): RUNS,
    current(101, "mother"): RUNS,
    current(200, kind="lxc"): RUNS,
}


def planned(wish: dict[str, Any], **answers: Any) -> Plan:
    read = Table({**ANSWERS, **answers})
    return BULK_GUESTS.plan(wish, BULK_GUESTS.describe(read, wish))


def steps(wish: dict[str, Any], **answers: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(step.path, dict(step.params)) for step in planned(wish, **answers).steps]


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        # 102 has been started since it was listed.
        (
            {"state": "started", "vms": [102, 101, 100], "max_workers": 2},
            [(f"{BULK}/start", {"vms": [100], "max-workers": 2})],
        ),
        ({"state": "started", "vms": [101]}, []),
        (
            {"state": "stopped", "vms": [101, 200], "guest_timeout": 9, "force_stop": False},
            [(f"{BULK}/shutdown", {"vms": [101, 200], "timeout": 9, "force-stop": False})],
        ),
        (
            {"state": "suspended", "vms": [100, 101], "statestorage": "local"},
            [(f"{BULK}/suspend", {"vms": [101], "to-disk": True, "statestorage": "local"})],
        ),
        (
            {"state": "migrated", "vms": [101, 102], "target": "father"},
            [(f"{BULK}/migrate", {"vms": [101], "online": True, "target": "father"})],
        ),
        (
            {"state": "migrated", "vms": [101], "target": "father", "online": False, "with_local_disks": True},
            [(f"{BULK}/migrate", {"vms": [101], "online": False, "target": "father", "with-local-disks": True})],
        ),
        ({"state": "started", "node": "father"}, [("/nodes/father/startall", {"vms": "100", "force": True})]),
        ({"state": "stopped", "node": "father"}, [("/nodes/father/stopall", {"vms": "200"})]),
        ({"state": "suspended", "node": "mother"}, [("/nodes/mother/suspendall", {"vms": "101"})]),
        ({"state": "suspended", "node": "father"}, []),
        (
            {"state": "migrated", "node": "mother", "target": "son", "max_workers": 3},
            [("/nodes/mother/migrateall", {"vms": "101", "target": "son", "maxworkers": 3})],
        ),
        ({"state": "stopped", "node": "son"}, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], expected: list[Any]) -> None:
    assert steps(wish) == expected


def test_a_release_without_bulk_actions_has_those_of_its_nodes() -> None:
    assert steps({"state": "stopped", "vms": [101, 200]}, **{BULK: OLD}) == [
        ("/nodes/father/stopall", {"vms": "200"}),
        ("/nodes/mother/stopall", {"vms": "101"}),
    ]


def test_what_is_shown() -> None:
    made = planned({"state": "migrated", "vms": [101], "target": "son"})
    assert [step.reason for step in made.steps] == ["migrate vm 101 (db) to node son"]
    assert (made.before, made.after) == ({"101": "mother"}, {"101": "son"})
    made = planned({"state": "stopped", "vms": [101]})
    assert (made.before, made.after) == ({"101": "started"}, {"101": "stopped"})
    assert planned({"state": "started", "vms": [101]}).reason == "all 1 guests are started"


def test_a_look_is_one_request() -> None:
    table = Table(ANSWERS)
    BULK_GUESTS.describe(table, {"state": "started", "vms": [101, 200]})
    assert table.asked == [ALL]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"state": "started", "vms": [900]}, "Cannot have vm 900 (image) started: it is a template."),
        (
            {"state": "suspended", "vms": [200]},
            "Cannot have container 200 (ct) suspended: Proxmox VE suspends VMs only.",
        ),
        ({"state": "started", "vms": [100], "online": True}, "Option 'online' is not for state started."),
        ({"state": "stopped", "vms": [101], "target": "son"}, "Option 'target' is not for state stopped."),
        (
            {"state": "started", "node": "father", "guest_timeout": 1},
            "Option 'guest_timeout': the action of a node has no such option. Name the guests (vms), on Proxmox VE 9.1 "
            "or later.",
        ),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigError, RefusedError)) as error:
        planned(wish)
    assert str(error.value) == message


UPID = "UPID:father:00000001:00000001:00000001:bulkstart::root@pam:"
LOG = "/nodes/father/tasks/UPID%3Afather%3A00000001%3A00000001%3A00000001%3Abulkstart%3A%3Aroot%40pam%3A/log"


def test_a_guest_that_failed_is_said() -> None:
    (step,) = planned({"state": "started", "vms": [100]}).steps
    assert step.follow
    lines = [{"n": 1, "t": "Starting VM 100"}, {"n": 2, "t": "Starting VM 100 failed: VM is locked (backup)"}]
    with pytest.raises(RefusedError) as error:
        step.follow(Table({**ANSWERS, LOG: lines}), UPID, 1)
    assert str(error.value) == (
        "these are not started: vm 100 (web). Guests on which the login has no VM.PowerMgmt are left out by Proxmox "
        "VE. Its task says:\n  Starting VM 100 failed: VM is locked (backup)"
    )
    assert step.follow(Table({**ANSWERS, current(100): RUNS}), UPID, 1) == UPID


def test_what_the_ha_manager_decides_is_waited_for() -> None:
    (step,) = planned({"state": "started", "vms": [100]}).steps
    assert step.follow
    assert step.until
    managed = {ALL: [row(100, "web", hastate="started")]}
    assert step.follow(Table({**ANSWERS, **managed}), UPID, 1) == UPID
    assert step.until.seen(Table({**ANSWERS, **managed})) is None
    assert step.until.seen(Table({**ANSWERS, **managed, current(100): RUNS})) is True
