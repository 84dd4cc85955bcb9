# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the HA manager, as data (API schema: ``/cluster/ha/rules``; Proxmox VE 9)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, DESCRIPTION, Codec, Json, set_of
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Plan, Reader, Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

NODE_AFFINITY, RESOURCE_AFFINITY = "node-affinity", "resource-affinity"
OF_TYPE: Mapping[str, tuple[str, ...]] = {NODE_AFFINITY: ("nodes", "strict"), RESOURCE_AFFINITY: ("affinity",)}
"""Options that only rules of a type have (PVE::HA::Rules::*)."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    NODE_AFFINITY: ("type", "resources", "nodes"),
    RESOURCE_AFFINITY: ("type", "resources", "affinity"),
}
NOT_IMPLEMENTED = 501

ADVICE: Values = {
    r"unmanaged resource": "Have high availability manage the guest first, with the module ha_resource.",
    r"non-existent node": "Check the names of the nodes; the module node_info lists those there are.",
}


def checked(codec: Codec, pattern: str, what: str) -> Codec:
    """The same for lists only whose elements match a pattern, as a whole; ``what`` completes "... is not"."""

    def parse(value: Json) -> Json:
        items = codec.parse(value)
        wrong = [item for item in items if not re.fullmatch(pattern, item)]
        if wrong:
            raise ValueError(f"'{wrong[0]}' is not {what}")
        return items

    return replace(codec, parse=parse)


def _node(text: str) -> str:
    # A node without a priority has 0 (PVE::HA::Rules::NodeAffinity).
    return re.sub(r":0+$", "", text)


RESOURCES = checked(set_of(","), r"(?:vm|ct):[1-9]\d*", "of the form vm:100 or ct:100")
NODES = checked(
    set_of(",", normal=_node), r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?::\d+)?", "a node or node:priority"
)

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


def describe(read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None when there is no such rule. Raises RefusedError on Proxmox VE 8, which has no rules."""
    try:
        return SECTION.describe(read, wish)
    except PveError as error:
        if error.status == NOT_IMPLEMENTED:
            raise RefusedError(
                f"Cannot look for HA rule {wish['rule']}: {error} Proxmox VE 8 has HA groups instead of rules."
            ) from error
        raise


def plan(wish: Values, have: Json | None) -> Plan:
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


def shown(have: Json | None) -> dict[str, Json]:
    """The module's return value; ``errors`` is what PVE finds wrong with a rule it therefore doesn't follow."""
    if have is None:
        return {}
    errors = {"errors": have["errors"]} if have.get("errors") else {}
    return {"ha_rule": {"rule": have["rule"], **SECTION.shown(have)[SECTION.kind], **errors}}


HA_RULE = replace(SECTION.resource(), describe=describe, plan=plan, result=shown)
