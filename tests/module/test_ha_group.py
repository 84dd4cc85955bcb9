"""Module ha_group against the lab's APIs of both releases."""

from __future__ import annotations

from typing import Any

import pytest

from lab.api.serving import ServedLab

from .conftest import Modules, denied, hurried

SHOP: dict[str, Any] = {"group": "shop", "nodes": ["father:2"], "restricted": True, "resources": ["vm:9000"]}


@pytest.fixture
def old(lab_8_api: ServedLab, capsys: pytest.CaptureFixture[str]) -> Modules:
    """The modules, connected to father of a cluster of release 8.4, with a guest that HA manages."""
    return managed(Modules(hurried(lab_8_api), capsys))


def managed(modules: Modules) -> Modules:
    modules.ok("ha_resource", sid="vm:9000", state="ignored")
    return modules


def test_twelve_steps(old: Modules) -> None:
    made = old.converge("ha_group", **SHOP)
    assert (made["api"], made["ha_group"]) == ("groups", SHOP)
    assert made["plan"] == ["create HA group shop", "put vm:9000 into HA group shop"]
    old.unchanged("ha_group", **SHOP)
    assert len(old.lab.requests()) == 2
    old.converge("ha_group", group="shop", nodes=["father", "mother:1"], nofailback=True, comment="c", resources=[])
    old.converge("ha_group", group="shop", state="absent")


def test_a_rule_on_release_8_is_a_group(old: Modules) -> None:
    rule: dict[str, Any] = {"rule": "shop", "type": "node-affinity", "resources": ["vm:9000"], "nodes": ["father:2"]}
    made = old.converge("ha_rule", **rule)
    assert (made["api"], made["ha_rule"]) == ("groups", rule)
    old.converge("ha_rule", rule="shop", strict=True, nodes=["mother"])
    assert old.unchanged("ha_group", group="shop", restricted=True)["ha_group"]["nodes"] == ["mother"]
    old.converge("ha_rule", rule="shop", state="absent")


def test_a_group_on_release_9_is_a_rule(cluster: Modules) -> None:
    managed(cluster)
    made = cluster.converge("ha_group", **SHOP)
    assert (made["api"], made["ha_group"], made["plan"]) == ("rules", SHOP, ["create HA rule shop"])
    assert cluster.unchanged("ha_rule", rule="shop", strict=True)["api"] == "rules"
    cluster.unchanged("ha_group", **SHOP)
    assert len(cluster.lab.requests()) == 2
    cluster.converge("ha_group", group="shop", nodes=["father", "mother:1"])
    cluster.converge("ha_group", group="shop", state="absent")
    assert cluster.message("ha_group", group="shop", nodes=["father"]) == (
        "Cannot create HA group shop: from Proxmox VE 9 on there are rules instead of groups, and a rule names its "
        "guests. Set resources, or use the module ha_rule."
    )


def test_refusals(old: Modules) -> None:
    old.ok("ha_group", **SHOP)
    assert old.message("ha_group", group="shop", resources=["ct:7"]) == (
        "Cannot put ct:7 into HA group shop: it is not managed. Have high availability manage the guest first, with "
        "the module ha_resource."
    )
    assert old.message("ha_group", group="new", resources=[]) == (
        "Option 'nodes' is needed: HA group new does not exist yet."
    )
    assert old.message("ha_rule", rule="apart", type="resource-affinity", resources=["vm:9000"]) == (
        "Cannot make HA rule apart: Proxmox VE 8 has HA groups instead of rules, and none that says which guests run "
        "together."
    )
    assert old.run("ha_group", group="shop", state="absent")["msg"] == (
        "Cannot remove HA group shop: DELETE /cluster/ha/groups/shop: 500 delete ha group failed: ha group is used by "
        "service 'vm:9000'.\nTake the guests out first (resources: [])."
    )
    old.unchanged("ha_group", **SHOP)


def test_least_privileges(old: Modules) -> None:
    needed = {"/": ["Sys.Audit", "Sys.Console"]}
    assert old.refusals(needed, "ha_group", **SHOP) == {
        "Sys.Audit on /": f"GET /cluster/ha/groups/shop: {denied('Sys.Audit', '/')}",
        "Sys.Console on /": f"Cannot create HA group shop: POST /cluster/ha/groups: {denied('Sys.Console', '/')}\n"
        "Not done: put vm:9000 into HA group shop.",
    }
    limited = old.limited(needed)
    for wish in (SHOP, {"group": "shop", "resources": []}, {"group": "shop", "state": "absent"}):
        limited.converge("ha_group", **wish)
