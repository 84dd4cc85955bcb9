# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts at a certificate authority. Pure (API schema: ``/cluster/acme/account``).

Each write is a task, because Proxmox VE asks the authority.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json, matching, set_of
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Options, Plan, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

COLLECTION, ITEM = "/cluster/acme/account", "/cluster/acme/account/{}"
MAILTO = "mailto:"

ONCE = ("tos_url", "eab_kid", "eab_hmac_key")
"""What is only said when an account is registered, and neither kept to be compared nor changed later."""

SECTION = Section(
    kind="acme_account",
    keys=("name",),
    collection=COLLECTION,
    item=ITEM,
    missing=r"ACME account config file '.*' does not exist",
    fields=(
        Field("contact", set_of(",")),
        Field("directory", matching(r"https?://.*", "of the form https://..."), create_only=True),
        Field("tos_url"),
        Field("eab_kid", wire="eab-kid"),
        Field("eab_hmac_key", wire="eab-hmac-key", secret=True),
    ),
    key_params={"name": "name"},
    required=("contact",),
    options={"name": {"type": "str", "default": "default"}},
    has_digest=False,
    has_delete=False,
    result=lambda have: {name: have[name] for name in ("location", "status") if name in have},
)


def describe(read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None, with what the authority keeps beside the rest."""
    have = SECTION.describe(read, wish)
    return have if have is None else flat(have)


def flat(have: Values) -> dict[str, Json]:
    """An account as its options: the authority has mailto: before each address."""
    account = have.get("account") or {}
    addresses = sorted(str(address).removeprefix(MAILTO) for address in account.get("contact") or ())
    told = {"contact": ",".join(addresses), "status": account.get("status"), "tos_url": have.get("tos")}
    known = {**told, **{name: have.get(name) for name in ("directory", "location")}}
    return {name: value for name, value in known.items() if value}


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; but nothing of a registration is compared later except whom and where."""
    if wish["state"] == "present" and wish.get("contact") == []:
        raise ConfigError("Option 'contact' can't be empty: an account has at least one address.")
    return SECTION.plan(wish if have is None else {**wish, **dict.fromkeys(ONCE)}, have)


RULES = {"required_together": [("eab_kid", "eab_hmac_key")]}
ACME_ACCOUNT = replace(SECTION.resource(), describe=describe, plan=plan, rules=RULES)

INFO_OPTIONS: Options = {"name": {"type": "str"}}


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module acme_account_info: the list has only names, so each account that is wanted is read."""
    names = sorted(str(row["name"]) for row in read.get(COLLECTION) if wish.get("name") in (None, row["name"]))
    rows = [{**SECTION.shown(flat(read.get(url(ITEM, name))))[SECTION.kind], "name": name} for name in names]
    return {"changed": False, "accounts": rows}
