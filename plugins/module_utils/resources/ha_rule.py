# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the HA manager, as data (API schema: ``/cluster/ha/rules``; Proxmox VE 9).

On Proxmox VE 8 a rule about nodes is an HA group with its guests (``ha_placement.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, DESCRIPTION, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Plan, Reader, Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_placement import (
    GROUPS_API,
    MANAGE_FIRST,
    NODES,
    RESOURCES,
    RULES_API,
    Grouped,
    plan_group,
    read_group,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_placement import SECTION as GROUP
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_placement import WRITES as GROUP_WRITES
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

NODE_AFFINITY, RESOURCE_AFFINITY = "node-affinity", "resource-affinity"
OF_TYPE: Mapping[str, tuple[str, ...]] = {NODE_AFFINITY: ("nodes", "strict"), RESOURCE_AFFINITY: ("affinity",)}
"""Options that only rules of a type have (PVE::HA::Rules::*)."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    NODE_AFFINITY: ("type", "resources", "nodes"),
    RESOURCE_AFFINITY: ("type", "resources", "affinity"),
}

AS_GROUP: Mapping[str, str] = {
    "state": "state",
    "rule": "group",
    "nodes": "nodes",
    "strict": "restricted",
    "comment": "comment",
    "resources": "resources",
}
"""A rule about nodes in the words of Proxmox VE 8."""

ADVICE: Values = {
    r"unmanaged resource": MANAGE_FIRST,
    r"non-existent node": "Check the names of the nodes; the module node_info lists those there are.",
    r"already used in another node affinity rule": "A guest is in one rule about nodes only: take it out of the "
    "other, or change that one.",
    r"less than two resources": "A rule about guests needs two of them.",
    r"shares two or more resources with": "Another rule says the opposite of these guests: change or remove "
    "one of both.",
    r"more resources than available nodes": "Guests that are kept apart need a node each.",
}


SECTION = Section(
    kind="HA rule",
    keys=("rule",),
    collection="/cluster/ha/rules",
    item="/cluster/ha/rules/{}",
    missing=r"no such ha rule",
    key_params={"rule": "rule"},
    fields=(
        Field("type", create_only=True, spec={"choices": [NODE_AFFINITY, RESOURCE_AFFINITY]}),
        Field("resources", RESOURCES),
        Field("nodes", NODES),
        Field("strict", BOOLEAN, default=False),
        Field("affinity", spec={"choices": ["positive", "negative"]}),
        Field("disable", BOOLEAN, default=False),
        Field("comment", DESCRIPTION),
    ),
)


def describe(read: Reader, wish: Values) -> Json | Grouped | None:
    """PVE's answer, or None when there is no such rule; on Proxmox VE 8, which has no rules, the group of its name."""
    try:
        return SECTION.describe(read, wish)
    except PveError as error:
        if not error.not_implemented:
            raise
    return read_group(read, str(wish["rule"]), with_members=True)


def plan(wish: Values, have: Json | Grouped | None) -> Plan:
    """By the API that there is."""
    return _as_group(wish, have) if isinstance(have, Grouped) else plan_rule(wish, have)


def plan_rule(wish: Values, have: Json | None) -> Plan:
    """As any section; every change names the rule's type. Raises ConfigError for options of the other type."""
    kind = wish.get("type") or (have or {}).get("type")
    if wish["state"] != "absent":
        _check(wish, str(kind) if kind else None)
    made = replace(SECTION, required=NEEDED.get(str(kind), ("type",))).plan(wish, have)
    return replace(made, steps=tuple(_told(step, kind) for step in made.steps))


def _check(wish: Values, kind: str | None) -> None:
    for other, options in OF_TYPE.items():
        foreign = [name for name in options if wish.get(name) is not None]
        if kind in OF_TYPE and other != kind and foreign:
            raise ConfigError(
                f"Option '{foreign[0]}' is for rules of type {other}: HA rule {wish['rule']} is of {kind}."
            )
    for name in ("resources", "nodes"):
        if wish.get(name) == []:
            raise ConfigError(
                f"Option '{name}': a rule can't do without. Remove HA rule {wish['rule']} with state: absent."
            )


def _told(step: Step, kind: Json) -> Step:
    typed = {"type": kind} if step.verb == "PUT" else {}
    return replace(step, params={**step.params, **typed}, advice=ADVICE)


def _as_group(wish: Values, have: Grouped) -> Plan:
    """The same of Proxmox VE 8. Raises RefusedError for what groups have no words for."""
    group = {name: wish.get(option) for option, name in AS_GROUP.items()}
    if wish["state"] == "absent":
        return plan_group({**group, "resources": []}, have)
    kind = wish.get("type") or (NODE_AFFINITY if have.row else None)
    foreign = "says which guests run together" if kind == RESOURCE_AFFINITY else "is switched off"
    if kind == RESOURCE_AFFINITY or wish.get("disable"):
        raise RefusedError(
            f"Cannot make HA rule {wish['rule']}: Proxmox VE 8 has HA groups instead of rules, and none that {foreign}."
        )
    _check(wish, str(kind) if kind else None)
    for option in () if have.row else NEEDED.get(str(kind), ("type",)):
        if wish.get(option) is None:
            raise ConfigError(f"Option '{option}' is needed: HA rule {wish['rule']} does not exist yet.")
    return plan_group(group, have)


def shown(have: Json | Grouped | None) -> dict[str, Json]:
    """The module's return value; ``errors`` is what PVE finds wrong with a rule it therefore doesn't follow."""
    if isinstance(have, Grouped):
        return {"api": GROUPS_API, **_shown_group(have)}
    if have is None:
        return {"api": RULES_API}
    errors = {"errors": have["errors"]} if have.get("errors") else {}
    return {"api": RULES_API, "ha_rule": {"rule": have["rule"], **SECTION.shown(have)[SECTION.kind], **errors}}


def _shown_group(have: Grouped) -> dict[str, Json]:
    if have.row is None:
        return {}
    found = GROUP.shown(have.row)[GROUP.kind]
    values = {option: found[name] for option, name in AS_GROUP.items() if name in found}
    return {"ha_rule": {"rule": have.name, "type": NODE_AFFINITY, **values, "resources": have.members()}}


HA_RULE = SECTION.resource()
HA_RULE = replace(HA_RULE, describe=describe, plan=plan, result=shown, writes=(*HA_RULE.writes, *GROUP_WRITES))
