# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy about what is observed of a server: what is checked of which things, and what is said of each.

The checks themselves are tables: ``policy_guests.py`` and ``policy_estate.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Values
from ansible_collections.homelab.pve.plugins.module_utils.state.policy_facts import Facts

PASS, FAIL, EXEMPT, UNKNOWN = "pass", "fail", "exempt", "unknown"
STATUSES = (PASS, FAIL, EXEMPT, UNKNOWN)
SEVERITIES = ("error", "warning", "info")

RANGE = re.compile(r"(\d+)(?:-(\d+))?")
"""A vmid, or from one to another."""


@dataclass(frozen=True)
class Judged:
    """What a check says of one thing, each part in words."""

    status: str
    found: str
    wanted: str = ""
    remedy: str = ""


def judged(good: object, found: str, wanted: str, remedy: str) -> Judged:
    """It is as wanted, or what mends it."""
    return Judged(PASS, found, wanted) if good else Judged(FAIL, found, wanted, remedy)


def unknown(why: str, remedy: str = "") -> Judged:
    """It can't be seen, which is neither good nor bad."""
    return Judged(UNKNOWN, why, remedy=remedy)


@dataclass(frozen=True)
class Subject:
    """One thing that is judged.

    ``traits`` is what a policy's ``where`` may tell it from others by; ``thing`` what a check of its kind needs of it.
    """

    kind: str
    id: str
    label: str
    traits: Values
    thing: Any = None


Judge: TypeAlias = Callable[[Facts, Subject, Values], Judged]
"""Looks at one thing. Raises HomelabPveError where it can't be seen."""


@dataclass(frozen=True)
class Check:
    """One kind of check.

    ``about`` is what it is made of (see ``SUBJECTS``), ``kinds`` which of those alone where that isn't all.
    ``options`` are a policy's own parameters for it.
    """

    name: str
    about: str
    judge: Judge
    text: str
    options: Options = field(default_factory=dict)
    kinds: tuple[str, ...] = ()


PATTERNS: Mapping[str, Json] = {"type": "list", "elements": "str"}

WHERE: Mapping[str, Options] = {
    "guests": {
        "tags": PATTERNS,
        "without_tags": PATTERNS,
        "vmids": PATTERNS,
        "template": {"type": "bool", "default": False},
        "type": {"type": "list", "elements": "str", "choices": ["vm", "container"]},
        **dict.fromkeys(("name", "node", "pool", "status"), PATTERNS),
    },
    "nodes": {"node": PATTERNS},
    "storages": {"storage": PATTERNS, "type": PATTERNS},
    "users": {"userid": PATTERNS, "realm": PATTERNS},
    "tokens": {"tokenid": PATTERNS, "userid": PATTERNS, "realm": PATTERNS},
    "cluster": {},
}
"""By what is judged: how a policy says which of them it is about."""


def meets(where: Values, traits: Values) -> bool:
    """Whether a thing is among those a policy is about: every criterion that is set holds."""
    return all(
        CRITERIA.get(name, _named)(wanted, traits.get(TRAITS.get(name, name)))
        for name, wanted in where.items()
        if wanted is not None
    )


def like(value: Json, patterns: Iterable[Json]) -> bool:
    """Whether a text fits one of the patterns of a shell (fnmatch)."""
    return any(fnmatchcase(str(value), str(pattern)) for pattern in patterns)


def _named(patterns: Sequence[Json], value: Json) -> bool:
    return like(value or "", patterns)


def _within(ranges: Sequence[Json], vmid: Json) -> bool:
    return any(low <= int(vmid) <= high for low, high in map(bounds, ranges))


def bounds(text: Json) -> tuple[int, int]:
    """The vmids of ``100`` or ``100-199``, both included. Raises ValueError."""
    found = RANGE.fullmatch(str(text))
    if not found:
        raise ValueError(f"'{text}' is neither a vmid nor a range such as 100-199")
    return int(found[1]), int(found[2] or found[1])


TRAITS = {"without_tags": "tags", "vmids": "vmid"}
"""The trait that a criterion is about, where that has another name."""

CRITERIA: Mapping[str, Callable[[Any, Any], bool]] = {
    "tags": lambda wanted, tags: all(_like_any(tag, tags) for tag in wanted),
    "without_tags": lambda wanted, tags: not any(_like_any(tag, tags) for tag in wanted),
    "vmids": _within,
    "template": lambda wanted, template: bool(wanted) == bool(template),
}


def _like_any(pattern: Json, values: Sequence[Json]) -> bool:
    return any(like(value, [str(pattern).lower()]) for value in values)
