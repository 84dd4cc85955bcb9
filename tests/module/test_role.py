"""Module role against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

SNAP: dict[str, Any] = {"roleid": "Snap", "privs": ["VM.Audit", "VM.Snapshot"]}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("role", **SNAP)
    assert made["role"] == {"privs": ["VM.Audit", "VM.Snapshot"], "special": False}
    changed = modules.converge("role", roleid="Snap", privs=["VM.Audit"])
    assert changed["role"]["privs"] == ["VM.Audit"]
    modules.converge("role", roleid="Snap", privs=[])
    modules.converge("role", roleid="Snap", state="absent")


def test_a_role_that_is_granted_stays(modules: Modules) -> None:
    modules.ok("role", **SNAP)
    grant: dict[str, Any] = {"path": "/vms", "roles": ["Snap"], "users": ["root@pam"]}
    modules.ok("acl", **grant)
    assert modules.message("role", roleid="Snap", state="absent") == (
        "Cannot remove role Snap: it is granted on /vms to user root@pam, and Proxmox VE would drop that without a "
        "word. Remove these entries first (homelab.pve.acl with state: absent)."
    )
    modules.ok("acl", **grant, state="absent")
    modules.converge("role", roleid="Snap", state="absent")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"roleid": "PVEAuditor", "privs": ["VM.Audit"]},
            "Cannot change role PVEAuditor: it is Proxmox VE's own. Declare a role with another name.",
        ),
        (
            {"roleid": "PVEMine"},
            "Cannot create role PVEMine: Proxmox VE keeps names that begin with PVE for itself. Take another name.",
        ),
        (
            {"roleid": "Snap", "privs": ["VM.Snapshots"]},
            "Option 'privs': there is no privilege 'VM.Snapshots'. Did you mean VM.Snapshot?",
        ),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("role", **wish) == message


def test_least_privileges(modules: Modules) -> None:
    needed = {"/access": ["Sys.Modify"]}
    assert modules.refusals(needed, "role", **SNAP) == {
        "Sys.Modify on /access": f"Cannot create role Snap: POST /access/roles: {denied('Sys.Modify', '/access')}"
    }
    limited = modules.limited(needed)
    for wish in (SNAP, {"roleid": "Snap", "privs": []}, {"roleid": "Snap", "state": "absent"}):
        limited.converge("role", **wish)
