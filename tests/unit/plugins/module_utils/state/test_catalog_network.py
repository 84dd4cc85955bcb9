"""Interfaces as entries of a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.network import NETWORK_APPLY
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog_network import commits, interfaces, row_of
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kept, Remark

CARD = {"iface": "eno1", "type": "eth", "exists": 1, "active": 1, "method": "manual", "method6": "manual"}
STATUS = [{"type": "cluster"}, {"type": "node", "name": "father", "ip": "10.0.0.9"}]


@dataclass
class Node:
    """A node with these interfaces; none of them: it can't be asked for them."""

    rows: list[dict[str, Any]] | None = None
    status: str = "online"

    def get(self, path: str, _params: Any = None) -> Any:
        """See engine.Reader."""
        if path == "/nodes":
            return [{"node": "father", "status": self.status}]
        if path == "/cluster/status":
            return STATUS
        if self.rows is None:
            raise PveError("GET", path, 403, "Permission check failed")
        return self.rows


@pytest.mark.parametrize(
    ("row", "entry"),
    [
        (
            {"iface": "vmbr1", "type": "bridge", "bridge_ports": "eno2 eno3", "bridge_stp": "off", "active": 1},
            {"iface": "vmbr1", "type": "bridge", "bridge_ports": ["eno2", "eno3"]},
        ),
        (
            {"iface": "bond0", "type": "bond", "slaves": "eno2 eno3", "bond_mode": "802.3ad", "comments": "both\n"},
            {"iface": "bond0", "type": "bond", "slaves": ["eno2", "eno3"], "bond_mode": "802.3ad", "comments": "both"},
        ),
        (
            {"iface": "vlan5", "type": "vlan", "vlan-id": "5", "vlan-raw-device": "eno2", "cidr6": "fd00::1/64"},
            {"iface": "vlan5", "type": "vlan", "vlan_id": 5, "vlan_raw_device": "eno2", "cidr6": "fd00::1/64"},
        ),
    ],
    ids=lambda item: item["iface"],
)
def test_an_interface(row: dict[str, Any], entry: dict[str, Any]) -> None:
    assert list(interfaces(Node([row]))) == [{"node": "father", **entry}]


def test_a_bare_card_is_not_told_and_one_with_settings_is() -> None:
    assert list(interfaces(Node([CARD]))) == []
    assert list(interfaces(Node([{**CARD, "mtu": 9000}]))) == [
        {"node": "father", "iface": "eno1", "type": "eth", "mtu": 9000}
    ]


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({"cidr": "10.0.1.1/24"}, False),
        ({"cidr": "10.0.1.1/24", "gateway": "10.0.1.254"}, True),
        ({"cidr": "10.0.0.9/24"}, True),
        ({"iface": "vmbr0"}, True),
    ],
    ids=str,
)
def test_that_by_which_the_node_is_reached_is_never_pruned(more: dict[str, Any], kept: bool) -> None:
    (found,) = interfaces(Node([{"iface": "vmbr7", "type": "bridge", **more}]))
    assert isinstance(found, Kept) is kept


def test_what_names_an_open_vswitch_bridge_isnt_told_as_its_port() -> None:
    bridge = {"iface": "vmbr2", "type": "OVSBridge", "ovs_ports": "eno2 door"}
    found = list(interfaces(Node([bridge, {"iface": "door", "type": "OVSIntPort", "ovs_bridge": "vmbr2"}])))
    assert found[0] == {"node": "father", "iface": "vmbr2", "type": "OVSBridge", "ovs_ports": ["eno2"]}


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (Node([{"iface": "x", "type": "unknown"}]), "Node father: interface x is of type unknown, and left out."),
        (Node(status="offline"), "Node father is offline: its network is left out."),
        (Node(), "Node father: GET /nodes/father/network: 403 Permission check failed"),
        (
            Node([{"iface": "vmbr3", "type": "bridge", "method": "dhcp"}]),
            "Node father: interface vmbr3 is given its address (DHCP), which a document doesn't say.",
        ),
    ],
    ids=str,
)
def test_what_is_left_out_is_said(node: Node, words: str) -> None:
    assert next(str(item) for item in interfaces(node) if isinstance(item, Remark)).startswith(words)


def test_virtual_networks_are_declared_elsewhere() -> None:
    assert list(interfaces(Node([{"iface": "v1", "type": "vnet"}]))) == []


def test_each_node_is_applied_once() -> None:
    found = list(commits([{"node": "son", "iface": "a"}, {"node": "father", "iface": "b"}, {"node": "son"}]))
    assert [(commit.resource, commit.identity) for commit in found] == [
        (NETWORK_APPLY, "apply father"),
        (NETWORK_APPLY, "apply son"),
    ]


def test_a_new_interface_is_foretold_as_it_will_be_listed() -> None:
    entry = {"node": "father", "iface": "vmbr1", "type": "bridge", "bridge_ports": ["eno2"], "autostart": True}
    assert row_of(entry) == {"iface": "vmbr1", "active": 1, "type": "bridge", "bridge_ports": "eno2", "autostart": 1}
