# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API token: kept while its secret works, replaced when it doesn't. Pure."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, DESCRIPTION, INTEGER, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Options, Plan, Step, Values, url
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
)

OPTIONS: Options = {
    "renew": {"type": "bool", "default": False},
    "current_secret": {"type": "str", "no_log": True},
    "secret_path": {"type": "path", "no_log": False},
}

TRIED = "_tried"
"""Key of the wish: True or False when a secret was at hand and was tried, absent when there was none to try."""


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; but a token whose secret is lost or refused is removed and made anew, with what it had."""
    if have is None or wish["state"] == "absent" or not _unusable(wish):
        return SECTION.plan(wish, have)
    kept = {name: have[name] for name in ("comment", "expire", "privsep") if have.get(name) not in (None, "")}
    wished = {**kept, **{name: value for name, value in wish.items() if value is not None}}
    name = f"{wish['userid']}!{wish['tokenid']}"
    remove = Step("DELETE", url(ITEM, wish["userid"], wish["tokenid"]), {}, f"remove token {name}")
    made = SECTION.plan(wished, None)
    return replace(made, steps=(remove, *made.steps), before={"secret": "unusable"}, after={"secret": "new"})


def _unusable(wish: Values) -> bool:
    return bool(wish.get("renew")) or wish.get(TRIED) is False


TOKEN = replace(SECTION.resource(), plan=plan)
TOKEN = replace(TOKEN, options={**TOKEN.options, **OPTIONS})
