"""Module network_interface against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

NODE = "father"
BRIDGE: dict[str, Any] = {
    "node": NODE, "iface": "vmbr1", "type": "bridge", "cidr": "10.88.0.1/24", "cidr6": "fd00:0::1/64",
    "autostart": True, "bridge_vlan_aware": True, "comments": "guests\nonly", "mtu": 1400,
}  # fmt: skip
VMBR0: dict[str, Any] = {"node": NODE, "iface": "vmbr0"}
VMBR1: dict[str, Any] = {"node": NODE, "iface": "vmbr1"}
VLAN: dict[str, Any] = {"node": NODE, "iface": "vmbr1.100", "type": "vlan", "cidr": "10.100.0.1/24"}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("network_interface", **BRIDGE)["interface"]
    assert (made["cidr"], made["cidr6"], made["bridge_vids"]) == ("10.88.0.1/24", "fd00::1/64", ["2-4094"])
    changed = modules.converge("network_interface", **VMBR1, bridge_vids=["100", "200-210"], mtu=1280)["interface"]
    assert changed == {**made, "bridge_vids": ["100", "200-210"], "mtu": 1280}
    modules.converge("network_interface", **VLAN)
    modules.converge("network_interface", node=NODE, iface="vmbr1.100", state="absent")
    modules.converge("network_interface", **VMBR1, state="absent")


def test_what_is_not_managed_stays(modules: Modules) -> None:
    before = modules.ok("network_interface", **VMBR0)["interface"]
    changed = modules.converge("network_interface", **VMBR0, comments="lan")["interface"]
    assert changed == {**before, "comments": "lan"}
    assert changed["cidr"] == "10.99.0.2/24"


def test_what_is_empty_is_removed(modules: Modules) -> None:
    modules.ok("network_interface", **BRIDGE)
    empty: dict[str, Any] = {"cidr": "", "cidr6": "", "comments": "", "mtu": 0, "bridge_vlan_aware": False}
    changed = modules.converge("network_interface", **VMBR1, **empty, autostart=False)["interface"]
    assert changed == {"iface": "vmbr1", "type": "bridge", "bridge_ports": []}


def test_a_card_is_configured_and_let_go(modules: Modules) -> None:
    card: dict[str, Any] = {"node": NODE, "iface": "eno1"}
    modules.unchanged("network_interface", **card, state="absent")
    modules.converge("network_interface", **card, mtu=9000)
    assert modules.message("network_interface", **card, state="absent") == (
        "Cannot remove interface eno1 from node father: vmbr0 stands on it. Change or remove vmbr0 first."
    )
    modules.ok("network_interface", **VMBR0, bridge_ports=[])
    modules.converge("network_interface", **card, state="absent")


def test_a_bond_takes_the_card_from_the_bridge(modules: Modules) -> None:
    bond = {"node": NODE, "iface": "bond0", "type": "bond", "slaves": ["eno1"], "bond_mode": "active-backup"}
    assert modules.message("network_interface", **bond) == (
        "Cannot set interface bond0 on node father: eno1 in slaves is used by vmbr0 already. Take it out there first."
    )
    modules.converge("network_interface", **VMBR0, bridge_ports=[])
    made = modules.converge("network_interface", **bond, bond_primary="eno1")["interface"]
    assert (made["slaves"], made["bond_primary"]) == (["eno1"], "eno1")
    modules.converge("network_interface", **VMBR0, bridge_ports=["bond0"])


PREFIX4 = "is not an IPv4 address with the length of its prefix, such as 192.0.2.10/24"
PREFIX6 = "is not an IPv6 address with the length of its prefix, such as 2001:db8::10/64"
CANNOT = "Cannot set interface vmbr1 on node father: "


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"cidr": "10.99.0.77/16"},
            f"{CANNOT}cidr 10.99.0.77/16 overlaps with 10.99.0.2/24 of vmbr0. Choose another network, or set "
            "allow_overlap if both are really to be in one.",
        ),
        (
            {"gateway": "10.88.0.254"},
            f"{CANNOT}gateway 10.88.0.254 would be the node's second, vmbr0 has 10.99.0.1. "
            "Set gateway of vmbr0 to '' first.",
        ),
        (
            {"bridge_ports": ["eno1"]},
            f"{CANNOT}eno1 in bridge_ports is used by vmbr0 already. Take it out there first.",
        ),
        (
            {"bridge_ports": ["nonic"]},
            f"{CANNOT}bridge_ports names nonic, which is not there. The module network_info lists what there is.",
        ),
        ({"bridge_ports": ["vmbr1"]}, f"{CANNOT}it would stand on itself: vmbr1 on vmbr1."),
        (
            {"bridge_ports": ["vmbr1.100"]},
            f"{CANNOT}vmbr1.100 in bridge_ports has an address of its own. Set its cidr and cidr6 to '' first.",
        ),
        (
            {"bridge_vlan_aware": False, "bridge_vids": [5]},
            f"{CANNOT}bridge_vids has an effect with bridge_vlan_aware: true only.",
        ),
        ({"cidr": "10.88.0.1"}, f"Option 'cidr': '10.88.0.1' {PREFIX4}"),
        ({"cidr": "10.88.0.1/33"}, f"Option 'cidr': '10.88.0.1/33' {PREFIX4}"),
        ({"cidr6": "10.88.0.1/24"}, f"Option 'cidr6': '10.88.0.1/24' {PREFIX6}"),
        ({"gateway": "10.88.0.1/24"}, "Option 'gateway': '10.88.0.1/24' is not an IPv4 address, such as 192.0.2.10"),
        ({"mtu": 100}, "Option 'mtu': 100 is not from 1280 to 65520"),
        (
            {"type": "bond"},
            "Cannot change type of interface vmbr1 from bridge to bond: Proxmox VE sets it only at creation. "
            "Keep the present value, or remove the interface first (state: absent) and create it anew.",
        ),
        (
            {"state": "absent"},
            "Cannot remove interface vmbr1 from node father: vmbr1.100 stands on it. Change or remove vmbr1.100 first.",
        ),
        ({"iface": "vmbr9"}, "Option 'type' is needed: interface vmbr9 does not exist yet."),
        ({"iface": "lo"}, "Option 'iface': Proxmox VE's API does not show or change the loopback interface lo."),
    ],
    ids=lambda value: " ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else "",
)  # fmt: skip
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.ok("network_interface", **BRIDGE)
    modules.ok("network_interface", **VLAN)
    assert modules.message("network_interface", **{**VMBR1, **wish}) == message


BOND = "Cannot set interface bond0 on node father: "


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"iface": "bond0", "type": "bond"},
            f"{BOND}a bond is made of interfaces, and none is named. Set slaves.",
        ),
        (
            {"iface": "vlan7", "type": "vlan", "cidr": "10.7.0.1/24"},
            "Cannot set interface vlan7 on node father: nothing says which interface the VLAN is on. "
            "Set vlan_raw_device, or choose a name such as eno1.100.",
        ),
        (
            {"iface": "vmbr9.7", "type": "vlan"},
            "Cannot set interface vmbr9.7 on node father: it would be on vmbr9, which is not there. "
            "The module network_info lists what there is.",
        ),
        (
            {"iface": "vmbr1", "type": "bridge", "cidr": "10.88.0.0/24"},
            f"{CANNOT}cidr 10.88.0.0/24 is the network's own address, no host's. Choose one inside of 10.88.0.0/24.",
        ),
    ],
    ids=str,
)
def test_what_is_not_created(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("network_interface", node=NODE, **wish) == message


def test_a_bridge_that_a_guest_is_on_stays(modules: Modules) -> None:
    modules.ok("network_interface", **BRIDGE)
    modules.ok("network_apply", node=NODE)
    modules.ok("vm", vmid=150, name="web", node=NODE, net={"net0": "virtio,bridge=vmbr1"})
    assert modules.message("network_interface", **VMBR1, state="absent") == (
        "Cannot remove interface vmbr1 from node father: net0 of vm 150 (web) is on it. "
        "Put them on another bridge first."
    )
    modules.ok("vm", vmid=150, net={"net0": "virtio,bridge=vmbr0"})
    modules.converge("network_interface", **VMBR1, state="absent")


def test_nothing_to_do_costs_two_requests(modules: Modules) -> None:
    modules.ok("network_interface", **BRIDGE)
    modules.ok("network_interface", **BRIDGE)
    assert len(modules.lab.requests()) == 2


def test_an_overlap_can_be_meant(modules: Modules) -> None:
    modules.converge("network_interface", **{**BRIDGE, "cidr": "10.99.0.77/24"}, allow_overlap=True)


SWITCH: dict[str, Any] = {"node": NODE, "iface": "vmbr1", "type": "OVSBridge", "autostart": True, "mtu": 9000}
INTERNAL: dict[str, Any] = {
    "node": NODE, "iface": "mgmt", "type": "OVSIntPort", "ovs_bridge": "vmbr1", "ovs_tag": 20,
    "cidr": "10.88.0.1/24", "ovs_options": "vlan_mode=access other=1",
}  # fmt: skip


def test_open_vswitch(modules: Modules) -> None:
    modules.lab.api.open_vswitch = True
    modules.ok("network_interface", **VMBR0, bridge_ports=[])
    modules.converge("network_interface", **SWITCH, ovs_ports=["eno1"])
    made = modules.converge("network_interface", **INTERNAL)["interface"]
    assert (made["ovs_tag"], made["ovs_bridge"], made["ovs_options"]) == (20, "vmbr1", "other=1 vlan_mode=access")
    switch = modules.unchanged("network_interface", **SWITCH, ovs_ports=["eno1"])["interface"]
    assert switch["ovs_ports"] == ["eno1", "mgmt"]
    modules.converge("network_interface", node=NODE, iface="mgmt", ovs_tag=0, ovs_options="")
    modules.converge("network_interface", **SWITCH, ovs_ports=[])
    assert modules.message("network_interface", node=NODE, iface="vmbr1", state="absent") == (
        "Cannot remove interface vmbr1 from node father: mgmt stands on it. Change or remove mgmt first."
    )
    modules.converge("network_interface", node=NODE, iface="mgmt", state="absent")
    modules.converge("network_interface", node=NODE, iface="vmbr1", state="absent")


def test_a_bond_of_open_vswitch(modules: Modules) -> None:
    modules.lab.api.open_vswitch = True
    modules.ok("network_interface", **VMBR0, bridge_ports=[])
    modules.ok("network_interface", **SWITCH)
    bond: dict[str, Any] = {
        "node": NODE,
        "iface": "bond0",
        "type": "OVSBond",
        "ovs_bridge": "vmbr1",
        "ovs_bonds": ["eno1"],
    }
    assert modules.message("network_interface", **bond, bond_mode="802.3ad") == (
        "Cannot set interface bond0 on node father: bond_mode 802.3ad is none of a bond of type OVSBond. "
        "Choose one of active-backup, balance-slb, lacp-balance-slb, lacp-balance-tcp."
    )
    for mode in ("active-backup", "lacp-balance-slb", "lacp-balance-tcp", "balance-slb"):
        assert modules.converge("network_interface", **bond, bond_mode=mode)["interface"]["bond_mode"] == mode
    assert modules.message("network_interface", **bond, ovs_options="tag=5") == (
        "Option 'ovs_options': 'tag=5' is an option of its own. Set ovs_tag instead"
    )
    modules.converge("network_interface", node=NODE, iface="bond0", state="absent")


def test_what_proxmox_refuses(modules: Modules) -> None:
    result = modules.run("network_interface", node=NODE, iface="vmbr1", type="OVSBridge")
    assert result["msg"] == (
        "Cannot create interface vmbr1: POST /nodes/father/network: 500 Open VSwitch is not installed (need package "
        "'openvswitch-switch')."
    )


def test_least_privileges(modules: Modules) -> None:
    needed = {"/nodes/father": ["Sys.Audit", "Sys.Modify"]}
    assert modules.refusals(needed, "network_interface", **BRIDGE) == {
        "Sys.Audit on /nodes/father": f"GET /nodes/father/network/vmbr1: {denied('Sys.Audit', '/nodes/father')}",
        "Sys.Modify on /nodes/father": (
            f"Cannot create interface vmbr1: POST /nodes/father/network: {denied('Sys.Modify', '/nodes/father')}"
        ),
    }
    limited = modules.limited(needed)
    for wish in (BRIDGE, {**VMBR1, "cidr": ""}, {**VMBR1, "state": "absent"}):
        limited.converge("network_interface", **wish)
