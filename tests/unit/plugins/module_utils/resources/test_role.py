"""Planning a role. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.role import ROLE

from .reading import Table

PATH = "/access/roles/Snap"
SNAP = {"roleid": "Snap", "special": 0, "privs": "VM.Snapshot,VM.Audit"}
ROWS = [
    {"roleid": "Administrator", "special": 1, "privs": "VM.Audit,VM.Console,VM.Snapshot"},
    {"roleid": "PVEAuditor", "special": 1, "privs": "VM.Audit"},
]
ENTRIES = [
    {"path": "/vms", "roleid": "Snap", "type": "user", "ugid": "alice@pve", "propagate": 1},
    {"path": "/", "roleid": "PVEAuditor", "type": "group", "ugid": "ops", "propagate": 1},
]


def steps(
    wish: dict[str, Any], rows: list[dict[str, Any]], entries: list[dict[str, Any]] | None = None
) -> list[tuple[str, str, dict[str, Any]]]:
    full = {"state": "present", "roleid": "Snap", **wish}
    read = Table({"/access/roles": [*ROWS, *rows], "/access/acl": entries or []})
    made = ROLE.plan(full, ROLE.describe(read, full))
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "rows", "expected"),
    [
        ({}, [], [("POST", "/access/roles", {"roleid": "Snap"})]),
        (
            {"privs": ["VM.Snapshot", "VM.Audit"]},
            [],
            [("POST", "/access/roles", {"roleid": "Snap", "privs": "VM.Audit,VM.Snapshot"})],
        ),
        ({}, [SNAP], []),
        ({"privs": ["VM.Audit", "VM.Snapshot", "VM.Audit"]}, [SNAP], []),
        ({"privs": ["VM.Audit"]}, [SNAP], [("PUT", PATH, {"privs": "VM.Audit"})]),
        ({"privs": []}, [SNAP], [("PUT", PATH, {"privs": ""})]),
        ({"privs": []}, [{**SNAP, "privs": ""}], []),
        ({"state": "absent"}, [SNAP], [("DELETE", PATH, {})]),
        ({"state": "absent"}, [], []),
        ({"roleid": "PVEAuditor", "privs": ["VM.Audit"]}, [], []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], rows: list[dict[str, Any]], expected: list[Any]) -> None:
    assert steps(wish, rows) == expected


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"roleid": "PVEAuditor", "privs": []},
            "Cannot change role PVEAuditor: it is Proxmox VE's own. Declare a role with another name.",
        ),
        (
            {"roleid": "Administrator", "state": "absent"},
            "Cannot remove role Administrator: it is Proxmox VE's own. Declare a role with another name.",
        ),
        (
            {"roleid": "pveMine"},
            "Cannot create role pveMine: Proxmox VE keeps names that begin with PVE for itself. Take another name.",
        ),
        (
            {"state": "absent"},
            "Cannot remove role Snap: it is granted on /vms to user alice@pve, and Proxmox VE would drop that without "
            "a word. Remove these entries first (homelab.pve.acl with state: absent).",
        ),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        steps(wish, [SNAP], ENTRIES)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("privs", "message"),
    [
        (["vm.audit"], "Option 'privs': there is no privilege 'vm.audit'. Did you mean VM.Audit?"),
        (
            ["VM.Snapshots", "X"],
            "Option 'privs': there is no privilege 'VM.Snapshots'. Did you mean VM.Snapshot?; "
            "Option 'privs': there is no privilege 'X'. There are VM.Audit, VM.Console, VM.Snapshot.",
        ),
    ],
)
def test_unknown_privileges(privs: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        steps({"privs": privs}, [])
    assert str(caught.value) == message


def test_what_is_told() -> None:
    full = {"state": "present", "roleid": "Snap"}
    seen = ROLE.describe(Table({"/access/roles": [*ROWS, SNAP]}), full)
    assert ROLE.result(seen) == {"role": {"privs": ["VM.Audit", "VM.Snapshot"], "special": False}}
