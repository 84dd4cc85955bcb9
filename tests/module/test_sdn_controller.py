"""Module sdn_controller against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

EVPN: dict[str, Any] = {"controller": "routes", "type": "evpn", "asn": 65000, "peers": ["10.99.0.11", "10.99.0.12"]}


def test_twelve_steps(modules: Modules) -> None:
    assert modules.converge("sdn_controller", **EVPN)["controller"] == EVPN
    changed = modules.converge("sdn_controller", controller="routes", asn=65001, peers=["10.99.0.12"])
    assert changed["controller"] == {**EVPN, "asn": 65001, "peers": ["10.99.0.12"]}
    modules.converge("sdn_controller", controller="routes", state="absent")


def test_a_nodes_own(modules: Modules) -> None:
    wish = {"controller": "bgpfather", "type": "bgp", "node": "father", "asn": 65001, "peers": ["10.99.0.9"]}
    modules.converge("sdn_controller", **wish, ebgp=True, loopback="lo")
    modules.converge("sdn_controller", **wish, loopback="")


def test_a_controller_in_use_stays(modules: Modules) -> None:
    modules.ok("sdn_controller", **EVPN)
    modules.converge("sdn_zone", zone="tunnels", type="evpn", controller="routes", vrf_vxlan=1000, exitnodes=["father"])
    assert modules.message("sdn_controller", controller="routes", state="absent") == (
        "Cannot remove controller routes: zone tunnels uses it. "
        "Give the zone another controller, or remove it first (module sdn_zone)."
    )


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({**EVPN, "controller": "more"}, "only 1 global evpn controller can be defined"),
        ({"controller": "more", "type": "bgp", "asn": 1}, "missing value for required option 'node'"),
    ],
    ids=str,
)
def test_what_proxmox_refuses(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.ok("sdn_controller", **EVPN)
    result = modules.run("sdn_controller", **wish)
    assert result["failed"]
    assert message in result["msg"]


def test_least_privileges(modules: Modules) -> None:
    needed = {"/sdn/controllers": ["SDN.Allocate"]}
    assert modules.refusals(needed, "sdn_controller", **EVPN) == {
        "SDN.Allocate on /sdn/controllers": "GET /cluster/sdn/controllers/routes: "
        + denied("SDN.Allocate", "/sdn/controllers/routes")
    }
    limited = modules.limited(needed)
    for wish in (EVPN, {"controller": "routes", "asn": 65001}, {"controller": "routes", "state": "absent"}):
        limited.converge("sdn_controller", **wish)
