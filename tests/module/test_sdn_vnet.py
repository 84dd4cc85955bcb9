"""Module sdn_vnet against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

V1: dict[str, Any] = {"vnet": "v1", "zone": "inner", "alias": "net one"}


@pytest.fixture
def zoned(modules: Modules) -> Modules:
    """The modules, with a zone without VLANs and one with them."""
    modules.ok("sdn_zone", zone="inner", type="simple")
    modules.ok("sdn_zone", zone="vlans", type="vlan", bridge="vmbr0")
    return modules


def test_twelve_steps(zoned: Modules) -> None:
    made = zoned.converge("sdn_vnet", **V1)
    assert made["vnet"] == V1
    changed = zoned.converge("sdn_vnet", vnet="v1", zone="vlans", tag=20, alias="", isolate_ports=True)
    assert changed["vnet"] == {"vnet": "v1", "zone": "vlans", "tag": 20, "isolate_ports": True}
    zoned.converge("sdn_vnet", vnet="v1", state="absent")


def test_refusals(zoned: Modules) -> None:
    assert zoned.message("sdn_vnet", vnet="v1") == "Option 'zone' is needed: vnet v1 does not exist yet."


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"vnet": "v2", "zone": "nope"}, "cannot lookup undefined type!"),
        ({"vnet": "v2", "zone": "vlans"}, "tag: missing vlan tag"),
        ({"vnet": "v2", "zone": "inner", "tag": 20}, "tag: vlan tag is not allowed on simple zone"),
        ({"vnet": "v2", "zone": "vlans", "tag": 30}, "tag: tag 30 already exist in vnet v3"),
        ({"vnet": "toolongvnet", "zone": "inner"}, "vnet: value may only be 8 characters long"),
    ],
    ids=str,
)
def test_what_proxmox_refuses(zoned: Modules, wish: dict[str, Any], message: str) -> None:
    zoned.ok("sdn_vnet", vnet="v3", zone="vlans", tag=30)
    result = zoned.run("sdn_vnet", **wish)
    assert result["failed"]
    assert message in result["msg"]


def test_what_is_in_use_stays(zoned: Modules) -> None:
    zoned.ok("sdn_vnet", **V1)
    assert zoned.message("sdn_zone", zone="inner", state="absent") == (
        "Cannot remove zone inner: vnet v1 uses it. "
        "Move the vnet to another zone, or remove it first (module sdn_vnet)."
    )
    zoned.ok("sdn_subnet", vnet="v1", subnet="10.50.0.0/24")
    assert zoned.message("sdn_vnet", vnet="v1", state="absent") == (
        "Cannot remove vnet v1: subnet 10.50.0.0/24 uses it. Remove its subnets first (module sdn_subnet)."
    )


def test_one_that_a_guest_is_on_stays(zoned: Modules) -> None:
    zoned.ok("sdn_vnet", **V1)
    zoned.ok("sdn_apply")
    zoned.ok("vm", vmid=150, name="web", node="father", net={"net1": "virtio,bridge=v1"})
    assert zoned.message("sdn_vnet", vnet="v1", state="absent") == (
        "Cannot remove vnet v1: net1 of vm 150 (web) uses it. Put them on another bridge first."
    )


@pytest.mark.parametrize(
    ("wish", "advice"),
    [
        ({"vnet": "v2", "zone": "nope"}, "Declare the zone first (module sdn_zone)."),
        (
            {"vnet": "v2", "zone": "vlans"},
            "A vnet of such a zone needs tag, a number that no other vnet of the zone has.",
        ),
        ({"vnet": "v2", "zone": "vlans", "tag": 30}, "Choose another tag."),
        ({"vnet": "v2", "zone": "inner", "tag": 30}, "Leave tag out."),
        ({"vnet": "v4", "zone": "vlans", "tag": 31}, "Remove its subnets first (module sdn_subnet)."),
    ],
    ids=str,
)
def test_what_to_do_about_it(zoned: Modules, wish: dict[str, Any], advice: str) -> None:
    zoned.ok("sdn_vnet", vnet="v3", zone="vlans", tag=30)
    zoned.ok("sdn_vnet", vnet="v4", zone="inner")
    zoned.ok("sdn_subnet", vnet="v4", subnet="10.50.0.0/24")
    before = zoned.ok("sdn_info")["vnets"]
    assert zoned.run("sdn_vnet", **wish)["msg"].splitlines()[-1] == advice
    assert zoned.ok("sdn_info")["vnets"] == before


def test_least_privileges(zoned: Modules) -> None:
    needed = {"/sdn/zones/inner": ["SDN.Allocate"]}
    messages = zoned.refusals(needed, "sdn_vnet", **V1)
    assert messages == {
        "SDN.Allocate on /sdn/zones/inner": "Cannot create vnet v1: POST /cluster/sdn/vnets: "
        + denied("SDN.Allocate", "/sdn/zones/inner")
    }
    limited = zoned.limited(needed)
    for wish in (V1, {"vnet": "v1", "alias": "another"}, {"vnet": "v1", "state": "absent"}):
        limited.converge("sdn_vnet", **wish)
