# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package index of a node, which PVE fetches in a task of the type aptupdate (PVE::API2::APT)."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, INTEGER, within
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    Field,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    diff,
    encoded,
    parsed,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import KEY

FIELDS = (Field("notify", BOOLEAN, default=False), Field("quiet", BOOLEAN, default=False))
VALID = Field("cache_valid_time", within(INTEGER, 0), spec={"default": 0})
OPTIONS: Options = {"node": KEY, VALID.name: VALID.argument(), "wait_timeout": {"type": "float", "default": 600}}
ADVICE = {r"^The task failed": "A repository that needs a subscription is disabled with the module node."}


@dataclass(frozen=True)
class Found:
    """When the index was last fetched, and what time it is on the node, in seconds since the epoch; None: not known."""

    last: int | None = None
    now: int | None = None


def describe(read: Reader, wish: Values) -> Found:
    """When it was fetched, if that matters."""
    node, valid = wish["node"], int(parsed((VALID,), wish)[VALID.name])
    if not valid and BOUND not in wish:
        return Found()
    tasks = read.get(url("/nodes/{}/tasks", node), {"typefilter": "aptupdate", "limit": 1})
    last = next((int(row["starttime"]) for row in tasks if row.get("status") == "OK"), None)
    if last is None or BOUND in wish:
        return Found(last)
    return Found(last, int(read.get(url("/nodes/{}/time", node))["time"]))


def plan(wish: Values, found: Found) -> Plan:
    """Fetch it, unless it is young enough."""
    name = f"the package index of node {wish['node']}"
    age = None if found.last is None or found.now is None else found.now - found.last
    if age is not None and age < int(wish[VALID.name]):
        return Plan(reason=f"{name} was fetched {age} seconds ago")
    params = encoded(diff(FIELDS, parsed(FIELDS, wish), {}))
    step = Step("POST", url("/nodes/{}/apt/update", wish["node"]), params, f"fetch {name}", advice=ADVICE)
    return Plan((step,), after={"index": "fetched"})


APT_UPDATE = Resource(
    kind="package index",
    options=OPTIONS,
    fields=FIELDS,
    describe=describe,
    plan=plan,
    result=lambda found: {"last_update": found.last},
    writes=("POST /nodes/{}/apt/update",),
)
