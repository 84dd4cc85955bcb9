# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HA rules: which of them contradict each other, and which nodes they leave to a resource. Pure.

A rule is a mapping as ``/cluster/ha/rules`` keeps it: ``type``, ``resources`` and, by type, ``nodes`` (``node`` or
``node:priority``) with ``strict``, or ``affinity``. Checks and choice follow pve-ha-manager (PVE/HA/Rules.pm,
PVE/HA/Rules/*.pm, PVE/HA/Manager.pm) and ../golden ha, ha-3node.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from lab.api.fake import split_list

Rule = Mapping[str, Any]
Rules = Mapping[str, Rule]
Complaints = Iterator[tuple[str, str]]
"""Name of a rule, and what is wrong with it."""

NODE, RESOURCE = "node-affinity", "resource-affinity"
POSITIVE, NEGATIVE = "positive", "negative"
# The priority of a node that a rule which is not strict does not name.
UNNAMED = -1


def sids(rule: Rule) -> frozenset[str]:
    """The resources a rule is about."""
    return frozenset(split_list(rule["resources"]))


def priorities(rule: Rule) -> dict[str, int]:
    """Node -> priority of a node-affinity rule."""
    pairs = (entry.partition(":") for entry in split_list(rule.get("nodes")))
    return {node: int(priority or 0) for node, _, priority in pairs}


def in_force(rules: Rules, kind: str, affinity: str | None = None) -> dict[str, Rule]:
    """The rules of a type (and affinity) that are not disabled."""
    return {
        name: rule
        for name, rule in rules.items()
        if rule["type"] == kind and not rule.get("disable") and affinity in (None, rule.get("affinity"))
    }


def bundles(rules: Rules) -> list[tuple[frozenset[str], list[str]]]:
    """Resources that positive rules keep together, with the names of the rules; what overlaps is one bundle."""
    found: list[tuple[frozenset[str], list[str]]] = []
    for name, rule in in_force(rules, RESOURCE, POSITIVE).items():
        touching = [bundle for bundle in found if bundle[0] & sids(rule)]
        found = [bundle for bundle in found if bundle not in touching]
        together = sids(rule).union(*(members for members, _ in touching))
        found.append((together, [*chain.from_iterable(names for _, names in touching), name]))
    return found


# ------------------------------------------------------------- contradictions


def _used_twice(rules: Rules, _nodes: Collection[str]) -> Complaints:
    used = defaultdict(list)
    for name, rule in in_force(rules, NODE).items():
        for sid in sids(rule):
            used[sid].append(name)
    for sid, names in sorted(used.items()):
        for name in names if len(names) > 1 else ():
            yield name, f"resource '{sid}' is already used in another node affinity rule"


def _too_few(rules: Rules, _nodes: Collection[str]) -> Complaints:
    for name, rule in in_force(rules, RESOURCE).items():
        if len(sids(rule)) == 1:
            yield name, "rule is ineffective as there are less than two resources"


def _too_many(rules: Rules, nodes: Collection[str]) -> Complaints:
    for name, rule in in_force(rules, RESOURCE, NEGATIVE).items():
        if len(sids(rule)) > len(nodes):
            yield name, "rule defines more resources than available nodes"


def _both_ways(rules: Rules, _nodes: Collection[str]) -> Complaints:
    for together, names in bundles(rules):
        for name, rule in in_force(rules, RESOURCE, NEGATIVE).items():
            if len(together & sids(rule)) > 1:
                yield name, "rule shares two or more resources with a positive resource affinity rule"
                for other in names:
                    yield other, "rule shares two or more resources with a negative resource affinity rule"


def _paired(rules: Rules, resources: frozenset[str]) -> dict[str, Rule]:
    """The node-affinity rules about any of some resources."""
    return {name: rule for name, rule in in_force(rules, NODE).items() if sids(rule) & resources}


def _graded(rules: Rules, _nodes: Collection[str]) -> Complaints:
    for name, rule in in_force(rules, RESOURCE).items():
        paired = _paired(rules, sids(rule))
        if any(len(set(priorities(other).values())) > 1 for other in paired.values()):
            yield name, "resources are in node affinity rules with multiple priorities"
            for other in paired:
                yield (
                    other,
                    "resources are in a resource affinity rule and cannot be in a node affinity rule with multiple "
                    "priorities",
                )


def _torn(rules: Rules, _nodes: Collection[str]) -> Complaints:
    for together, names in bundles(rules):
        paired = _paired(rules, together)
        if len(paired) > 1:
            for name in names:
                yield name, "resources are in multiple node affinity rules"
            for name in paired:
                yield (
                    name,
                    "at least one resource is in a positive resource affinity rule and there are other resources in "
                    "at least one other node affinity rule already",
                )


def _crowded(rules: Rules, _nodes: Collection[str]) -> Complaints:
    for name, rule in in_force(rules, RESOURCE, NEGATIVE).items():
        paired = _paired(rules, sids(rule))
        allowed = set(chain.from_iterable(priorities(other) for other in paired.values()))
        placed = set(chain.from_iterable(sids(other) & sids(rule) for other in paired.values()))
        if len(allowed) < len(placed):
            yield name, "two or more resources are restricted to less nodes than available to the resources"
            for other in paired:
                yield (
                    other,
                    "at least one resource is in a negative resource affinity rule and this rule would restrict these "
                    "to less nodes than available to the resources",
                )


CHECKS: tuple[Callable[[Rules, Collection[str]], Complaints], ...] = (
    _used_twice,
    _too_few,
    _too_many,
    _both_ways,
    _graded,
    _torn,
    _crowded,
)


def contradictions(rules: Rules, nodes: Collection[str]) -> dict[str, list[str]]:
    """Name of a rule -> why it cannot be kept, for the rules that cannot; ``nodes`` are those HA knows."""
    found: dict[str, list[str]] = {}
    for name, complaint in chain.from_iterable(check(rules, nodes) for check in CHECKS):
        complaints = found.setdefault(name, [])
        complaints += [] if complaint in complaints else [complaint]
    return found


# ------------------------------------------------------------------ placement


@dataclass(frozen=True)
class Affinity:
    """What the rules come to: priorities of nodes, and whom a resource is kept with or away from."""

    nodes: Mapping[str, Mapping[str, int]]
    together: Mapping[str, frozenset[str]]
    apart: Mapping[str, frozenset[str]]

    def preferred(self, sid: str, online: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Of the nodes that are online, those a resource may run on, and the best of them."""
        if sid not in self.nodes:
            return frozenset(online), frozenset(online)
        allowed = {node: priority for node, priority in self.nodes[sid].items() if node in online}
        best = max(allowed.values(), default=None)
        return frozenset(allowed), frozenset(node for node, priority in allowed.items() if priority == best)


def _others(members: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    return ((sid, members - {sid}) for sid in members)


def _joined(pairs: Iterable[tuple[str, frozenset[str]]]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for sid, others in pairs:
        found[sid] = found.get(sid, frozenset()) | others
    return found


def affinity(rules: Rules, nodes: Collection[str]) -> Affinity:
    """The affinities of every resource; rules that contradict each other do not count."""
    wrong = contradictions(rules, nodes)
    sound = {name: rule for name, rule in rules.items() if name not in wrong}
    groups = [members for members, _ in bundles(sound)]
    together = _joined(chain.from_iterable(_others(members) for members in groups))
    apart = _joined(chain.from_iterable(_others(sids(rule)) for rule in in_force(sound, RESOURCE, NEGATIVE).values()))
    return Affinity(_node_priorities(sound, nodes, together), together, _inherited(apart, together))


def _node_priorities(
    rules: Rules, nodes: Collection[str], together: Mapping[str, frozenset[str]]
) -> dict[str, dict[str, int]]:
    """A rule about one resource of a bundle is about all of it."""
    found: dict[str, dict[str, int]] = {}
    for rule in in_force(rules, NODE).values():
        unnamed = {} if rule.get("strict") else dict.fromkeys(nodes, UNNAMED)
        for sid in sids(rule).union(*(together.get(sid, frozenset()) for sid in sids(rule))):
            found[sid] = unnamed | priorities(rule)
    return found


def _inherited(
    apart: Mapping[str, frozenset[str]], together: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """Whoever keeps away from one of a bundle keeps away from all of it."""
    direct = chain.from_iterable(
        (
            pair
            for mate in {sid, *together.get(sid, ())}
            for other in others
            for pair in _others(frozenset({mate, other}))
        )
        for sid, others in apart.items()
    )
    return _joined(direct)
