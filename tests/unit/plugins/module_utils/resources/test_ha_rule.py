"""Planning a rule of the HA manager. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_rule import HA_RULE

from .reading import Table

ALL = "/cluster/ha/rules"
PATH = f"{ALL}/shop"
NODE = {
    "rule": "shop",
    "type": "node-affinity",
    "resources": "vm:100",
    "nodes": "father:2,mother",
    "strict": 1,
    "digest": "d1",
    "order": 1,
}
APART = {"rule": "shop", "type": "resource-affinity", "resources": "ct:200,vm:100", "affinity": "negative"}


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    made = HA_RULE.plan({"state": "present", "rule": "shop", **wish}, have)
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        (
            {"type": "node-affinity", "resources": ["vm:100"], "nodes": ["mother:0", "father:2"], "strict": True},
            None,
            [
                (
                    "POST",
                    ALL,
                    {
                        "rule": "shop",
                        "type": "node-affinity",
                        "resources": "vm:100",
                        "nodes": "father:2,mother",
                        "strict": 1,
                    },
                )
            ],
        ),
        (
            {"type": "resource-affinity", "resources": "vm:100,ct:200", "affinity": "negative"},
            None,
            [("POST", ALL, APART)],
        ),
        ({"resources": ["vm:100"], "nodes": ["mother", "father:2"], "disable": False, "comment": ""}, NODE, []),
        ({"type": "resource-affinity", "resources": ["vm:100", "ct:200"]}, APART, []),
        (
            {"nodes": ["father"], "strict": False},
            NODE,
            [("PUT", PATH, {"nodes": "father", "strict": 0, "digest": "d1", "type": "node-affinity"})],
        ),
        ({"disable": True}, APART, [("PUT", PATH, {"disable": 1, "type": "resource-affinity"})]),
        (
            {"comment": ""},
            {**APART, "comment": "c"},
            [("PUT", PATH, {"delete": "comment", "type": "resource-affinity"})],
        ),
        ({"state": "absent"}, NODE, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


@pytest.mark.parametrize(
    ("wish", "have", "message"),
    [
        ({"resources": ["vm:100"]}, None, "Option 'type' is needed: HA rule shop does not exist yet."),
        (
            {"type": "node-affinity", "resources": ["vm:100"]},
            None,
            "Option 'nodes' is needed: HA rule shop does not exist yet.",
        ),
        (
            {"type": "resource-affinity", "resources": ["vm:100", "vm:101"]},
            None,
            "Option 'affinity' is needed: HA rule shop does not exist yet.",
        ),
        ({"resources": ["100"]}, NODE, "Option 'resources': '100' is not of the form vm:100 or ct:100"),
        ({"nodes": ["father=2"]}, NODE, "Option 'nodes': 'father=2' is not a node or node:priority"),
        (
            {"affinity": "negative"},
            NODE,
            "Option 'affinity' is for rules of type resource-affinity: HA rule shop is of node-affinity.",
        ),
        (
            {"strict": False},
            APART,
            "Option 'strict' is for rules of type node-affinity: HA rule shop is of resource-affinity.",
        ),
        ({"nodes": []}, NODE, "Option 'nodes': a rule can't do without. Remove HA rule shop with state: absent."),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], have: dict[str, Any] | None, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        steps(wish, have)
    assert str(caught.value) == message


def test_the_type_is_fixed() -> None:
    with pytest.raises(RefusedError, match="Cannot change type of HA rule shop from node-affinity to resource-aff"):
        steps({"type": "resource-affinity"}, NODE)


def test_a_node_without_rules_is_refused() -> None:
    old = Table({PATH: PveError("GET", PATH, 501, f"Method 'GET {PATH}' not implemented")})
    with pytest.raises(RefusedError, match="Proxmox VE 8 has HA groups instead of rules"):
        HA_RULE.describe(old, {"rule": "shop"})
    with pytest.raises(PveError):
        HA_RULE.describe(Table({PATH: PveError("GET", PATH, 500, "no quorum")}), {"rule": "shop"})


def test_what_is_returned() -> None:
    wrong = {"resources": ["rule is ineffective as there are less than two resources"]}
    assert HA_RULE.result({**APART, "resources": "vm:100", "errors": wrong}) == {
        "ha_rule": {
            "rule": "shop",
            "type": "resource-affinity",
            "resources": ["vm:100"],
            "affinity": "negative",
            "errors": wrong,
        }
    }
