"""Module sdn_fabric against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

SPINE: dict[str, Any] = {"id": "spine", "protocol": "openfabric", "ip_prefix": "10.30.0.0/24", "hello_interval": 3}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("sdn_fabric", **SPINE)
    assert made["fabric"] == SPINE
    changed = modules.converge("sdn_fabric", id="spine", csnp_interval=20, ip_prefix="10.30.0.9/16")
    assert changed["fabric"] == {**SPINE, "csnp_interval": 20, "ip_prefix": "10.30.0.0/16"}
    modules.converge("sdn_fabric", id="spine", state="absent")


def test_ospf(modules: Modules) -> None:
    modules.converge("sdn_fabric", id="core", protocol="ospf", area="0", ip_prefix="10.40.0.0/24")
    modules.converge("sdn_fabric", id="core", area="0.0.0.1")


def test_nothing_to_do_costs_one_request(modules: Modules) -> None:
    modules.ok("sdn_fabric", **SPINE)
    modules.ok("sdn_fabric", **SPINE)
    assert len(modules.lab.requests()) == 1


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"id": "other"}, "Option 'protocol' is needed: fabric other does not exist yet."),
        (
            {"id": "spine", "protocol": "ospf"},
            "Cannot change protocol of fabric spine from openfabric to ospf: Proxmox VE sets it only at creation. "
            "Keep the present value, or remove the fabric first (state: absent) and create it anew.",
        ),
        (
            {"id": "spine", "ip_prefix": "10.30.0.0"},
            "Option 'ip_prefix': '10.30.0.0' is not an IPv4 network, such as 192.0.2.0/24",
        ),
        ({"id": "spine", "hello_interval": 0}, "Option 'hello_interval': 0.0 is not from 1 to 600"),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.ok("sdn_fabric", **SPINE)
    assert modules.message("sdn_fabric", **wish) == message


@pytest.mark.parametrize(
    ("wish", "advice"),
    [
        (
            {**SPINE, "id": "other", "ip_prefix": "10.30.0.128/25"},
            "Choose another network, or change the other fabric first.",
        ),
        ({"id": "spine", "state": "absent"}, "Change or remove the zone first (module sdn_zone)."),
        (
            {"id": "spine", "ip6_prefix": "2001:db8::/64"},
            "Give each of the fabric's nodes an address in it (module sdn_fabric_node).",
        ),
    ],
    ids=str,
)
def test_what_proxmox_refuses(modules: Modules, wish: dict[str, Any], advice: str) -> None:
    modules.ok("sdn_fabric", **SPINE)
    modules.ok("sdn_fabric_node", fabric_id="spine", node_id="father", ip="10.30.0.1")
    modules.ok("sdn_zone", zone="tunnels", type="vxlan", fabric="spine")
    result = modules.run("sdn_fabric", **wish)
    assert result["msg"].splitlines()[-1] == advice
    assert len(modules.ok("sdn_info")["fabrics"]) == 1


def test_least_privileges(modules: Modules) -> None:
    needed = {"/sdn/fabrics": ["SDN.Allocate"]}
    assert modules.refusals(needed, "sdn_fabric", **SPINE) == {
        "SDN.Allocate on /sdn/fabrics": "GET /cluster/sdn/fabrics/fabric/spine: "
        + denied("SDN.Audit or SDN.Allocate", "/sdn/fabrics/spine")
    }
    limited = modules.limited(needed)
    for wish in (SPINE, {"id": "spine", "hello_interval": 5}, {"id": "spine", "state": "absent"}):
        limited.converge("sdn_fabric", **wish)
