"""Module acl against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

OPS: dict[str, Any] = {"path": "/vms", "groups": ["ops"], "roles": ["PVEAuditor"]}


@pytest.fixture
def people(modules: Modules) -> Modules:
    """With the group ops and the users alice and bob."""
    modules.ok("group", groupid="ops")
    for name in ("alice", "bob"):
        modules.ok("user", userid=f"{name}@pve")
    return modules


def test_twelve_steps(people: Modules) -> None:
    made = people.converge("acl", **OPS)
    assert made["entries"] == [{"roleid": "PVEAuditor", "type": "group", "ugid": "ops", "propagate": True}]
    changed = people.converge("acl", **OPS, propagate=False)
    assert [entry["propagate"] for entry in changed["entries"]] == [False]
    more = people.converge("acl", **{**OPS, "users": ["alice@pve", "bob@pve"], "roles": ["PVEAuditor", "PVEVMUser"]})
    assert [entry["propagate"] for entry in more["entries"] if entry["ugid"] == "ops"] == [False, True]
    assert len(more["entries"]) == 6
    people.converge("acl", **OPS, state="absent")
    assert len(people.ok("acl", path="/vms", roles=["PVEAuditor"], users=["bob@pve"])["entries"]) == 5


def test_a_token(people: Modules) -> None:
    people.ok("api_token", userid="alice@pve", tokenid="ci")
    people.converge("acl", path="/vms/100/", tokens=["alice@pve!ci"], roles=["PVEVMUser"])


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {**OPS, "roles": ["PVEAuditors"]},
            "Option 'roles': there is no role 'PVEAuditors'. Did you mean PVEAuditor?",
        ),
        (
            {"path": "/vms", "roles": ["PVEAuditor"], "users": []},
            "Nobody is named, or no role: set roles, and one of users, groups and tokens.",
        ),
        (
            {"path": "/vms", "roles": ["PVEAuditor"]},
            "one of the following is required: users, groups, tokens",
        ),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("acl", **wish) == message


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {**OPS, "groups": ["nope"]},
            "Cannot grant PVEAuditor on /vms to group nope: PUT /access/acl: 500 ACL update failed: group 'nope' "
            "does not exist.\nCheck the name, or make it first (homelab.pve.user, homelab.pve.group or "
            "homelab.pve.api_token).",
        ),
        (
            {"path": "/vms", "roles": ["PVEAuditor"], "users": ["nobody@pve"]},
            "Cannot grant PVEAuditor on /vms to user nobody@pve: PUT /access/acl: 500 ACL update failed: user "
            "'nobody@pve' does not exist.\nCheck the name, or make it first (homelab.pve.user, ",
        ),
        (
            {**OPS, "path": "/bogus"},
            "Cannot grant PVEAuditor on /bogus to group ops: PUT /access/acl: 400 Parameter verification failed (path: "
            "invalid ACL path '/bogus').",
        ),
    ],
    ids=str,
)
def test_what_proxmox_refuses(people: Modules, wish: dict[str, Any], message: str) -> None:
    assert people.run("acl", **wish)["msg"].startswith(message)


def test_least_privileges(people: Modules) -> None:
    needed = {"/vms": ["Permissions.Modify"]}
    message = denied("Permissions.Modify", "/vms")
    assert people.refusals(needed, "acl", **OPS) == {
        "Permissions.Modify on /vms": f"Cannot grant PVEAuditor on /vms to group ops: PUT /access/acl: {message}"
    }
    limited = people.limited(needed)
    for wish in (OPS, {**OPS, "propagate": False}, {**OPS, "state": "absent"}):
        limited.converge("acl", **wish)
