"""Listing users, groups, roles and entries of the access control list. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.access_info import (
    entries,
    groups,
    roles,
    tokens,
    users,
)

from .reading import Table

ANSWERS = {
    "/access/users": [
        {"userid": "root@pam", "enable": 1, "expire": 0, "realm-type": "pam", "groups": "", "tokens": []},
        {
            "userid": "alice@pve", "enable": 0, "expire": 5, "groups": "ops,devs", "keys": "x",
            "tokens": [{"tokenid": "ci", "privsep": 1}],
        },
    ],
    "/access/groups": [{"groupid": "ops", "users": "bob@pve,alice@pve", "comment": "Ops"}, {"groupid": "devs"}],
    "/access/roles": [
        {"roleid": "PVEVMUser", "privs": "VM.Console,VM.Audit", "special": 1},
        {"roleid": "NoAccess", "privs": "", "special": 1},
        {"roleid": "Mine", "privs": "VM.Audit"},
    ],
    "/access/acl": [
        {"path": "/vms", "roleid": "Mine", "type": "user", "ugid": "alice@pve", "propagate": 0},
        {"path": "/", "roleid": "Mine", "type": "group", "ugid": "ops", "propagate": 1},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("question", "wish", "names"),
    [
        (users, {}, ["alice@pve", "root@pam"]),
        (users, {"enable": True}, ["root@pam"]),
        (users, {"group": "devs"}, ["alice@pve"]),
        (users, {"userid": "nobody@pve"}, []),
        (tokens, {}, ["alice@pve!ci"]),
        (tokens, {"userid": "alice@pve", "tokenid": "ci"}, ["alice@pve!ci"]),
        (tokens, {"userid": "root@pam"}, []),
        (groups, {}, ["devs", "ops"]),
        (groups, {"groupid": "ops"}, ["ops"]),
        (roles, {}, ["Mine", "NoAccess", "PVEVMUser"]),
        (roles, {"special": False}, ["Mine"]),
        (roles, {"priv": "VM.Console"}, ["PVEVMUser"]),
        (entries, {}, ["/", "/vms"]),
        (entries, {"path": "vms/"}, ["/vms"]),
        (entries, {"type": "group", "roleid": "Mine"}, ["/"]),
        (entries, {"ugid": "bob@pve"}, []),
    ],
)
def test_criteria(question: Any, wish: dict[str, Any], names: list[str]) -> None:
    keys = {users: "userid", groups: "groupid", roles: "roleid", entries: "path", tokens: "full_tokenid"}
    answer = question(Table(ANSWERS), wish)
    assert answer.pop("changed") is False
    assert [row[keys[question]] for row in next(iter(answer.values()))] == names


def test_second_factors_are_told_on_request() -> None:
    entry = {"id": "p1", "type": "totp", "description": "phone", "created": 1}
    read = Table({**ANSWERS, "/access/tfa": [{"userid": "alice@pve", "entries": [entry]}]})
    assert "tfa" not in users(read, {"userid": "alice@pve"})["users"][0]
    assert read.asked == ["/access/users"]
    found = users(read, {"tfa": True})["users"]
    assert [row["tfa"] for row in found] == [[{**entry, "enable": True}], []]


def test_values_are_ours() -> None:
    read = Table(ANSWERS)
    assert users(read, {"userid": "alice@pve"})["users"] == [
        {"userid": "alice@pve", "enable": False, "expire": 5, "groups": ["devs", "ops"], "tokens": ["ci"]}
    ]
    assert groups(read, {})["groups"] == [
        {"groupid": "devs", "users": []},
        {"groupid": "ops", "comment": "Ops", "users": ["alice@pve", "bob@pve"]},
    ]
    assert roles(read, {"roleid": "NoAccess"})["roles"] == [{"roleid": "NoAccess", "privs": [], "special": True}]
    assert [row["propagate"] for row in entries(read, {})["entries"]] == [True, False]
