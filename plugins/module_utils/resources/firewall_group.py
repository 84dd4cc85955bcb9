# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups of the firewall with their rules (API schema: ``/cluster/firewall/groups``).

Proxmox VE has no PUT for a group: a POST with ``rename`` changes its name, and its comment where both names are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Plan, Reader, Step, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_level import (
    NOTE,
    Place,
    check_name,
    place,
    rule_writes,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_names import (
    GROUPS,
    Name,
    check_names,
    refuse_used,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_rules import (
    KEY_OPTION,
    RULES_OPTION,
    planned,
    present,
    wished,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

ITEM = GROUPS + "/{}"
LONGEST = 18
"""Letters of a name (API schema: maxLength of pve-security-group-name)."""

SECTION = Section(
    kind="security group",
    keys=("group",),
    collection=GROUPS,
    item=ITEM,
    missing=r"no such security group",
    fields=(Field("comment", NOTE),),
    key_params={"group": "group"},
    options={"rename": {"type": "str"}, "rules": RULES_OPTION, "key": KEY_OPTION},
)


@dataclass(frozen=True)
class Found:
    """What the list says of the group, under its name or the one it has had so far, and its rules."""

    row: Json
    rules: Sequence[Values] = ()


def describe(read: Reader, wish: Values) -> Found:
    """The list has comment and digest of a group, the group its rules.

    Raises RefusedError for a rule that means something there is not, and for a group to go that rules use.
    """
    check_name("group", wish["group"], LONGEST)
    wanted = wished(wish.get("rules") or (), "group", wish["key"])
    row = _row(read, wish)
    rules = tuple(read.get(url(ITEM, row["group"])) or ()) if row else ()
    if row and wish["state"] == "absent":
        refuse_used(read, Name("group", str(wish["group"])), place(read, {}))
    check_names(read, _place(wish), wanted, rules)
    return Found(row, rules)


def _row(read: Reader, wish: Values) -> Json:
    rows = {str(row["group"]): row for row in read.get(GROUPS) or []}
    group, old = str(wish["group"]), wish.get("rename")
    if group not in rows:
        return rows.get(str(old)) if wish["state"] == "present" else None
    if old in rows and old != group:
        raise RefusedError(f"Cannot rename security group {old} to {group}: there are both. Remove one of them first.")
    return rows[group]


def _place(wish: Values) -> Place:
    path = url(ITEM, wish["group"])
    return Place(path, f"security group {wish['group']}", path)


def plan(wish: Values, have: Found) -> Plan:
    """The group, then its rules; one that goes loses its rules first, as Proxmox VE removes empty ones only."""
    made = _of_group(wish, have)
    gone = wish["state"] == "absent"
    if have.row is None if gone else wish.get("rules") is None:
        return made
    rules = () if gone else wished(wish["rules"], "group", wish["key"])
    found = planned(url(ITEM, wish["group"]), have.rules, rules, key=wish["key"])
    if not found.steps:
        return made
    return replace(
        made,
        steps=(*found.steps, *made.steps) if gone else (*made.steps, *found.steps),
        reason="",
        before={**made.before, **({"rules": present(have.rules)} if have.row else {})},
        after={**made.after, **({} if gone else {"rules": list(found.rules)})},
    )


def _of_group(wish: Values, have: Found) -> Plan:
    made = SECTION.plan(wish, have.row)
    if have.row is None or wish["state"] == "absent" or (have.row["group"] == wish["group"] and not made.steps):
        return made
    old, new = have.row["group"], wish["group"]
    comment = {change.key: change.after or "" for change in made.changes}
    digest = {"digest": have.row["digest"]} if have.row.get("digest") else {}
    params = {"group": new, "rename": old, **comment, **digest}
    if old == new:
        return replace(made, steps=(Step("POST", GROUPS, params, f"set comment of security group {new}"),))
    also = " and set its comment" if comment else ""
    return replace(
        made,
        steps=(Step("POST", GROUPS, params, f"rename security group {old} to {new}{also}"),),
        reason="",
        before={"group": old, **made.before},
        after={"group": new, **made.after},
    )


def shown(have: Found) -> dict[str, Json]:
    """The module's return value: the group with its rules."""
    return {"group": as_options(have.row, have.rules)} if have.row else {}


def as_options(row: Values, rules: Sequence[Values]) -> dict[str, Json]:
    """A group as the module's options have it."""
    return {"group": row["group"], "comment": NOTE.decode(row.get("comment") or ""), "rules": present(rules)}


GROUP = replace(
    SECTION.resource(),
    describe=describe,
    plan=plan,
    result=shown,
    writes=(f"POST {GROUPS}", f"DELETE {ITEM}", *rule_writes(["group"])),
)
