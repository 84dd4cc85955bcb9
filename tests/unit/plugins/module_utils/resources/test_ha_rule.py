"""Planning a rule of the HA manager. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_placement import Grouped
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


OLD = PveError("GET", PATH, 501, f"Method 'GET {PATH}' not implemented")
GROUP = {"group": "shop", "type": "group", "nodes": "father:2", "restricted": 1, "digest": "d1"}
MANAGED: dict[str, dict[str, Any]] = {"vm:100": {"sid": "vm:100", "group": "shop"}, "ct:200": {"sid": "ct:200"}}


def test_a_node_without_rules_has_groups() -> None:
    answers = {PATH: OLD, "/cluster/ha/groups/shop": GROUP, "/cluster/ha/resources": list(MANAGED.values())}
    assert HA_RULE.describe(Table(answers), {"rule": "shop"}) == Grouped("shop", GROUP, MANAGED)
    with pytest.raises(PveError):
        HA_RULE.describe(Table({PATH: PveError("GET", PATH, 500, "no quorum")}), {"rule": "shop"})


@pytest.mark.parametrize(
    ("wish", "row", "expected"),
    [
        (
            {"type": "node-affinity", "resources": ["ct:200"], "nodes": ["father:2"], "strict": True},
            None,
            [
                ("POST", "/cluster/ha/groups", {"group": "shop", "nodes": "father:2", "restricted": 1}),
                ("PUT", "/cluster/ha/resources/ct%3A200", {"group": "shop"}),
            ],
        ),
        ({"resources": ["vm:100"], "nodes": ["father:2"], "strict": True, "disable": False}, GROUP, []),
        (
            {"strict": False},
            GROUP,
            [("PUT", "/cluster/ha/groups/shop", {"restricted": 0, "digest": "d1"})],
        ),
        (
            {"state": "absent"},
            GROUP,
            [
                ("PUT", "/cluster/ha/resources/vm%3A100", {"delete": "group"}),
                ("DELETE", "/cluster/ha/groups/shop", {}),
            ],
        ),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps_on_release_8(wish: dict[str, Any], row: dict[str, Any] | None, expected: list[Any]) -> None:
    there = MANAGED if row else {sid: {"sid": sid} for sid in MANAGED}
    made = HA_RULE.plan({"state": "present", "rule": "shop", **wish}, Grouped("shop", row, there))
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == expected


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"type": "resource-affinity"},
            "Cannot make HA rule shop: Proxmox VE 8 has HA groups instead of rules, and none that says which guests "
            "run together.",
        ),
        (
            {"disable": True},
            "Cannot make HA rule shop: Proxmox VE 8 has HA groups instead of rules, and none that is switched off.",
        ),
        ({"resources": ["ct:200"]}, "Option 'type' is needed: HA rule shop does not exist yet."),
        (
            {"type": "node-affinity", "nodes": ["father"], "resources": ["vm:7"]},
            "Cannot put vm:7 into HA group shop: it is not managed. Have high availability manage the guest first, "
            "with the module ha_resource.",
        ),
    ],
    ids=str,
)
def test_refusals_on_release_8(wish: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigError, RefusedError)) as caught:
        HA_RULE.plan({"state": "present", "rule": "shop", **wish}, Grouped("shop", None, MANAGED))
    assert str(caught.value) == message


def test_what_is_returned_on_release_8() -> None:
    assert HA_RULE.result(Grouped("shop", GROUP, MANAGED)) == {
        "api": "groups",
        "ha_rule": {
            "rule": "shop", "type": "node-affinity", "nodes": ["father:2"], "strict": True, "resources": ["vm:100"],
        },
    }  # fmt: skip
    assert HA_RULE.result(Grouped("shop", None)) == {"api": "groups"}


def test_what_is_returned() -> None:
    wrong = {"resources": ["rule is ineffective as there are less than two resources"]}
    assert HA_RULE.result({**APART, "resources": "vm:100", "errors": wrong}) == {
        "api": "rules",
        "ha_rule": {
            "rule": "shop",
            "type": "resource-affinity",
            "resources": ["vm:100"],
            "affinity": "negative",
            "errors": wrong,
        },
    }
