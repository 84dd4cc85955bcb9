# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HA groups of Proxmox VE 8 (``ha_placement.py``); on 9 the rules about nodes that they became (``ha_rule.py``)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_placement import (
    GROUPS_API,
    MEMBERS,
    MIGRATED,
    RULES_API,
    SECTION,
    WRITES,
    Grouped,
    plan_group,
    read_group,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_rule import AS_GROUP, NODE_AFFINITY, plan_rule
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_rule import SECTION as RULE


@dataclass(frozen=True)
class Ruled:
    """What is known on Proxmox VE 9: the rule about nodes of the group's name, None when there is none."""

    row: Values | None


def describe(read: Reader, wish: Values) -> Grouped | Ruled:
    """The group, or the rule that it is on Proxmox VE 9."""
    try:
        return read_group(read, str(wish["group"]), with_members=wish.get("resources") is not None)
    except PveError as error:
        if MIGRATED not in error.message:
            raise
    row = RULE.describe(read, {"rule": wish["group"]})
    return Ruled(row if row is None or row["type"] == NODE_AFFINITY else None)


def plan(wish: Values, have: Grouped | Ruled) -> Plan:
    """By the API that there is."""
    return plan_group(wish, have) if isinstance(have, Grouped) else _as_rule(wish, have.row)


def _as_rule(wish: Values, have: Values | None) -> Plan:
    """The same of Proxmox VE 9. Raises RefusedError and ConfigError for what rules have no words for."""
    rule = {option: wish.get(name) for option, name in AS_GROUP.items()}
    if wish["state"] == "absent":
        return plan_rule(rule, have)
    if wish.get("nofailback"):
        raise ConfigError(
            "Option 'nofailback': from Proxmox VE 9 on this is said of each guest: set failback of the module "
            "ha_resource to false."
        )
    if have is None and not wish.get("resources"):
        raise RefusedError(
            f"Cannot create HA group {wish['group']}: from Proxmox VE 9 on there are rules instead of groups, and a "
            "rule names its guests. Set resources, or use the module ha_rule."
        )
    return plan_rule({**rule, "type": NODE_AFFINITY}, have)


def shown(have: Grouped | Ruled) -> dict[str, Json]:
    """The module's return value."""
    return {"api": GROUPS_API, **_group(have)} if isinstance(have, Grouped) else {"api": RULES_API, **_rule(have.row)}


def _group(have: Grouped) -> dict[str, Json]:
    if have.row is None:
        return {}
    members = {"resources": have.members()} if have.resources else {}
    return {"ha_group": {"group": have.name, **SECTION.shown(have.row)[SECTION.kind], **members}}


def _rule(have: Values | None) -> dict[str, Json]:
    if have is None:
        return {}
    found = {"rule": have["rule"], **RULE.shown(have)[RULE.kind]}
    return {"ha_group": {name: found[option] for option, name in AS_GROUP.items() if option in found}}


HA_GROUP = SECTION.resource()
HA_GROUP = replace(
    HA_GROUP,
    fields=(*HA_GROUP.fields, *MEMBERS),
    describe=describe,
    plan=plan,
    result=shown,
    writes=(*WRITES, *RULE.resource().writes),
)
