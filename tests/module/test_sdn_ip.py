"""Module sdn_ip against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

MAC = "BC:24:11:00:00:01"
CARD: dict[str, Any] = {"vnet": "v1", "mac": MAC}


@pytest.fixture
def wired(modules: Modules) -> Modules:
    """The modules, with an applied subnet whose addresses Proxmox VE keeps."""
    modules.ok("sdn_zone", zone="inner", type="simple", ipam="pve", dhcp="dnsmasq")
    modules.ok("sdn_vnet", vnet="v1", zone="inner")
    modules.ok("sdn_subnet", vnet="v1", subnet="10.50.0.0/24", gateway="10.50.0.1")
    modules.ok("sdn_apply")
    return modules


def test_twelve_steps(wired: Modules) -> None:
    made = wired.converge("sdn_ip", **CARD, ip="10.50.0.9")
    assert made["address"] == {
        "vnet": "v1", "zone": "inner", "subnet": "10.50.0.0/24", "ip": "10.50.0.9", "mac": MAC
    }  # fmt: skip
    changed = wired.converge("sdn_ip", vnet="v1", ip="10.50.0.10", mac=MAC.lower())
    assert changed["diff"] == {"before": {"ip": "10.50.0.9", "mac": MAC}, "after": {"ip": "10.50.0.10", "mac": MAC}}
    assert [row["ip"] for row in wired.ok("sdn_info")["addresses"]] == ["10.50.0.1", "10.50.0.10"]
    wired.converge("sdn_ip", vnet="v1", ip="10.50.0.10", state="absent")


def test_without_dhcp_a_card_may_have_more_of_them(wired: Modules) -> None:
    wired.ok("sdn_zone", zone="inner", dhcp="")
    wired.converge("sdn_ip", **CARD, ip="10.50.0.9")
    wired.converge("sdn_ip", **CARD, ip="10.50.0.10")
    wired.unchanged("sdn_ip", **CARD, ip="10.50.0.9")


def test_nothing_to_do_costs_one_request(wired: Modules) -> None:
    wired.ok("sdn_ip", **CARD, ip="10.50.0.9")
    wired.ok("sdn_ip", **CARD, ip="10.50.0.9")
    assert len(wired.lab.requests()) == 1


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"ip": "10.50.0"}, "Option 'ip': '10.50.0' is not an address such as 192.0.2.10"),
        ({"ip": "10.50.0.9", "mac": "1"}, "Option 'mac': '1' is not a MAC address"),
        (
            {"ip": "10.50.0.9", "mac": None},
            "Option 'mac' is needed: it says which card is to have 10.50.0.9 of vnet v1.",
        ),
        (
            {"ip": "10.50.0.1"},
            f"Cannot reserve 10.50.0.1 of vnet v1 for {MAC}: the gateway has it. "
            "Release it first (state: absent), or choose another one.",
        ),
        (
            {"ip": "10.50.0.20"},
            f"Cannot reserve 10.50.0.20 of vnet v1 for {MAC}: BC:24:11:00:00:02 has it. "
            "Release it first (state: absent), or choose another one.",
        ),
        (
            {"ip": "10.51.0.9"},
            "Cannot reserve 10.51.0.9 of vnet v1: it is in none of the vnet's subnets; those that are applied are "
            "10.50.0.0/24. Declare one (module sdn_subnet) and apply it (module sdn_apply).",
        ),
        (
            {"vnet": "v2", "ip": "10.52.0.9"},
            "Cannot reserve 10.52.0.9 of vnet v2: its zone plain keeps addresses in nothing, and Proxmox VE tells only "
            "those it keeps itself. Set ipam: pve of the zone (module sdn_zone).",
        ),
        (
            {"ip": "10.50.0.1", "state": "absent"},
            "Cannot release 10.50.0.1 of vnet v1: it is the subnet's gateway. Change that (module sdn_subnet).",
        ),
    ],
    ids=str,
)
def test_refusals(wired: Modules, wish: dict[str, Any], message: str) -> None:
    wired.ok("sdn_ip", vnet="v1", ip="10.50.0.20", mac="BC:24:11:00:00:02")
    wired.ok("sdn_zone", zone="plain", type="simple")
    wired.ok("sdn_vnet", vnet="v2", zone="plain")
    assert wired.message("sdn_ip", **{**CARD, **wish}) == message


def test_a_subnet_with_addresses_stays(wired: Modules) -> None:
    wired.ok("sdn_ip", **CARD, ip="10.50.0.9")
    said = wired.run("sdn_subnet", vnet="v1", subnet="10.50.0.0/24", state="absent")["msg"]
    assert said.splitlines()[-1] == "Remove its addresses first (module sdn_ip); sdn_info lists them."


def test_least_privileges(wired: Modules) -> None:
    needed = {"/sdn/zones/inner": ["SDN.Allocate"]}
    wish = {**CARD, "ip": "10.50.0.9"}
    assert wired.refusals(needed, "sdn_ip", **wish) == {
        "SDN.Allocate on /sdn/zones/inner": "GET /cluster/sdn/vnets/v1: "
        + denied("SDN.Audit or SDN.Allocate", "/sdn/zones/inner/v1")
    }
    limited = wired.limited(needed)
    for step in (wish, {**CARD, "ip": "10.50.0.10"}, {"vnet": "v1", "ip": "10.50.0.10", "state": "absent"}):
        limited.converge("sdn_ip", **step)
