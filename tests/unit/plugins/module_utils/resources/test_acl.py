"""Planning entries of the access control list. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.acl import ACL, normal_path

from .reading import Table

ROLES = [{"roleid": name} for name in ("Administrator", "PVEAuditor", "PVEVMUser")]
ENTRIES = [
    {"path": "/vms", "roleid": "PVEAuditor", "type": "user", "ugid": "alice@pve", "propagate": 0},
    {"path": "/vms", "roleid": "PVEVMUser", "type": "group", "ugid": "ops", "propagate": 1},
    {"path": "/", "roleid": "PVEVMUser", "type": "user", "ugid": "alice@pve", "propagate": 1},
]
ALICE = {"users": ["alice@pve"]}


def planned(wish: dict[str, Any]) -> Any:
    full = {"state": "present", "path": "/vms", **wish}
    return ACL.plan(full, ACL.describe(Table({"/access/acl": ENTRIES, "/access/roles": ROLES}), full))


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({**ALICE, "roles": ["PVEAuditor"]}, []),
        ({**ALICE, "roles": ["PVEAuditor"], "propagate": False, "path": "/vms/"}, []),
        (
            {**ALICE, "roles": ["PVEAuditor"], "propagate": True},
            [{"users": "alice@pve", "roles": "PVEAuditor", "propagate": 1}],
        ),
        # An entry that is there keeps its flag: only the role that lacks is granted.
        ({**ALICE, "roles": ["PVEAuditor", "PVEVMUser"]}, [{"users": "alice@pve", "roles": "PVEVMUser"}]),
        (
            {"roles": ["PVEAuditor", "PVEVMUser"], "users": ["bob@pve"], "tokens": ["bob@pve!ci"], "groups": []},
            [{"users": "bob@pve", "tokens": "bob@pve!ci", "roles": "PVEAuditor,PVEVMUser"}],
        ),
        (
            {**ALICE, "roles": ["PVEAuditor", "PVEVMUser"], "groups": ["ops"]},
            [{"groups": "ops", "roles": "PVEAuditor"}, {"users": "alice@pve", "roles": "PVEVMUser"}],
        ),
        (
            {**ALICE, "roles": ["PVEAuditor", "PVEVMUser"], "groups": ["ops"], "state": "absent", "propagate": True},
            [
                {"users": "alice@pve", "roles": "PVEAuditor", "delete": 1},
                {"groups": "ops", "roles": "PVEVMUser", "delete": 1},
            ],
        ),
        ({"users": ["bob@pve"], "roles": ["Gone"], "state": "absent"}, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], expected: list[dict[str, Any]]) -> None:
    steps = planned(wish).steps
    assert {(step.verb, step.path) for step in steps} <= {("PUT", "/access/acl")}
    assert [dict(step.params) for step in steps] == [{"path": "/vms", **params} for params in expected]


def test_the_words() -> None:
    made = planned({**ALICE, "roles": ["PVEAuditor"], "propagate": True})
    assert [step.reason for step in made.steps] == ["grant PVEAuditor on /vms to user alice@pve"]
    assert made.before == {"PVEAuditor to user alice@pve": "does not propagate"}
    assert made.after == {"PVEAuditor to user alice@pve": "propagates"}


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({**ALICE, "roles": ["PVEAuditer"]}, "Option 'roles': there is no role 'PVEAuditer'. Did you mean PVEAuditor?"),
        (
            {**ALICE, "roles": ["zzz"]},
            "Option 'roles': there is no role 'zzz'. Roles are Administrator, PVEAuditor, PVEVMUser.",
        ),
        (
            {"users": [], "roles": ["PVEAuditor"]},
            "Nobody is named, or no role: set roles, and one of users, groups and tokens.",
        ),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        planned(wish)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("path", "expected"), [("/", "/"), ("", "/"), ("vms", "/vms"), ("/vms//100/", "/vms/100"), ("/pool/a", "/pool/a")]
)
def test_paths(path: str, expected: str) -> None:
    assert normal_path(path) == expected
