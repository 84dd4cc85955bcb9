# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of one firewall configuration (API schema: ``firewall/rules``). ``pos`` is the place in the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan, Reader, Resource, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_level import (
    LEVELS,
    Place,
    level_options,
    level_rules,
    place,
    rule_writes,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_names import check_names
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_rules import (
    KEY_OPTION,
    RULES_OPTION,
    planned,
    present,
    wished,
)


@dataclass(frozen=True)
class Found:
    """Whose rules they are, and what Proxmox VE has of them."""

    place: Place
    rows: Sequence[Values]


def describe(read: Reader, wish: Values) -> Found:
    """All rules, in one answer. Raises RefusedError for a new rule that means something by a name there is not."""
    rules = wished(wish["rules"], wish["level"], wish["key"])
    where = place(read, wish)
    rows = tuple(read.get(where.rules) or ())
    check_names(read, where, rules, rows)
    return Found(where, rows)


def plan(wish: Values, have: Found) -> Plan:
    """The steps that lead to the wished rules."""
    rules = wished(wish["rules"], wish["level"], wish["key"])
    found = planned(have.place.rules, have.rows, rules, key=wish["key"], merge=wish["mode"] == "merge")
    if not found.steps:
        return Plan(reason=f"the firewall rules of {have.place.label} are as wished")
    return Plan(found.steps, before={"rules": present(have.rows)}, after={"rules": list(found.rules)})


def shown(have: Found) -> dict[str, Json]:
    """The module's return value."""
    return {"rules": present(have.rows)}


RULES = Resource(
    kind="firewall rules",
    options={
        **level_options(list(LEVELS)),
        "rules": {**RULES_OPTION, "required": True},
        "mode": {"type": "str", "choices": ["replace", "merge"], "default": "replace"},
        "key": KEY_OPTION,
    },
    describe=describe,
    plan=plan,
    result=shown,
    rules=level_rules(list(LEVELS)),
    writes=rule_writes(list(LEVELS)),
)
