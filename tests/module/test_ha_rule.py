"""Module ha_rule against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

PIN: dict[str, Any] = {"rule": "shop", "type": "node-affinity", "resources": ["ct:200"], "nodes": ["father:2"]}
APART: dict[str, Any] = {
    "rule": "apart",
    "type": "resource-affinity",
    "resources": ["ct:201", "ct:200"],
    "affinity": "negative",
}


def managed(modules: Modules, *vmids: int) -> None:
    for vmid in vmids:
        modules.container(vmid)
        modules.ok("ha_resource", sid=f"ct:{vmid}", state="stopped")


def test_twelve_steps_of_nodes(cluster: Modules) -> None:
    managed(cluster, 200)
    made = cluster.converge("ha_rule", **PIN, strict=True, comment="The shop.")
    assert made["ha_rule"] == {**PIN, "strict": True, "comment": "The shop."}
    changed = cluster.converge("ha_rule", rule="shop", nodes=["mother", "father:1"], disable=True, comment="")
    assert changed["ha_rule"] == {**PIN, "nodes": ["father:1", "mother"], "strict": True, "disable": True}
    cluster.converge("ha_rule", rule="shop", disable=False)
    cluster.converge("ha_rule", rule="shop", state="absent")


def test_twelve_steps_of_guests(cluster: Modules) -> None:
    managed(cluster, 200, 201)
    made = cluster.converge("ha_rule", **APART)
    assert made["ha_rule"] == {**APART, "resources": ["ct:200", "ct:201"]}
    cluster.converge("ha_rule", rule="apart", affinity="positive")
    cluster.converge("ha_rule", rule="apart", state="absent")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({**PIN, "rule": "new", "nodes": None}, "Option 'nodes' is needed: HA rule new does not exist yet."),
        ({"rule": "shop", "resources": ["web"]}, "Option 'resources': 'web' is not of the form vm:100 or ct:100"),
        (
            {"rule": "shop", "affinity": "positive"},
            "Option 'affinity' is for rules of type resource-affinity: HA rule shop is of node-affinity.",
        ),
        (
            {"rule": "shop", "type": "resource-affinity"},
            "Cannot change type of HA rule shop from node-affinity to resource-affinity: Proxmox VE sets it only at "
            "creation. Keep the present value, or remove the HA rule first (state: absent) and create it anew.",
        ),
    ],
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    managed(modules, 200)
    modules.ok("ha_rule", **PIN)
    assert modules.message("ha_rule", **wish) == message


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {**PIN, "resources": ["ct:999"]},
            "cannot use unmanaged resource(s) ct:999.\n"
            "Have high availability manage the guest first, with the module ha_resource.",
        ),
        (
            {**PIN, "nodes": ["ghost"]},
            "cannot use non-existent node(s) ghost.\n"
            "Check the names of the nodes; the module node_info lists those there are.",
        ),
        (
            {**PIN, "type": "resource-affinity", "nodes": None, "affinity": "positive"},
            "400 Rule 'shop' is invalid. resources: rule is ineffective as there are less than two resources.\n"
            "A rule about guests needs two of them.",
        ),
    ],
)
def test_what_proxmox_refuses(modules: Modules, wish: dict[str, Any], message: str) -> None:
    managed(modules, 200)
    said = "Cannot create HA rule shop: POST /cluster/ha/rules: 500 create ha rule failed: "
    assert modules.run("ha_rule", **wish)["msg"] == said + message


def test_rules_that_contradict_each_other(cluster: Modules) -> None:
    managed(cluster, 200, 201)
    cluster.ok("ha_rule", **PIN)
    said = "create ha rule failed: 400 Rule '{}' is invalid. resources: "
    again = cluster.run("ha_rule", **{**PIN, "rule": "again"})
    assert again["msg"].endswith(
        f"{said.format('again')}resource 'ct:200' is already used in another node affinity rule.\nA guest is in one "
        "rule about nodes only: take it out of the other, or change that one."
    )
    cluster.ok("ha_rule", **APART)
    together = cluster.run("ha_rule", **{**APART, "rule": "together", "affinity": "positive"})
    assert together["msg"].endswith(
        f"{said.format('together')}rule shares two or more resources with a negative resource affinity rule.\nAnother "
        "rule says the opposite of these guests: change or remove one of both."
    )
    for name in ("again", "together"):
        cluster.unchanged("ha_rule", rule=name, state="absent")


def test_least_privileges(modules: Modules) -> None:
    managed(modules, 200)
    needed = {"/": ["Sys.Audit", "Sys.Console"]}
    assert modules.refusals(needed, "ha_rule", **PIN) == {
        "Sys.Audit on /": f"GET /cluster/ha/rules/shop: {denied('Sys.Audit', '/')}",
        "Sys.Console on /": f"Cannot create HA rule shop: POST /cluster/ha/rules: {denied('Sys.Console', '/')}",
    }
    limited = modules.limited(needed)
    for wish in (PIN, {"rule": "shop", "disable": True}, {"rule": "shop", "state": "absent"}):
        limited.converge("ha_rule", **wish)
