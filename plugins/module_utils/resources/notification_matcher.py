# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which notifications go where, as data (API schema: ``/cluster/notifications/matchers``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, DESCRIPTION, Codec, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Options, Plan, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.notification_endpoint import (
    ADVICE,
    ARRAY,
    BASE,
    TYPES,
    back,
    endpoint,
    origin_of,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

SEVERITIES = ("info", "notice", "warning", "error", "unknown")
"""Severities of a message (crate proxmox-notify)."""


def _condition(text: object) -> str:
    words = {word.strip() for word in str(text).split(",")} - {""}
    wrong = sorted(words.difference(SEVERITIES))
    if wrong:
        raise ValueError(f"'{wrong[0]}' is none of {', '.join(SEVERITIES)}")
    return ",".join(sorted(words))


def _wished(value: Json) -> list[str]:
    """One condition of all that is named: in mode ``all``, separate ones would all have to hold, which none can."""
    named = _condition(",".join([value] if isinstance(value, str) else map(str, value)))
    return [named] if named else []


def _found(wire: Json) -> list[str]:
    return sorted(_condition(item) for item in wire)


SEVERITY = Codec(_wished, _found, list, ansible_type="list", ansible_spec={"elements": "str"})

SECTION = Section(
    kind="notification matcher",
    keys=("name",),
    collection=f"{BASE}/matchers",
    item=f"{BASE}/matchers/{{}}",
    missing=r"matcher '.*' not found",
    key_params={"name": "name"},
    fields=(
        Field("target", ARRAY),
        Field("mode", default="all", spec={"choices": ["all", "any"]}),
        Field("match_severity", SEVERITY, wire="match-severity"),
        Field("match_field", ARRAY, wire="match-field"),
        Field("match_calendar", ARRAY, wire="match-calendar"),
        Field("invert_match", BOOLEAN, wire="invert-match", default=False),
        Field("comment", DESCRIPTION),
        Field("disable", BOOLEAN, default=False),
    ),
    deletes_list=True,
)
MATCHER_ADVICE: Values = {
    **ADVICE,
    r"endpoint '.*' does not exist": "Make it first, with the module notification_endpoint.",
    r"malformed match-field": "Write it as exact:FIELD=VALUE,... or regex:FIELD=EXPRESSION.",
}


def describe(read: Reader, wish: Values) -> Json | None:
    """The matcher; where it is to go, also who it comes from. None when there is none."""
    have = SECTION.describe(read, wish)
    if have is None:
        return None
    origin = {"origin": origin_of(read.get(SECTION.collection), wish)} if wish["state"] == "absent" else {}
    return {**have, "name": wish["name"], **origin}


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; what Proxmox VE brings itself is set back instead of removed."""
    made = SECTION.plan(wish, have)
    return back(replace(made, steps=tuple(replace(step, advice=MATCHER_ADVICE) for step in made.steps)), have)


def matcher(have: Values) -> dict[str, Json]:
    """A matcher as the module's options have it."""
    return {"name": have["name"], **SECTION.shown(have)[SECTION.kind]}


def shown(have: Json | None) -> dict[str, Json]:
    """The module's return value."""
    return {} if have is None else {"notification_matcher": matcher(have)}


NOTIFICATION_MATCHER = replace(SECTION.resource(), describe=describe, plan=plan, result=shown)

INFO_OPTIONS: Options = {"name": {"type": "str"}, "type": {"type": "str", "choices": [*TYPES, "matcher"]}}


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module notification_info: endpoints and matchers that meet what is set, by name."""
    kinds = [kind for kind in TYPES if wish.get("type") in (None, kind)]
    found = [endpoint(kind, row) for kind in kinds for row in read.get(f"{BASE}/endpoints/{kind}")]
    rows = read.get(SECTION.collection) if wish.get("type") in (None, "matcher") else ()
    return {
        "changed": False,
        "endpoints": _named(found, wish),
        "matchers": _named((matcher(row) for row in rows), wish),
    }


def _named(items: Iterable[dict[str, Json]], wish: Values) -> list[dict[str, Json]]:
    found = (item for item in items if wish.get("name") in (None, item["name"]))
    return sorted(found, key=lambda item: str(item["name"]))
