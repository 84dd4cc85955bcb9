"""Module sdn_zone against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

VLANS: dict[str, Any] = {"zone": "vlans", "type": "vlan", "bridge": "vmbr0", "nodes": ["father"]}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("sdn_zone", **VLANS)
    assert made["zone"] == {"zone": "vlans", "type": "vlan", "bridge": "vmbr0", "nodes": ["father"]}
    changed = modules.converge("sdn_zone", zone="vlans", nodes=[], mtu=1496)
    assert changed["zone"] == {"zone": "vlans", "type": "vlan", "bridge": "vmbr0", "mtu": 1496}
    modules.converge("sdn_zone", zone="vlans", state="absent")


@pytest.mark.parametrize(
    "wish",
    [
        {"type": "simple", "dhcp": "dnsmasq", "ipam": "pve"},
        {"type": "qinq", "bridge": "vmbr0", "tag": 20, "vlan_protocol": "802.1ad"},
        {"type": "vxlan", "peers": ["10.99.0.12", "10.99.0.11"], "mtu": 1450},
    ],
    ids=lambda wish: str(wish["type"]),
)
def test_types(modules: Modules, wish: dict[str, Any]) -> None:
    modules.converge("sdn_zone", zone="zz", **wish)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"zone": "vlans", "type": "simple"},
            "Cannot change type of zone vlans from vlan to simple: Proxmox VE sets it only at creation. "
            "Keep the present value, or remove the zone first (state: absent) and create it anew.",
        ),
        ({"zone": "new"}, "Option 'type' is needed: zone new does not exist yet."),
        ({"zone": "vlans", "tag": -1}, "Option 'tag': -1 is not 0 or more"),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.ok("sdn_zone", **VLANS)
    assert modules.message("sdn_zone", **wish) == message


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"zone": "toolongzone", "type": "simple"},
            "zone: value may only be 8 characters long",
        ),
        ({"zone": "new", "type": "vlan"}, "bridge"),
        ({"zone": "new", "type": "simple", "dnszone": "lab.example"}, "dnszone: missing dns server"),
        ({"zone": "new", "type": "vxlan"}, "must have exactly one of peers / fabric defined"),
    ],
    ids=str,
)
def test_what_proxmox_refuses(modules: Modules, wish: dict[str, Any], message: str) -> None:
    result = modules.run("sdn_zone", **wish)
    assert result["failed"]
    assert message in result["msg"]


@pytest.mark.parametrize(
    ("wish", "advice"),
    [
        (
            {"zone": "tunnels", "type": "evpn", "controller": "nobody", "vrf_vxlan": 10},
            "Declare the controller first (module sdn_controller).",
        ),
        ({"zone": "new", "type": "simple", "dns": "nobody"}, "Declare the name server first (module sdn_dns)."),
        ({"zone": "new", "type": "simple", "ipam": "nobody"}, "Declare it first (module sdn_ipam)."),
        ({"zone": "new", "type": "vxlan"}, "Set either peers or fabric."),
    ],
    ids=str,
)
def test_what_to_do_about_it(modules: Modules, wish: dict[str, Any], advice: str) -> None:
    modules.ok("sdn_zone", **VLANS)
    modules.ok("sdn_vnet", vnet="v1", zone="vlans", tag=20)
    result = modules.run("sdn_zone", **wish)
    assert result["failed"]
    assert result["msg"].splitlines()[-1] == advice
    assert modules.ok("sdn_info")["zones"][0]["zone"] == "vlans"


def test_nothing_to_do_costs_one_request(modules: Modules) -> None:
    modules.ok("sdn_zone", **VLANS)
    modules.ok("sdn_zone", **VLANS)
    assert len(modules.lab.requests()) == 1


def test_least_privileges(modules: Modules) -> None:
    needed = {"/sdn/zones": ["SDN.Allocate"]}
    assert modules.refusals(needed, "sdn_zone", **VLANS) == {
        "SDN.Allocate on /sdn/zones": f"GET /cluster/sdn/zones/vlans: {denied('SDN.Allocate', '/sdn/zones/vlans')}"
    }
    limited = modules.limited(needed)
    for wish in (VLANS, {"zone": "vlans", "mtu": 1400}, {"zone": "vlans", "state": "absent"}):
        limited.converge("sdn_zone", **wish)
