# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API token: kept while its secret works, replaced when it doesn't. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, DESCRIPTION, INTEGER, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Options, Plan, Reader, Step, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

ITEM = "/access/users/{}/token/{}"

SECTION = Section(
    kind="token",
    keys=("userid", "tokenid"),
    collection=ITEM,
    item=ITEM,
    missing=r"no such token '.*' for user",
    fields=(
        Field("comment", DESCRIPTION),
        Field("expire", INTEGER, default=0),
        Field("privsep", BOOLEAN, default=True),
    ),
    has_digest=False,
    # Proxmox VE 8 knows no `delete` here, and both take an empty comment.
    has_delete=False,
)

OPTIONS: Options = {
    "renew": {"type": "bool", "default": False},
    "current_secret": {"type": "str", "no_log": True},
    "secret_path": {"type": "path", "no_log": False},
}

TRIED = "_tried"
"""Key of the wish: True or False when a secret was at hand and was tried, absent when there was none to try."""


GRANTS = "_grants"
"""Key of what was described: the entries of the access control list that would go with a token that is replaced."""

NO_USER = r"no such user \('"


def describe(read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None. Raises RefusedError for a token of a user that is not there."""
    try:
        have = SECTION.describe(read, wish)
    except PveError as error:
        if not re.search(NO_USER, error.said):
            raise
        if wish["state"] == "absent":
            return None
        raise RefusedError(
            f"There is no user '{wish['userid']}', so it can't have a token. Check the name, or make the user first "
            "(homelab.pve.user)."
        ) from error
    if have is None or wish["state"] == "absent" or not _unusable(wish):
        return have
    return {**have, GRANTS: [row for row in read.get("/access/acl") if row["ugid"] == _name(wish)]}


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; but a token whose secret is lost or refused is removed and made anew, with what it had."""
    if have is None or wish["state"] == "absent" or not _unusable(wish):
        return SECTION.plan(wish, have)
    kept = {name: have[name] for name in ("comment", "expire", "privsep") if have.get(name) not in (None, "")}
    wished = {**kept, **{name: value for name, value in wish.items() if value is not None}}
    remove = Step("DELETE", url(ITEM, wish["userid"], wish["tokenid"]), {}, f"remove token {_name(wish)}")
    made = SECTION.plan(wished, None)
    granted = (_grant(row) for row in have.get(GRANTS) or ())
    return replace(made, steps=(remove, *made.steps, *granted), before={"secret": "unusable"}, after={"secret": "new"})


def _grant(row: Values) -> Step:
    """PVE drops what was granted to a token with it."""
    values = {"path": row["path"], "roles": row["roleid"], "tokens": row["ugid"]}
    reason = f"grant {row['roleid']} on {row['path']} to token {row['ugid']} again"
    return Step("PUT", "/access/acl", {**values, "propagate": int(row.get("propagate", 1))}, reason)


def _name(wish: Values) -> str:
    return f"{wish['userid']}!{wish['tokenid']}"


def _unusable(wish: Values) -> bool:
    return bool(wish.get("renew")) or wish.get(TRIED) is False


TOKEN = replace(SECTION.resource(), describe=describe, plan=plan)
TOKEN = replace(TOKEN, options={**TOKEN.options, **OPTIONS}, writes=(*TOKEN.writes, "PUT /access/acl"))
