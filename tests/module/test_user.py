"""Module user against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Connection, connect

from .conftest import Modules, denied

ALICE: dict[str, Any] = {
    "userid": "alice@pve", "firstname": "Alice", "email": "a@example.com", "user_password": "topsecret",
}  # fmt: skip


@pytest.fixture
def groups(modules: Modules) -> Modules:
    """With the groups devs and ops."""
    client = connect(Connection.from_params(modules.lab.options()))
    try:
        for group in ("devs", "ops"):
            client.post("/access/groups", {"groupid": group})
    finally:
        client.close()
    return modules


def test_twelve_steps(groups: Modules) -> None:
    made = groups.converge("user", **ALICE, groups=["ops"])
    assert made["user"] == {
        "enable": True, "expire": 0, "firstname": "Alice", "email": "a@example.com", "groups": ["ops"], "tokens": [],
    }  # fmt: skip
    changed = groups.converge("user", userid="alice@pve", enable=False, groups=["devs", "ops"], comment="gone")
    assert (changed["user"]["groups"], changed["user"]["enable"]) == (["devs", "ops"], False)
    groups.converge("user", userid="alice@pve", state="absent")


def test_what_is_empty_is_removed(groups: Modules) -> None:
    groups.ok("user", **ALICE, groups=["devs", "ops"])
    emptied = groups.converge("user", userid="alice@pve", groups=[], firstname="")
    assert emptied["user"]["groups"] == []
    assert not emptied["user"].get("firstname")


def test_groups_are_added(groups: Modules) -> None:
    groups.ok("user", **ALICE, groups=["devs"])
    added = groups.converge("user", userid="alice@pve", groups=["ops"], append=True)
    assert added["user"]["groups"] == ["devs", "ops"]


def test_a_second_factor_is_unlocked(modules: Modules) -> None:
    modules.ok("user", **ALICE)
    modules.unchanged("user", userid="alice@pve", unlock_tfa=True)
    alice = modules.lab.api.directory.users["alice@pve"]
    alice.totp_locked = True
    alice.tfa_locked_until = 2**32
    (told,) = modules.ok("user_info", userid="alice@pve")["users"]
    assert (told["totp_locked"], told["tfa_locked_until"]) == (True, 2**32)
    modules.unchanged("user", userid="alice@pve")
    done = modules.converge("user", userid="alice@pve", unlock_tfa=True)
    assert done["plan"] == ["unlock the second factor of user alice@pve"]
    assert done["diff"]["before"] == {"totp_locked": True, "tfa_locked_until": 2**32}


def test_a_password_works_and_can_be_changed(modules: Modules) -> None:
    made = modules.ok("user", **ALICE)
    modules.unchanged("user", **{**ALICE, "user_password": "another secret"})
    client = connect(Connection.from_params(modules.lab.options()))
    try:
        client.put("/access/acl", {"path": "/", "users": "alice@pve", "roles": "Administrator"})
    finally:
        client.close()
    login: dict[str, Any] = {"token_id": None, "token_secret": None, "user": "alice@pve", "password": "topsecret"}
    wish: dict[str, Any] = {"userid": "alice@pve", "user_password": "another secret", "update_password": "always"}
    changed = modules.ok("user", **login, **wish)
    assert (changed["changed"], changed["plan"]) == (True, ["set the password of user alice@pve"])
    assert "secret" not in f"{made} {changed}"
    assert modules.run("user", **login, userid="alice@pve")["failed"]
    modules.unchanged("user", **{**login, "password": "another secret"}, userid="alice@pve")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"userid": "root@pam", "state": "absent"},
            "Cannot remove user root@pam: Proxmox VE needs it. Set enable: false to keep it from logging in.",
        ),
        ({"userid": "alice@pve", "expire": -1}, "Option 'expire': -1 is not 0 or more"),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("user", **wish) == message


def test_a_token_sets_no_password(modules: Modules) -> None:
    modules.ok("user", **ALICE)
    message = modules.message("user", **ALICE, update_password="always")
    assert message.startswith("Cannot set the password of user alice@pve with the token root@pam!")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"userid": "alice@pve", "groups": ["nope"]},
            "Cannot create user alice@pve: POST /access/users: 500 create user failed: no such group 'nope'",
        ),
        (
            {"userid": "alice@pve", "user_password": "short"},
            "Cannot create user alice@pve: POST /access/users: 400 Parameter verification failed (password: ",
        ),
        ({"userid": "alice"}, "GET /access/users/alice: 400 Parameter verification failed (userid: "),
    ],
    ids=str,
)
def test_what_proxmox_refuses(modules: Modules, wish: dict[str, Any], message: str) -> None:
    result = modules.run("user", **wish)
    assert result["msg"].startswith(message)


def test_least_privileges(modules: Modules) -> None:
    needed = {"/access/realm/pve": ["Realm.AllocateUser"], "/access/groups": ["User.Modify"]}
    realm = denied("Realm.AllocateUser", "/access/realm/pve")
    group = denied("User.Modify or Sys.Audit", "/access/groups")
    assert modules.refusals(needed, "user", **ALICE) == {
        "Realm.AllocateUser on /access/realm/pve": f"Cannot create user alice@pve: POST /access/users: {realm}",
        "User.Modify on /access/groups": f"GET /access/users/alice%40pve: {group}",
    }
    limited = modules.limited(needed)
    for wish in (ALICE, {"userid": "alice@pve", "enable": False}, {"userid": "alice@pve", "state": "absent"}):
        limited.converge("user", **wish)
