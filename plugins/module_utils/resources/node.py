# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node: its settings, package repositories and power. Only the parts that are wished are read."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Change,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    decoded,
    diff,
    parsed,
    url,
    views,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources import node_power, node_repositories
from ansible_collections.homelab.pve.plugins.module_utils.resources.node_settings import (
    FIELDS,
    PARTS,
    SUBSCRIPTION,
    Part,
    checking,
    shown,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import KEY

STATES = ("present", "rebooted", "off", "on")
OPTIONS: Options = {
    "node": KEY,
    "state": {"type": "str", "choices": list(STATES), "default": "present"},
    "subscription_max_age": {"type": "int"},
    **node_repositories.OPTIONS,
    "wait_timeout": {"type": "float", "default": 600},
}
WRITES = (
    *(f"{verb} /nodes/{{}}/{part.path}" for part in PARTS for verb in part.writes),
    "PUT /nodes/{}/apt/repositories",
    "POST /nodes/{}/apt/repositories",
    "POST /nodes/{}/status",
    "POST /nodes/{}/wakeonlan",
)


@dataclass(frozen=True)
class Found:
    """What was read: PVE's answers by path, the repositories, the power."""

    answers: Mapping[str, Values] = field(default_factory=dict)
    repositories: Values | None = None
    power: node_power.Power | None = None
    now: float = 0.0
    """Seconds since the epoch."""


def describe(read: Reader, wish: Values) -> Found:
    """The parts that are wished."""
    node = str(wish["node"])
    aged = wish.get("subscription_max_age") is not None
    wanted = [part for part in PARTS if part.wanted(wish) or (aged and part is SUBSCRIPTION)]
    if wish["state"] in ("on", "off") and (wanted or wish.get("repositories")):
        raise ConfigError(
            f"state: {wish['state']} takes no settings: a node that is off has none. Use a task for each."
        )
    power = node_power.describe(read, wish)
    answers = {part.path: read.get(part.at(node)) or {} for part in wanted}
    sources = read.get(url(node_repositories.PATH, node)) if wish.get("repositories") else None
    return Found(answers, sources, power, time.time())


def plan(wish: Values, found: Found) -> Plan:
    """The settings first, the power last."""
    node = str(wish["node"])
    steps: list[Step] = []
    changes: list[Change] = []
    for part in PARTS:
        differ = _changes(part, wish, found)
        changes += differ
        steps += part.steps(node, found.answers[part.path], differ) if differ else ()
    before, after = views(changes)
    steps += _checked(wish, found, steps)
    for step, name, enabled in node_repositories.steps(node, wish.get("repositories") or (), found.repositories or {}):
        steps.append(step)
        before[name], after[name] = ("disabled", "enabled") if enabled else ("enabled", "disabled")
    powering = node_power.steps(node, str(wish["state"]), found.power) if found.power else ()
    if powering and found.power:
        before["power"], after["power"] = "on" if found.power.online else "off", wish["state"]
    steps += powering
    return Plan(tuple(steps), tuple(changes), "" if steps else f"node {node} is as wished", before, after)


def _checked(wish: Values, found: Found, steps: Sequence[Step]) -> tuple[Step, ...]:
    """The check of a subscription that is old; a new key is checked as it is set."""
    age = wish.get("subscription_max_age")
    if age is None or any(step.path == SUBSCRIPTION.at(str(wish["node"])) for step in steps):
        return ()
    return checking(str(wish["node"]), found.answers[SUBSCRIPTION.path], int(age), found.now)


def _changes(part: Part, wish: Values, found: Found) -> tuple[Change, ...]:
    if part.path not in found.answers:
        return ()
    return diff(part.fields, parsed(part.fields, wish), decoded(part.fields, found.answers[part.path]))


def result(found: Found) -> dict[str, Json]:
    """The module's return value: what was read."""
    sources = node_repositories.shown(found.repositories) if found.repositories else {}
    power = {"power": "on" if found.power.online else "off"} if found.power else {}
    return {"settings": {**shown(found.answers), **sources, **power}}


NODE = Resource(kind="node", options=OPTIONS, fields=FIELDS, describe=describe, plan=plan, result=result, writes=WRITES)
