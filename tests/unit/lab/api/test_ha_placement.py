# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HA rules that contradict each other, and the nodes they leave."""

from __future__ import annotations

from typing import Any

import pytest

from lab.api.ha_placement import affinity, contradictions

NODES = ("father", "mother", "son")
Rules = dict[str, dict[str, Any]]


def pin(resources: str, nodes: str, **more: Any) -> dict[str, Any]:
    """A rule about nodes."""
    return {"type": "node-affinity", "resources": resources, "nodes": nodes, **more}


def keep(resources: str, how: str, **more: Any) -> dict[str, Any]:
    """A rule about resources."""
    return {"type": "resource-affinity", "resources": resources, "affinity": how, **more}


def test_rules_that_fit_have_no_complaint() -> None:
    rules = {"pin": pin("vm:1", "son:2,father:1"), "apart": keep("vm:2,vm:3", "negative")}
    assert contradictions(rules, NODES) == {}


@pytest.mark.parametrize(
    ("rules", "name", "complaint"),
    [
        (
            {"old": pin("vm:1", "son"), "new": pin("vm:1,vm:2", "mother")},
            "new",
            "resource 'vm:1' is already used in another node affinity rule",
        ),
        (
            {"new": keep("vm:1", "positive")},
            "new",
            "rule is ineffective as there are less than two resources",
        ),
        (
            {"new": keep("vm:1,vm:2,vm:3,vm:4", "negative")},
            "new",
            "rule defines more resources than available nodes",
        ),
        (
            {"old": keep("vm:1,vm:2", "negative"), "new": keep("vm:1,vm:2", "positive")},
            "new",
            "rule shares two or more resources with a negative resource affinity rule",
        ),
        (
            {
                "a": keep("vm:1,vm:2", "positive"),
                "b": keep("vm:2,vm:3", "positive"),
                "new": keep("vm:1,vm:3", "negative"),
            },
            "new",
            "rule shares two or more resources with a positive resource affinity rule",
        ),
        (
            {"pin": pin("vm:1", "son:2,father:1"), "new": keep("vm:1,vm:2", "negative")},
            "new",
            "resources are in node affinity rules with multiple priorities",
        ),
        (
            {"old": keep("vm:1,vm:2", "negative"), "new": pin("vm:1", "son:2,father:1")},
            "new",
            "resources are in a resource affinity rule and cannot be in a node affinity rule with multiple priorities",
        ),
        (
            {"p": pin("vm:1", "son"), "q": pin("vm:2", "father"), "new": keep("vm:1,vm:2", "positive")},
            "new",
            "resources are in multiple node affinity rules",
        ),
        (
            {"p": pin("vm:1,vm:2", "son"), "new": keep("vm:1,vm:2", "negative")},
            "new",
            "two or more resources are restricted to less nodes than available to the resources",
        ),
    ],
    ids=["used-twice", "one", "too-many", "both-ways", "chained", "graded", "grading", "torn", "crowded"],
)
def test_what_a_rule_is_refused_for(rules: Rules, name: str, complaint: str) -> None:
    assert contradictions(rules, NODES)[name] == [complaint]


def test_a_disabled_rule_contradicts_nothing() -> None:
    rules = {"old": keep("vm:1,vm:2", "negative", disable=1), "new": keep("vm:1,vm:2", "positive")}
    assert contradictions(rules, NODES) == {}
    assert affinity(rules, NODES).apart == {}


@pytest.mark.parametrize(
    ("strict", "online", "allowed", "best"),
    [
        (1, NODES, {"father", "son"}, {"son"}),
        (1, ("father", "mother"), {"father"}, {"father"}),
        (1, ("mother",), set(), set()),
        (0, NODES, set(NODES), {"son"}),
        (0, ("mother",), {"mother"}, {"mother"}),
    ],
    ids=["best-online", "next-best", "nowhere", "preferred", "elsewhere"],
)
def test_the_nodes_a_rule_leaves(strict: int, online: tuple[str, ...], allowed: set[str], best: set[str]) -> None:
    found = affinity({"pin": pin("vm:1", "son:2,father:1", strict=strict)}, NODES)
    assert tuple(map(set, found.preferred("vm:1", online))) == (allowed, best)
    assert tuple(map(set, found.preferred("vm:2", online))) == (set(online), set(online))


def test_what_is_kept_together_shares_nodes_and_enemies() -> None:
    rules = {
        "pin": pin("vm:1", "son", strict=1),
        "a": keep("vm:1,vm:2", "positive"),
        "b": keep("vm:2,vm:3", "positive"),
        "c": keep("vm:3,vm:9", "negative"),
    }
    found = affinity(rules, NODES)
    assert found.nodes == {sid: {"son": 0} for sid in ("vm:1", "vm:2", "vm:3")}
    assert found.together["vm:1"] == {"vm:2", "vm:3"}
    assert found.apart["vm:9"] == {"vm:1", "vm:2", "vm:3"}
    assert [found.apart[sid] for sid in ("vm:1", "vm:2", "vm:3")] == [{"vm:9"}] * 3


def test_a_contradictory_rule_does_not_count() -> None:
    rules = {"one": keep("vm:1", "positive"), "apart": keep("vm:1,vm:2", "negative")}
    assert affinity(rules, NODES).together == {}
    assert affinity(rules, NODES).apart == {"vm:1": {"vm:2"}, "vm:2": {"vm:1"}}
