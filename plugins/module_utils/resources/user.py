# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users. Pure (API schema: ``/access/users``)."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    DESCRIPTION,
    INTEGER,
    Json,
    set_of,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import HIDDEN, Field, Plan, Reader, Step, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

ROOT = "root@pam"

GROUPS = set_of(",")
LOCKS = ("totp_locked", "tfa_locked_until")

# The connection has a password of its own, so the user's is named after the user.
SECTION = Section(
    kind="user",
    keys=("userid",),
    collection="/access/users",
    item="/access/users/{}",
    missing=r"no such user \('.*'\)",
    fields=(
        Field("enable", BOOLEAN, default=True),
        Field("expire", within(INTEGER, 0), default=0),
        Field("firstname"),
        Field("lastname"),
        Field("email"),
        Field("comment", DESCRIPTION),
        Field("groups", GROUPS),
        Field("keys", secret=True),
        Field("user_password", wire="password", secret=True),
    ),
    key_params={"userid": "userid"},
    options={
        "append": {"type": "bool", "default": False},
        "unlock_tfa": {"type": "bool", "default": False},
        "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False},
    },
    has_digest=False,
    has_delete=False,
    result=lambda have: {"tokens": sorted(have.get("tokens") or {})},
)


def describe(read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None; with what locks the second factor, which only the list tells, where that is to end."""
    have = SECTION.describe(read, wish)
    if have is None or not wish.get("unlock_tfa"):
        return have
    rows = [row for row in read.get("/access/users") if row["userid"] == wish["userid"]]
    return {**have, **{name: value for row in rows for name, value in locks(row).items()}}


def locks(row: Values) -> dict[str, Json]:
    """What locks a user's second factor: of one-time passwords whether, of any until when, in seconds since 1970."""
    until = {"tfa_locked_until": int(row["tfa-locked-until"])} if row.get("tfa-locked-until") else {}
    return {**({"totp_locked": True} if row.get("totp-locked") else {}), **until}


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; but the password of a user who is there has a path of its own, as has the second factor."""
    userid = wish["userid"]
    if wish["state"] == "absent":
        if userid == ROOT:
            raise RefusedError(
                f"Cannot remove user {ROOT}: Proxmox VE needs it. Set enable: false to keep it from logging in."
            )
        return SECTION.plan(wish, have)
    if have is None:
        return SECTION.plan(wish, None)
    renew = wish.get("update_password") == "always" and wish.get("user_password")
    if renew:
        _refuse_token(wish)
    made = SECTION.plan({**wish, **_joined(wish, have), **({"user_password": None} if renew else {})}, have)
    return _with(_with(made, _unlocking(wish, have)), _password(wish) if renew else None)


def _joined(wish: Values, have: Values) -> dict[str, Json]:
    """All groups, where those that are named are added to what there is."""
    if not wish.get("append") or wish.get("groups") is None:
        return {}
    return {"groups": [*GROUPS.parse(have.get("groups") or []), *GROUPS.parse(wish["groups"])]}


Extra: TypeAlias = "tuple[Step, Values, Values] | None"
"""A step with what it changes, before and after."""


def _with(made: Plan, extra: Extra) -> Plan:
    if extra is None:
        return made
    step, before, after = extra
    return replace(made, steps=(*made.steps, step), before={**made.before, **before}, after={**made.after, **after})


def _unlocking(wish: Values, have: Values) -> Extra:
    locked = {name: have[name] for name in LOCKS if have.get(name)}
    path = url("/access/users/{}/unlock-tfa", wish["userid"])
    step = Step("PUT", path, {}, f"unlock the second factor of user {wish['userid']}")
    return (step, locked, {}) if locked else None


def _password(wish: Values) -> Extra:
    params = {"userid": wish["userid"], "password": wish["user_password"], **_confirmation(wish)}
    step = Step("PUT", "/access/password", params, f"set the password of user {wish['userid']}")
    return step, {}, {"password": HIDDEN}


def _refuse_token(wish: Values) -> None:
    """PVE changes no password for a token (PVE::API2::AccessControl, change_password: allowtoken)."""
    if wish.get("token_id") and wish.get("transport", "https") == "https":
        raise RefusedError(
            f"Cannot set the password of user {wish['userid']} with the token {wish['token_id']}: Proxmox VE wants a "
            "login for that. Set user and password instead of the token, or leave it at update_password: on_create."
        )


def _confirmation(wish: Values) -> dict[str, Json]:
    """Whoever isn't root@pam gives their own password once more (PVE::RPCEnvironment, reauth_user_...)."""
    logs_in = wish.get("transport", "https") == "https" and wish.get("user") not in (None, ROOT)
    return {"confirmation-password": wish.get("password")} if logs_in else {}


USER = replace(
    SECTION.resource(),
    describe=describe,
    plan=plan,
    writes=(*SECTION.resource().writes, "PUT /access/password", "PUT /access/users/{}/unlock-tfa"),
)
