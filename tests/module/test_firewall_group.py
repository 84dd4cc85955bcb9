"""Module firewall_group against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

SSH = {"type": "in", "action": "ACCEPT", "macro": "SSH"}
HTTP = {"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "80"}
WEB: dict[str, Any] = {"group": "web", "comment": "servers", "rules": [SSH, HTTP]}
USES = {"type": "group", "action": "web"}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("firewall_group", **WEB)["group"]
    assert made == {"group": "web", "comment": "servers", "rules": [{**SSH, "enable": True}, {**HTTP, "enable": True}]}
    changed = modules.converge("firewall_group", group="web", comment="", rules=[HTTP])["group"]
    assert changed == {"group": "web", "comment": "", "rules": [{**HTTP, "enable": True}]}
    modules.converge("firewall_group", group="web", rules=[{**HTTP, "log": "info"}])
    modules.unchanged("firewall_group", group="web")
    assert len(modules.lab.requests()) <= 2
    modules.converge("firewall_group", group="web", state="absent")


def test_renaming(modules: Modules) -> None:
    modules.ok("firewall_group", **WEB)
    modules.ok("firewall_rule", rules=[USES])
    made = modules.converge("firewall_group", group="www", rename="web", comment="more", rules=[HTTP])
    assert made["plan"] == ["rename security group web to www and set its comment", "remove rule in ACCEPT SSH"]
    assert made["group"] == {"group": "www", "comment": "more", "rules": [{**HTTP, "enable": True}]}
    modules.unchanged("firewall_rule", rules=[{**USES, "action": "www"}])
    modules.ok("firewall_group", group="web")
    assert modules.message("firewall_group", group="www", rename="web") == (
        "Cannot rename security group web to www: there are both. Remove one of them first."
    )


def test_a_group_that_rules_use_stays(modules: Modules) -> None:
    modules.container(200)
    modules.ok("firewall_group", **WEB)
    modules.ok("firewall_rule", rules=[SSH, USES])
    modules.ok("firewall_rule", level="guest", vmid=200, rules=[USES])
    assert modules.message("firewall_group", group="web", state="absent") == (
        "Cannot remove security group web of the cluster: it is used by rule 1 of the cluster, rule 0 of container 200 "
        "(ct). Proxmox VE would remove it all the same, and they would stand for nothing. Change them first."
    )


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"group": "a-name-that-is-too-long"},
            "Option 'group': 'a-name-that-is-too-long' is not a name of 2 to 18 letters, digits, '-' and '_' that "
            "begins with a letter",
        ),
        (
            {"group": "web", "rules": [{"type": "group", "action": "other"}]},
            "rules[0]: type group is none of level group: in, out, forward",
        ),
        ({"group": "web", "rules": [SSH, SSH]}, "rules[0] and rules[1] have the same content: in ACCEPT SSH"),
        (
            {"group": "web", "rules": [{**HTTP, "source": "+admins"}]},
            "rules[0]: there is no IP set 'admins' for the rules of security group web. Declare it first (module "
            "firewall_ipset).",
        ),
        ({"group": "web", "rules": [{**HTTP, "iface": "net0"}]}, "rules[0]: iface can't be set at level group"),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("firewall_group", **wish) == message


def test_least_privileges(modules: Modules) -> None:
    needed = {"/": ["Sys.Audit", "Sys.Modify"]}
    path = "/cluster/firewall/groups"
    modules.ok("firewall_group", group="web")
    assert modules.refusals(needed, "firewall_group", group="web", comment="x") == {
        "Sys.Audit on /": f"GET {path}/web: {denied('Sys.Audit', '/')}",
        "Sys.Modify on /": f"Cannot set comment of security group web: POST {path}: {denied('Sys.Modify', '/')}",
    }
    limited = modules.limited(needed)
    for wish in (WEB, {"group": "www", "rename": "web"}, {"group": "www", "state": "absent"}):
        limited.converge("firewall_group", **wish)
