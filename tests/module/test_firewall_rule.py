"""Module firewall_rule against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

SSH = {"type": "in", "action": "ACCEPT", "macro": "ssh", "source": "192.0.2.0/24", "comment": "ssh"}
WEB = {"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "80,443", "comment": "web"}
OUT = {"type": "out", "action": "DROP", "dest": "198.51.100.0/24", "log": "info", "comment": "out"}
VNET = {"level": "vnet", "vnet": "blue"}


def comments(result: dict[str, Any]) -> list[str]:
    return [rule.get("comment", "-") for rule in result["rules"]]


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"level": "node", "node": "father"},
        {"level": "guest", "vmid": 200},
        {"level": "guest", "vmid": 201},
        {"level": "group", "group": "web"},
    ],
    ids=str,
)
def test_twelve_steps(modules: Modules, place: dict[str, Any]) -> None:
    modules.container(200)
    modules.ok("vm", vmid=201, name="vm")
    modules.ok("api", path="/cluster/firewall/groups", key="group", id="web", values={"comment": "web"})
    assert comments(modules.converge("firewall_rule", **place, rules=[SSH, WEB, OUT])) == ["ssh", "web", "out"]
    assert comments(modules.converge("firewall_rule", **place, rules=[OUT, SSH, WEB])) == ["out", "ssh", "web"]
    changed = modules.converge("firewall_rule", **place, rules=[WEB, {**OUT, "log": "nolog", "enable": False}])
    assert changed["rules"][1] == {
        "type": "out", "action": "DROP", "dest": "198.51.100.0/24", "comment": "out", "enable": False,
    }  # fmt: skip
    assert len(modules.lab.requests()) <= 2
    modules.converge("firewall_rule", **place, rules=[])


def test_a_vnet(modules: Modules) -> None:
    modules.ok("sdn_zone", zone="lab", type="simple")
    modules.ok("sdn_vnet", vnet="blue", zone="lab")
    rules = [{"type": "forward", "action": "DROP", "source": "192.0.2.0/24"}, {"type": "forward", "action": "ACCEPT"}]
    modules.converge("firewall_rule", **VNET, rules=rules)
    modules.converge("firewall_rule", **VNET, rules=[*reversed(rules)])
    modules.converge("firewall_rule", **VNET, rules=[])


def test_merging(modules: Modules) -> None:
    modules.ok("firewall_rule", rules=[SSH, OUT])
    assert comments(modules.converge("firewall_rule", mode="merge", rules=[SSH, WEB])) == ["ssh", "web", "out"]
    assert comments(modules.converge("firewall_rule", mode="merge", rules=[OUT, SSH])) == ["out", "web", "ssh"]
    modules.unchanged("firewall_rule", mode="merge", rules=[])


def test_a_rule_known_by_its_comment(modules: Modules) -> None:
    modules.ok("firewall_rule", rules=[SSH, WEB])
    changed = modules.converge("firewall_rule", key="comment", rules=[SSH, {**WEB, "dport": "443"}])
    assert changed["plan"] == ["replace rule in ACCEPT tcp 80,443 by in ACCEPT tcp 443"]


def test_writes_are_few(modules: Modules) -> None:
    modules.ok("firewall_rule", rules=[SSH, WEB, OUT])
    modules.ok("firewall_rule", rules=[WEB, OUT, {**SSH, "source": "192.0.2.128/25"}])
    assert [(item.method, item.path) for item in modules.lab.writes()] == [
        ("PUT", "/cluster/firewall/rules/0"),
        ("PUT", "/cluster/firewall/rules/0"),
    ]


def test_rules_that_somebody_changed_meanwhile_are_read_again(modules: Modules) -> None:
    modules.ok("firewall_rule", rules=[SSH, WEB])
    words = "detected modified configuration - file changed by other user? Try again."
    modules.lab.api.fail("PUT", "/cluster/firewall/rules/1", 500, words, times=1)
    modules.ok("firewall_rule", rules=[SSH, {**WEB, "enable": False}])
    assert [item.status for item in modules.lab.requests() if item.method == "PUT"] == [500, 200]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"rules": [SSH, {**SSH, "log": "info"}]},
            "rules[0] and rules[1] have the same content: in ACCEPT ssh 192.0.2.0/24",
        ),
        (
            {"rules": [SSH, {**WEB, "comment": ""}], "key": "comment"},
            "rules[1] has no comment, and rules are known by their comment (option 'key')",
        ),
        ({"rules": [{**WEB, "proto": ""}]}, "rules[0]: dport needs proto, for example tcp"),
        (
            {"rules": [{"type": "forward", "action": "DROP"}], "level": "guest", "vmid": 200},
            "rules[0]: type forward is none of level guest: in, out, group",
        ),
        (
            {"rules": [{**WEB, "iface": "eth0"}], "level": "guest", "vmid": 200},
            "rules[0]: iface 'eth0' is not a network card of the guest as Proxmox VE names it, such as net0",
        ),
        (
            {"rules": [{**SSH, "source": "192.0.2.7/24"}]},
            "rules[0]: source: 192.0.2.7/24 is no network, as 192.0.2.7 is an address in it. Write 192.0.2.0/24, or "
            "192.0.2.7",
        ),
        (
            {"rules": [WEB, {**OUT, "dest": "nowhere"}]},
            "rules[1]: there is no alias 'nowhere' for the rules of the cluster. Declare it first (module "
            "firewall_alias).",
        ),
        (
            {"rules": [{**OUT, "dest": "+admins"}], "level": "guest", "vmid": 200},
            "rules[0]: there is no IP set 'admins' for the rules of container 200 (ct). Declare it first (module "
            "firewall_ipset).",
        ),
        (
            {"rules": [{"type": "group", "action": "mail"}], "level": "node", "node": "father"},
            "rules[0]: there is no security group 'mail' for the rules of node father. Declare it first (module "
            "firewall_group).",
        ),
        ({"rules": [WEB, {**SSH, "macro": "SSSH"}]}, "rules[1]: there is no macro 'SSSH'. Did you mean SSH?"),
        ({"rules": [{"type": "in"}]}, "rules[0]: missing required arguments: action"),
        ({"rules": [], "level": "group"}, "level is group but all of the following are missing: group"),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.container(200)
    assert modules.message("firewall_rule", **wish) == message


def test_what_proxmox_refuses(modules: Modules) -> None:
    assert modules.run("firewall_rule", rules=[{**WEB, "dport": "nosuchservice"}])["msg"] == (
        "Cannot add rule in ACCEPT tcp nosuchservice: POST /cluster/firewall/rules: 400 Parameter verification failed "
        "(dport: invalid format - invalid port 'nosuchservice')."
    )
    assert modules.run("firewall_rule", level="group", group="nope", rules=[])["msg"] == (
        "GET /cluster/firewall/groups/nope: 500 no such security group 'nope'."
    )


def test_least_privileges(modules: Modules) -> None:
    needed = {"/": ["Sys.Audit", "Sys.Modify"]}
    path = "/cluster/firewall/rules"
    assert modules.refusals(needed, "firewall_rule", rules=[WEB]) == {
        "Sys.Audit on /": f"GET {path}: {denied('Sys.Audit', '/')}",
        "Sys.Modify on /": f"Cannot add rule in ACCEPT tcp 80,443: POST {path}: {denied('Sys.Modify', '/')}",
    }
    limited = modules.limited(needed)
    for rules in ([SSH, WEB], [WEB, SSH], []):
        limited.converge("firewall_rule", rules=rules)


@pytest.mark.parametrize(
    ("needed", "place"),
    [
        ({"/nodes/father": ["Sys.Audit", "Sys.Modify"]}, {"level": "node", "node": "father"}),
        ({"/vms/200": ["VM.Audit", "VM.Config.Network"]}, {"level": "guest", "vmid": 200}),
        ({"/sdn/zones/lab/blue": ["SDN.Audit", "SDN.Allocate"]}, VNET),
    ],
    ids=str,
)
def test_least_privileges_elsewhere(modules: Modules, needed: dict[str, Any], place: dict[str, Any]) -> None:
    modules.container(200)
    modules.ok("sdn_zone", zone="lab", type="simple")
    modules.ok("sdn_vnet", vnet="blue", zone="lab")
    modules.ok("firewall_alias", name="lan", cidr="192.0.2.0/24")
    rule = {"type": "forward" if place == VNET else "in", "action": "DROP", "source": "lan", "macro": "SSH"}
    limited = modules.limited(needed)
    for rules in ([rule], [{**rule, "log": "info"}], []):
        limited.converge("firewall_rule", **place, rules=rules)
