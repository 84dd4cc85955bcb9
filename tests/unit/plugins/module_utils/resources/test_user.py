"""Planning a user. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.user import USER

from .reading import Table

PATH = "/access/users/alice%40pve"
HAVE = {"enable": 1, "expire": 0, "email": "a@example.com", "groups": ["ops", "devs"], "tokens": None}
ALWAYS = {"user_password": "topsecret", "update_password": "always"}


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    made = USER.plan({"state": "present", "userid": "alice@pve", **wish}, have)
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({}, None, [("POST", "/access/users", {"userid": "alice@pve"})]),
        (
            {**ALWAYS, "groups": ["ops", "devs"], "enable": False, "email": ""},
            None,
            [
                (
                    "POST",
                    "/access/users",
                    {"userid": "alice@pve", "enable": 0, "groups": "devs,ops", "password": "topsecret"},
                )
            ],
        ),
        ({}, HAVE, []),
        ({"enable": True, "expire": 0, "lastname": "", "groups": ["devs", "ops"]}, HAVE, []),
        ({"user_password": "topsecret", "keys": "x"}, HAVE, []),
        ({"lastname": "L", "enable": False}, HAVE, [("PUT", PATH, {"lastname": "L", "enable": 0})]),
        ({"groups": ["ops"]}, HAVE, [("PUT", PATH, {"groups": "ops"})]),
        # Proxmox VE knows no `delete` here.
        ({"groups": [], "email": ""}, HAVE, [("PUT", PATH, {"groups": "", "email": ""})]),
        ({"groups": []}, {**HAVE, "groups": []}, []),
        (ALWAYS, HAVE, [("PUT", "/access/password", {"userid": "alice@pve", "password": "topsecret"})]),
        (
            {**ALWAYS, "enable": False},
            HAVE,
            [
                ("PUT", PATH, {"enable": 0}),
                ("PUT", "/access/password", {"userid": "alice@pve", "password": "topsecret"}),
            ],
        ),
        (
            {**ALWAYS, "user": "boss@pve", "password": "mine"},
            HAVE,
            [
                (
                    "PUT",
                    "/access/password",
                    {"userid": "alice@pve", "password": "topsecret", "confirmation-password": "mine"},
                )
            ],
        ),
        ({"groups": ["ops"], "append": True}, HAVE, []),
        ({"groups": [], "append": True}, HAVE, []),
        ({"groups": ["boss", "ops"], "append": True}, HAVE, [("PUT", PATH, {"groups": "boss,devs,ops"})]),
        ({"groups": ["boss"], "append": True}, {"groups": []}, [("PUT", PATH, {"groups": "boss"})]),
        ({"append": True}, HAVE, []),
        ({"unlock_tfa": True}, HAVE, []),
        ({"unlock_tfa": True}, {**HAVE, "totp_locked": True}, [("PUT", f"{PATH}/unlock-tfa", {})]),
        (
            {"unlock_tfa": True, "enable": False, **ALWAYS},
            {**HAVE, "tfa_locked_until": 1800000000},
            [
                ("PUT", PATH, {"enable": 0}),
                ("PUT", f"{PATH}/unlock-tfa", {}),
                ("PUT", "/access/password", {"userid": "alice@pve", "password": "topsecret"}),
            ],
        ),
        ({"keys": "x", "update_password": "always"}, HAVE, [("PUT", PATH, {"keys": "x"})]),
        ({"state": "absent"}, HAVE, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"userid": "root@pam", "state": "absent"},
            "Cannot remove user root@pam: Proxmox VE needs it. Set enable: false to keep it from logging in.",
        ),
        (
            {**ALWAYS, "token_id": "root@pam!ci"},
            "Cannot set the password of user alice@pve with the token root@pam!ci: Proxmox VE wants a login for that. "
            "Set user and password instead of the token, or leave it at update_password: on_create.",
        ),
    ],
)
def test_refusals(wish: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        steps(wish, HAVE)
    assert str(caught.value) == message


def test_secrets_are_not_shown() -> None:
    for have in (None, HAVE):
        made = USER.plan({"state": "present", "userid": "alice@pve", **ALWAYS}, have)
        assert "topsecret" not in f"{made.before} {made.after} {[step.reason for step in made.steps]}"


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({}, {}),
        ({"totp-locked": 0}, {}),
        ({"totp-locked": 1, "tfa-locked-until": 1800000000}, {"totp_locked": True, "tfa_locked_until": 1800000000}),
    ],
)
def test_locks_are_looked_up_where_they_are_to_end(row: dict[str, Any], found: dict[str, Any]) -> None:
    read = Table(
        {PATH: HAVE, "/access/users": [{"userid": "bob@pve", "totp-locked": 1}, {"userid": "alice@pve", **row}]}
    )
    assert USER.describe(read, {"userid": "alice@pve"}) == HAVE
    assert read.asked == [PATH]
    assert USER.describe(read, {"userid": "alice@pve", "unlock_tfa": True}) == {**HAVE, **found}


def test_only_proxmox_saying_so_is_absent() -> None:
    wish = {"userid": "alice@pve"}
    assert USER.describe(Table({PATH: PveError("GET", PATH, 500, "no such user ('alice@pve')")}), wish) is None
    with pytest.raises(PveError):
        USER.describe(Table({PATH: PveError("GET", PATH, 500, "no quorum")}), wish)
