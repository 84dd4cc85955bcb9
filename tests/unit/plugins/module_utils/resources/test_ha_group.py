"""Planning HA groups on both releases. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_group import HA_GROUP, Ruled
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_placement import Grouped

from .reading import Table

GROUP, RULE = "/cluster/ha/groups/shop", "/cluster/ha/rules/shop"
ROW = {"group": "shop", "type": "group", "nodes": "father:2", "restricted": 1}
AS_RULE = {"rule": "shop", "type": "node-affinity", "resources": "vm:100", "nodes": "father:2", "strict": 1}
MIGRATED = PveError("GET", GROUP, 500, "cannot read group: ha groups have been migrated to rules")


def planned(wish: dict[str, Any], have: Grouped | Ruled) -> Plan:
    return HA_GROUP.plan({"state": "present", "group": "shop", **wish}, have)


def steps(wish: dict[str, Any], have: Grouped | Ruled) -> list[tuple[str, str, dict[str, Any]]]:
    return [(step.verb, step.path, dict(step.params)) for step in planned(wish, have).steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        (
            {"nodes": ["father"]},
            Grouped("shop", None),
            [("POST", "/cluster/ha/groups", {"group": "shop", "nodes": "father"})],
        ),
        (
            {"nodes": ["father:2"], "restricted": True, "resources": ["vm:100"]},
            Ruled(None),
            [("POST", "/cluster/ha/rules", AS_RULE)],
        ),
        ({"nodes": ["father:2"], "restricted": True, "nofailback": False}, Ruled(AS_RULE), []),
        ({"restricted": False}, Ruled(AS_RULE), [("PUT", RULE, {"strict": 0, "type": "node-affinity"})]),
        ({"state": "absent"}, Ruled(AS_RULE), [("DELETE", RULE, {})]),
        ({"state": "absent"}, Ruled(None), []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: Grouped | Ruled, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


@pytest.mark.parametrize(
    ("wish", "have", "message"),
    [
        (
            {"nodes": ["father"]},
            Ruled(None),
            "Cannot create HA group shop: from Proxmox VE 9 on there are rules instead of groups, and a rule names its "
            "guests. Set resources, or use the module ha_rule.",
        ),
        (
            {"nofailback": True},
            Ruled(AS_RULE),
            "Option 'nofailback': from Proxmox VE 9 on this is said of each guest: set failback of the module "
            "ha_resource to false.",
        ),
        ({}, Grouped("shop", None), "Option 'nodes' is needed: HA group shop does not exist yet."),
        ({"nodes": ["father=2"]}, Ruled(AS_RULE), "Option 'nodes': 'father=2' is not a node or node:priority"),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], have: Grouped | Ruled, message: str) -> None:
    with pytest.raises((ConfigError, RefusedError)) as error:
        planned(wish, have)
    assert str(error.value) == message


def test_reading() -> None:
    wish = {"group": "shop"}
    assert HA_GROUP.describe(Table({GROUP: ROW}), wish) == Grouped("shop", ROW)
    assert HA_GROUP.describe(Table({GROUP: MIGRATED, RULE: AS_RULE}), wish) == Ruled(AS_RULE)
    apart = {"rule": "shop", "type": "resource-affinity"}
    assert HA_GROUP.describe(Table({GROUP: MIGRATED, RULE: apart}), wish) == Ruled(None)
    with pytest.raises(PveError, match="no quorum"):
        HA_GROUP.describe(Table({GROUP: PveError("GET", GROUP, 500, "no quorum")}), wish)


def test_what_is_returned() -> None:
    group = {"group": "shop", "nodes": ["father:2"], "restricted": True}
    assert HA_GROUP.result(Grouped("shop", ROW)) == {"api": "groups", "ha_group": group}
    both = {"ha_group": {**group, "resources": ["vm:100"]}}
    assert HA_GROUP.result(Ruled(AS_RULE)) == {"api": "rules", **both}
    there = Grouped("shop", ROW, {"vm:100": {"group": "shop"}})
    assert HA_GROUP.result(there) == {"api": "groups", **both}
    assert HA_GROUP.result(Ruled(None)) == {"api": "rules"}
    assert HA_GROUP.result(Grouped("shop", None)) == {"api": "groups"}
