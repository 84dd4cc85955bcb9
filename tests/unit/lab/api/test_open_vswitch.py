"""Open vSwitch in interfaces(5). Pure."""

from __future__ import annotations

from typing import Any

import pytest

from lab.api import interfaces
from lab.api.open_vswitch import MODES

CARD: dict[str, Any] = {"type": "eth", "method": "manual", "method6": "manual", "families": ["inet"]}
SWITCH = {**CARD, "type": "OVSBridge", "autostart": 1, "ovs_ports": "eno1 mgmt"}
PORT = {**CARD, "type": "OVSIntPort", "ovs_bridge": "vmbr1", "ovs_tag": 20, "ovs_options": "vlan_mode=access"}


def written(**ifaces: dict[str, Any]) -> interfaces.NetworkFile:
    file = interfaces.NetworkFile({name: dict(iface) for name, iface in ifaces.items()})
    return interfaces.parse(interfaces.render(file))


def test_a_switch_and_its_ports_are_read_back() -> None:
    found = written(vmbr1=SWITCH, eno1=CARD, mgmt=PORT).ifaces
    assert {name: iface["type"] for name, iface in found.items()} == {
        "vmbr1": "OVSBridge", "eno1": "OVSPort", "mgmt": "OVSIntPort"
    }  # fmt: skip
    assert (found["mgmt"]["ovs_tag"], found["mgmt"]["ovs_options"]) == ("20", "vlan_mode=access")
    assert found["eno1"]["autostart"] == found["mgmt"]["autostart"] == 1


@pytest.mark.parametrize("mode", MODES)
def test_how_a_bond_shares_its_load_is_read_back(mode: str) -> None:
    bond = {**CARD, "type": "OVSBond", "ovs_bonds": "eno1", "ovs_bridge": "vmbr1", "bond_mode": mode}
    found = written(vmbr1={**SWITCH, "ovs_ports": "bond0"}, bond0=bond, eno1=CARD).ifaces["bond0"]
    assert (found["type"], found["bond_mode"], found.get("ovs_options")) == ("OVSBond", mode, None)


def test_a_port_without_its_switch_is_none() -> None:
    assert written(mgmt=PORT).ifaces["mgmt"]["type"] != "OVSIntPort"


@pytest.mark.parametrize(
    ("ifaces", "words"),
    [
        ({"vmbr1": SWITCH, "mgmt": PORT}, "OVS bridge 'vmbr1' - unable to find port 'eno1'"),
        (
            {
                "vmbr1": {**SWITCH, "ovs_ports": "bond0"},
                "bond0": {**CARD, "type": "OVSBond", "ovs_bonds": "eno1", "bond_mode": "802.3ad"},
                "eno1": CARD,
            },
            "OVS does not support bond mode '802.3ad",
        ),
    ],
)
def test_refusals(ifaces: dict[str, dict[str, Any]], words: str) -> None:
    with pytest.raises(interfaces.NetworkConfigError) as caught:
        written(**ifaces)
    assert str(caught.value).startswith(words)
