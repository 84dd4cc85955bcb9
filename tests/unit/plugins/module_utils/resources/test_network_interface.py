"""Planning a network interface. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.network_checks import below
from ansible_collections.homelab.pve.plugins.module_utils.resources.network_interface import (
    NETWORK_INTERFACE,
    State,
    describe,
    plan,
)

from .reading import Table, row

LIST, PATH = "/nodes/father/network", "/nodes/father/network/vmbr1"
ENO2 = {"iface": "eno2", "type": "eth", "exists": 1, "method": "manual"}
VMBR0 = {"iface": "vmbr0", "type": "bridge", "cidr": "10.77.0.2/24", "gateway": "10.77.0.1", "bridge_ports": "eno1"}
VMBR1 = {
    "iface": "vmbr1", "type": "bridge", "cidr": "10.88.0.1/24", "bridge_ports": "", "autostart": 1, "mtu": "1400",
    "comments": "lan\n", "method": "static", "method6": "manual", "bridge_vlan_aware": 1, "bridge_vids": "2-4094",
}  # fmt: skip
OTHERS: dict[str, Any] = {"vmbr0": VMBR0, "eno1": {**ENO2, "iface": "eno1"}, "eno2": ENO2}
SEEN = {"type": "bridge", "cidr": "10.88.0.1/24"}


def steps(
    wish: dict[str, Any], now: dict[str, Any] | None, others: Any = None
) -> list[tuple[str, str, dict[str, Any]]]:
    whole = {"state": "present", "node": "father", "iface": "vmbr1", **wish}
    return [
        (step.verb, step.path, dict(step.params))
        for step in plan(whole, State(now, OTHERS if others is None else others)).steps
    ]


@pytest.mark.parametrize(
    ("wish", "now", "expected"),
    [
        ({}, VMBR1, []),
        ({"cidr": "10.88.0.1/24", "mtu": 1400, "comments": "lan", "bridge_vids": []}, VMBR1, []),
        ({"cidr": "10.88.0.2/24"}, VMBR1, [("PUT", PATH, {**SEEN, "cidr": "10.88.0.2/24"})]),
        ({"cidr": ""}, VMBR1, [("PUT", PATH, {"type": "bridge", "delete": "cidr"})]),
        ({"mtu": 0}, VMBR1, [("PUT", PATH, {**SEEN, "delete": "mtu"})]),
        ({"autostart": False}, VMBR1, [("PUT", PATH, {**SEEN, "delete": "autostart"})]),
        ({"bridge_vlan_aware": False}, VMBR1, [("PUT", PATH, {**SEEN, "delete": "bridge_vlan_aware"})]),
        ({"bridge_ports": ["eno2"]}, VMBR1, [("PUT", PATH, {**SEEN, "bridge_ports": "eno2"})]),
        (
            {"comments": "x"},
            {**VMBR1, "cidr6": "fd00::1/64"},
            [("PUT", PATH, {**SEEN, "cidr6": "fd00::1/64", "comments": "x"})],
        ),
        (
            {"type": "bridge", "cidr6": "FD00:0::1/64", "autostart": False},
            None,
            [("POST", LIST, {"iface": "vmbr1", "type": "bridge", "cidr6": "fd00::1/64"})],
        ),
        ({"state": "absent"}, VMBR1, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
        ({"state": "absent"}, ENO2, []),
        ({"state": "absent"}, {**ENO2, "mtu": "9000"}, [("DELETE", PATH, {})]),
        # DHCP ends with a static address, which has to be wished.
        (
            {"cidr": "10.1.0.1/24"},
            {"type": "bridge", "method": "dhcp"},
            [("PUT", PATH, {"type": "bridge", "cidr": "10.1.0.1/24"})],
        ),
        (
            {"iface": "vmbr0:1", "type": "alias", "cidr": "10.77.0.9/24"},
            None,
            [("POST", LIST, {"iface": "vmbr0:1", "type": "alias", "cidr": "10.77.0.9/24"})],
        ),
        (
            {"iface": "bond0", "type": "bond", "slaves": ["eno2"], "bond_mode": "802.3ad"},
            None,
            [("POST", LIST, {"iface": "bond0", "type": "bond", "slaves": "eno2", "bond_mode": "802.3ad"})],
        ),
        (
            {"iface": "storage", "type": "vlan", "vlan_raw_device": "eno2", "vlan_id": 7},
            None,
            [("POST", LIST, {"iface": "storage", "type": "vlan", "vlan-raw-device": "eno2", "vlan-id": 7})],
        ),
    ],
)
def test_the_steps(wish: dict[str, Any], now: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, now) == expected


@pytest.mark.parametrize(
    ("wish", "now", "problem"),
    [
        (
            {"cidr": ""},
            {**VMBR1, "gateway": "10.88.0.9"},
            "gateway 10.88.0.9 needs an address in cidr. Set cidr, or set gateway to ''.",
        ),
        (
            {"gateway6": "fe80::1"},
            VMBR1,
            "gateway6 fe80::1 needs an address in cidr6. Set cidr6, or set gateway6 to ''.",
        ),
        (
            {"bond_primary": "eno2"},
            {"type": "bond", "bond_mode": "balance-rr"},
            "bond_primary has an effect with bond_mode: active-backup only.",
        ),
        (
            {"bond_xmit_hash_policy": "layer2"},
            {"type": "bond"},
            "bond_xmit_hash_policy has an effect with bond_mode: balance-xor or 802.3ad only.",
        ),
        (
            {"comments": "x"},
            {"type": "bridge", "method": "dhcp"},
            "it gets its address by dhcp (method), which any change over Proxmox VE's API would end. "
            "Set cidr, or edit /etc/network/interfaces on the node.",
        ),
        (
            {"comments": "x"},
            {"type": "bridge", "method6": "auto"},
            "it gets its address by auto (method6), which any change over Proxmox VE's API would end. "
            "Set cidr6, or edit /etc/network/interfaces on the node.",
        ),
    ],
)
def test_refusals(wish: dict[str, Any], now: dict[str, Any], problem: str) -> None:
    with pytest.raises(RefusedError) as caught:
        steps(wish, now)
    assert str(caught.value) == f"Cannot set interface vmbr1 on node father: {problem}"


CREATED = "Cannot set interface {} on node father: {}"


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        (
            {"iface": "bond0", "type": "bond", "bond_mode": "active-backup"},
            "a bond is made of interfaces, and none is named. Set slaves.",
        ),
        (
            {"iface": "team", "type": "bond", "slaves": ["eno2"]},
            "Proxmox VE tells this kind of interface by its name, team would not be taken for one of type bond. "
            "Choose a name such as bond0.",
        ),
        (
            {"iface": "bond0", "type": "bond", "slaves": ["eno2"], "bond_mode": "active-backup", "bond_primary": "e9"},
            "bond_primary e9 is none of its slaves. Name one of them, or add it to slaves.",
        ),
        (
            {"iface": "vlan7", "type": "vlan"},
            "nothing says which interface the VLAN is on. Set vlan_raw_device, or choose a name such as eno1.100.",
        ),
        (
            {"iface": "storage", "type": "vlan", "vlan_raw_device": "eno2"},
            "nothing says which VLAN it is. Set vlan_id, or choose a name such as vlan100.",
        ),
        (
            {"iface": "eno9.7", "type": "vlan"},
            "it would be on eno9, which is not there. The module network_info lists what there is.",
        ),
        (
            {"iface": "vlan7", "type": "vlan", "vlan_raw_device": "eno9"},
            "it would be on eno9, which is not there. The module network_info lists what there is.",
        ),
        (
            {"type": "bridge", "cidr": "10.1.0.0/24"},
            "cidr 10.1.0.0/24 is the network's own address, no host's. Choose one inside of 10.1.0.0/24.",
        ),
        (
            {"iface": "mgmt", "type": "OVSIntPort"},
            "a port of Open vSwitch belongs to a bridge, and none is named. Set ovs_bridge.",
        ),
        (
            {"iface": "mgmt", "type": "OVSIntPort", "ovs_bridge": "vmbr0"},
            "ovs_bridge names vmbr0, which is no Open vSwitch bridge (type OVSBridge) of the node.",
        ),
        (
            {"iface": "mgmt", "type": "OVSIntPort", "ovs_bridge": "vmbr0", "autostart": False},
            "Open vSwitch brings its ports up with their bridge. Leave autostart out.",
        ),
    ],
    ids=lambda value: " ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else "",
)
def test_what_is_not_created(wish: dict[str, Any], problem: str) -> None:
    with pytest.raises(RefusedError) as caught:
        steps(wish, None)
    assert str(caught.value) == CREATED.format(wish.get("iface", "vmbr1"), problem)


SWITCH = {"iface": "vmbr1", "type": "OVSBridge", "ovs_ports": "eno2 mgmt"}
PORT = {"iface": "mgmt", "type": "OVSIntPort", "ovs_bridge": "vmbr1"}


def test_ports_that_name_their_switch_are_its_ports_anyway() -> None:
    others = {**OTHERS, "eno2": {**ENO2, "type": "OVSPort"}, "mgmt": PORT}
    assert steps({"ovs_ports": ["eno2"]}, SWITCH, others) == []
    changed = {"type": "OVSBridge", "ovs_ports": "mgmt"}
    assert steps({"ovs_ports": []}, SWITCH, others) == [("PUT", PATH, changed)]


def test_a_port_can_be_taken_out_of_its_switch_but_no_switch_from_its_port() -> None:
    removal: list[Any] = [("DELETE", f"{LIST}/mgmt", {})]
    assert steps({"iface": "mgmt", "state": "absent"}, PORT, {"vmbr1": SWITCH}) == removal
    with pytest.raises(RefusedError, match="mgmt stands on it"):
        steps({"state": "absent"}, SWITCH, {"mgmt": PORT})


def test_a_bridge_that_guests_are_on_stays() -> None:
    wish = {"state": "absent", "node": "father", "iface": "vmbr1"}
    with pytest.raises(RefusedError) as caught:
        plan(wish, State(VMBR1, OTHERS, ("net0 of vm 104 (web)", "net1 of vm 104 (web)")))
    assert str(caught.value) == (
        "Cannot remove interface vmbr1 from node father: net0 of vm 104 (web), net1 of vm 104 (web) are on it. "
        "Put them on another bridge first."
    )


def test_guests_are_looked_at_only_before_a_bridge_is_removed() -> None:
    guests = {"/cluster/resources": [row(104, "web")], "/nodes/father/qemu/104/config": {"net0": "bridge=vmbr1"}}
    read = Table({PATH: {"type": "bridge"}, LIST: [VMBR0], **guests})
    wish = {"node": "father", "iface": "vmbr1"}
    assert describe(read, {**wish, "state": "absent"}).cards == ("net0 of vm 104 (web)",)
    read.asked.clear()
    assert describe(read, {**wish, "state": "present"}).cards == ()
    assert read.asked == [PATH, LIST]


def test_what_is_not_listed_is_asked_for() -> None:
    missing = PveError("GET", PATH, 400, "", errors={"iface": "interface does not exist"})
    read = Table({f"{PATH}.100": missing, PATH: {"type": "bridge"}, LIST: []})
    wish = {"node": "father", "iface": "vmbr1.100", "state": "present"}
    assert describe(read, wish) == State(None, {"vmbr1": {"type": "bridge", "iface": "vmbr1"}})


def test_a_circle_over_others() -> None:
    others = {"bond0": {"type": "bond", "slaves": "vmbr1.5"}}
    with pytest.raises(RefusedError, match=r"it would stand on itself: vmbr1 on bond0 on vmbr1\.5 on vmbr1\.$"):
        steps({"bridge_ports": ["bond0"]}, VMBR1, others)


@pytest.mark.parametrize(
    ("name", "row", "lower"),
    [
        ("vmbr0", {"bridge_ports": "eno1 eno2"}, ["eno1", "eno2"]),
        ("bond0.5", {"vlan-raw-device": "bond0"}, ["bond0"]),
        ("vlan7", {"vlan-raw-device": "eno1"}, ["eno1"]),
        ("eno1:1", {}, ["eno1"]),
        ("eno1", {}, []),
    ],
)
def test_what_an_interface_stands_on(name: str, row: dict[str, str], lower: list[str]) -> None:
    assert below(name, row) == lower


def test_describing() -> None:
    missing = PveError("GET", PATH, 400, "", errors={"iface": "interface does not exist"})
    wish = {"node": "father", "iface": "vmbr1", "state": "present"}
    assert describe(Table({PATH: missing, LIST: [VMBR0]}), wish) == State(None, {"vmbr0": VMBR0})
    assert describe(Table({PATH: {"type": "bridge"}, LIST: [VMBR0, VMBR1]}), wish) == State(
        {"type": "bridge", "iface": "vmbr1"}, {"vmbr0": VMBR0}
    )
    with pytest.raises(PveError, match="500"):
        describe(Table({}), wish)
    with pytest.raises(ConfigError, match="loopback"):
        describe(Table({}), {"node": "father", "iface": "lo"})


def test_what_is_returned() -> None:
    assert NETWORK_INTERFACE.result(State(None, {})) == {}
    shown = NETWORK_INTERFACE.result(State(VMBR1, {}))["interface"]
    assert (shown["mtu"], shown["autostart"], shown["comments"]) == (1400, True, "lan")
