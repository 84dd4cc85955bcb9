"""Module group against the lab's API."""

from __future__ import annotations

from .conftest import Modules, denied


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("group", groupid="ops", comment="Ops")
    assert made["group"] == {"comment": "Ops", "users": []}
    changed = modules.converge("group", groupid="ops", comment="")
    assert not changed["group"].get("comment")
    modules.converge("group", groupid="ops", state="absent")


def test_its_users_are_told(modules: Modules) -> None:
    modules.ok("group", groupid="ops")
    modules.ok("user", userid="alice@pve", groups=["ops"])
    assert modules.unchanged("group", groupid="ops")["group"]["users"] == ["alice@pve"]


def test_a_group_with_users_stays(modules: Modules) -> None:
    modules.ok("group", groupid="ops")
    modules.ok("user", userid="alice@pve", groups=["ops"])
    assert modules.message("group", groupid="ops", state="absent") == (
        "Cannot remove group ops: alice@pve is in it, and Proxmox VE would take them out without a word. "
        "Take them out first (homelab.pve.user with their other groups)."
    )
    modules.ok("user", userid="alice@pve", groups=[])
    modules.converge("group", groupid="ops", state="absent")


def test_what_proxmox_refuses(modules: Modules) -> None:
    message = modules.message("group", groupid="o p s")
    assert message.startswith("GET /access/groups/o%20p%20s: 400 Parameter verification failed (groupid: ")


def test_least_privileges(modules: Modules) -> None:
    needed = {"/access/groups": ["Group.Allocate"]}
    message = denied("Sys.Audit or Group.Allocate", "/access/groups")
    assert modules.refusals(needed, "group", groupid="ops") == {
        "Group.Allocate on /access/groups": f"GET /access/groups/ops: {message}"
    }
    limited = modules.limited(needed)
    for wish in ({}, {"comment": "x"}, {"state": "absent"}):
        limited.converge("group", groupid="ops", **wish)
