"""Module sdn_subnet against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

ONE: dict[str, Any] = {"vnet": "v1", "subnet": "10.50.0.0/24", "gateway": "10.50.0.1", "snat": True}


@pytest.fixture
def wired(modules: Modules) -> Modules:
    """The modules, with a vnet."""
    modules.ok("sdn_zone", zone="inner", type="simple")
    modules.ok("sdn_vnet", vnet="v1", zone="inner")
    return modules


def test_twelve_steps(wired: Modules) -> None:
    made = wired.converge("sdn_subnet", **ONE)
    assert made["subnet"] == {**ONE, "id": "inner-10.50.0.0-24", "dhcp_range": []}
    hands_out = [{"start-address": "10.50.0.100", "end-address": "10.50.0.199"}]
    changed = wired.converge("sdn_subnet", **{**ONE, "gateway": ""}, dhcp_range=hands_out)
    assert changed["subnet"]["dhcp_range"] == hands_out
    assert "gateway" not in changed["subnet"]
    assert wired.converge("sdn_subnet", **ONE, dhcp_range=[])["subnet"]["dhcp_range"] == []
    wired.converge("sdn_subnet", vnet="v1", subnet="10.50.0.0/24", state="absent")


def test_two_beside_each_other(wired: Modules) -> None:
    wired.converge("sdn_subnet", **ONE)
    six = wired.converge("sdn_subnet", vnet="v1", subnet="2001:db8::/64", gateway="2001:db8::1")
    assert six["subnet"]["id"] == "inner-2001:db8::-64"
    wired.converge("sdn_subnet", vnet="v1", subnet="2001:db8::/64", state="absent")
    wired.unchanged("sdn_subnet", **ONE)


def test_absent_from_a_vnet_that_is_not_there(modules: Modules) -> None:
    modules.unchanged("sdn_subnet", vnet="v1", subnet="10.50.0.0/24", state="absent")


def test_a_missing_vnet(modules: Modules) -> None:
    assert modules.message("sdn_subnet", **ONE) == (
        "Cannot find subnet 10.50.0.0/24: there is no vnet v1. Declare it first (module sdn_vnet)."
    )


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"gateway": "10.60.0.1"}, "gateway: 10.60.0.1 is not in subnet 10.50.0.0/24"),
        (
            {"dhcp_range": ["start-address=10.50.0.9,end-address=10.50.1.9"]},
            "dhcp-range: end-address 10.50.1.9 is not in subnet 10.50.0.0/24",
        ),
        (
            {"dhcp_range": ["start-address=10.50.0.9,end-address=10.50.0.2"]},
            "dhcp-range: start-address 10.50.0.9 must be smaller than end-address 10.50.0.2",
        ),
    ],
    ids=str,
)
def test_what_proxmox_refuses(wired: Modules, wish: dict[str, Any], message: str) -> None:
    result = wired.run("sdn_subnet", **{**ONE, **wish})
    assert result["failed"]
    assert message in result["msg"]


def test_networks_of_a_zone_do_not_overlap(wired: Modules) -> None:
    wired.ok("sdn_subnet", **ONE)
    wired.ok("sdn_vnet", vnet="v2", zone="inner")
    assert wired.message("sdn_subnet", vnet="v2", subnet="10.50.0.128/25") == (
        "Cannot create subnet 10.50.0.128/25 of vnet v2: it overlaps with 10.50.0.0/24 of vnet v1 in the same zone "
        "inner. Choose another network, or remove that one first."
    )
    wired.ok("sdn_zone", zone="outer", type="simple")
    wired.ok("sdn_vnet", vnet="v3", zone="outer")
    wired.converge("sdn_subnet", vnet="v3", subnet="10.50.0.128/25")


def test_nothing_to_do_costs_one_request(wired: Modules) -> None:
    wired.ok("sdn_subnet", **ONE)
    wired.ok("sdn_subnet", **ONE)
    assert len(wired.lab.requests()) == 1


def test_least_privileges(wired: Modules) -> None:
    needed = {"/sdn/zones/inner/v1": ["SDN.Allocate"]}
    assert wired.refusals(needed, "sdn_subnet", **ONE) == {
        "SDN.Allocate on /sdn/zones/inner/v1": "GET /cluster/sdn/vnets/v1/subnets: "
        + denied("SDN.Audit or SDN.Allocate", "/sdn/zones/inner/v1")
    }
    limited = wired.limited(needed)
    for wish in (ONE, {**ONE, "snat": False}, {"vnet": "v1", "subnet": "10.50.0.0/24", "state": "absent"}):
        limited.converge("sdn_subnet", **wish)
