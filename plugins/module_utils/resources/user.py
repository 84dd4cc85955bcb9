# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users. Pure (API schema: ``/access/users``)."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    DESCRIPTION,
    INTEGER,
    Json,
    set_of,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import HIDDEN, Field, Plan, Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

ROOT = "root@pam"

# The connection has a password of its own, so the user's is named after the user. PVE's `append` is left out: groups
# are declared as a whole.
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
        Field("groups", set_of(",")),
        Field("keys", secret=True),
        Field("user_password", wire="password", secret=True),
    ),
    key_params={"userid": "userid"},
    options={
        "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False}
    },
    has_digest=False,
    has_delete=False,
    result=lambda have: {"tokens": sorted(have.get("tokens") or {})},
)


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; but the password of a user who is there has a path of its own."""
    userid = wish["userid"]
    if wish["state"] == "absent" and userid == ROOT:
        raise RefusedError(
            f"Cannot remove user {ROOT}: Proxmox VE needs it. Set enable: false to keep it from logging in."
        )
    renew = wish.get("update_password") == "always" and wish.get("user_password")
    if have is None or wish["state"] == "absent" or not renew:
        return SECTION.plan(wish, have)
    _refuse_token(wish)
    made = SECTION.plan({**wish, "user_password": None}, have)
    params = {"userid": userid, "password": wish["user_password"], **_confirmation(wish)}
    step = Step("PUT", "/access/password", params, f"set the password of user {userid}")
    return replace(made, steps=(*made.steps, step), after={**made.after, "password": HIDDEN})


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


USER = replace(SECTION.resource(), plan=plan, writes=(*SECTION.resource().writes, "PUT /access/password"))
