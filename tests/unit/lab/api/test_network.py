# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of a node's network: they wait, are told, applied or taken back."""

from __future__ import annotations

from typing import Any

import pytest

from lab.api import interfaces
from lab.api.interfaces import NetworkConfigError
from lab.api.node import INTERFACES
from lab.api.serving import ServedLab

from .conftest import Client

NETWORK = "/nodes/father/network"
TEXT = """\
auto lo
iface lo inet loopback

iface eno1 inet manual
iface eno2 inet manual

auto vmbr0
iface vmbr0 inet static
\taddress 10.0.0.2/24
\tgateway 10.0.0.1
\tbridge-ports eno1
\tbridge-stp off
\tbridge-fd 0
\tup ip route add 10.9.0.0/16 via 10.0.0.9
#the lan

iface vmbr0 inet6 static
\taddress fd00::2/64
\tgateway fd00::1

source /etc/network/interfaces.d/*
"""


@pytest.fixture
def node(client: Client, lab_api: ServedLab) -> Client:
    """A client of a node with two cards."""
    lab_api.api.node_texts = {"father": {INTERFACES: TEXT}}
    return client


def shown(client: Client) -> dict[str, dict[str, Any]]:
    """The interfaces by name."""
    return {item["iface"]: item for item in client.get(NETWORK)}


# --------------------------------------------------------------------- files


def test_a_file_is_the_same_when_it_is_written_and_read() -> None:
    once = interfaces.render(interfaces.parse(TEXT))
    again = interfaces.render(interfaces.parse(once))
    assert again == once
    assert "\tup ip route add 10.9.0.0/16 via 10.0.0.9\n" in once
    assert once.endswith("\nsource /etc/network/interfaces.d/*\n")
    assert interfaces.parse(once).ifaces["vmbr0"] == interfaces.parse(TEXT).ifaces["vmbr0"]


def test_families_comments_and_addresses() -> None:
    bridge = interfaces.parse(TEXT).ifaces["vmbr0"]
    assert (bridge["cidr"], bridge["cidr6"], bridge["gateway6"]) == ("10.0.0.2/24", "fd00::2/64", "fd00::1")
    assert (bridge["families"], bridge["comments"]) == (["inet", "inet6"], "the lan\n")


def iface(kind: str, **options: Any) -> dict[str, Any]:
    """An interface as it is edited."""
    return {"type": kind, "families": ["inet"], "method": "manual", **options}


@pytest.mark.parametrize(
    ("name", "made", "message"),
    [
        ("vmbr1", iface("bridge", bridge_ports="eno9"), "bridge 'vmbr1' - unable to find bridge port 'eno9'"),
        (
            "vmbr1",
            iface("bridge", bridge_ports="eno2", mtu=9000),
            "interface 'eno2' - mtu 1500 is lower than 'vmbr1' - mtu 9000",
        ),
        (
            "bond0",
            iface("bond", slaves="vmbr0"),
            "bond 'bond0' - wrong interface type on slave 'vmbr0' ('bridge' != 'eth or bond')",
        ),
        ("bond0", iface("bond", slaves="eno9"), "bond 'bond0' - unable to find slave 'eno9'"),
        (
            "bond0",
            iface("bond", slaves="eno2", **{"bond-primary": "eno1"}),
            "bond 'bond0' - bond-primary interface is not a slave",
        ),
        ("vmbr9.5", iface("vlan"), "vlan 'vmbr9.5' - unable to find parent 'vmbr9'"),
        ("vmbr0.4095", iface("vlan"), "vlan 'vmbr0.4095' - vlan-id 4095 should be <= 4094"),
        ("vlan5", iface("vlan"), "missing vlan-raw-device option"),
        ("lan", iface("vlan", **{"vlan-raw-device": "eno2"}), "missing vlan-id option"),
        (
            "vmbr0.5",
            iface("vlan", mtu=9000),
            "interface 'vmbr0' - mtu 1500 is lower than 'vmbr0.5' - mtu 9000",
        ),
    ],
)
def test_what_pve_does_not_write(name: str, made: dict[str, Any], message: str) -> None:
    file = interfaces.parse(TEXT)
    file.ifaces[name] = made
    with pytest.raises(NetworkConfigError) as caught:
        interfaces.render(file)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "values", "lines"),
    [
        (
            "bond0",
            {"type": "bond", "slaves": "eno2", "bond_mode": "802.3ad", "bond_xmit_hash_policy": "layer3+4"},
            ["bond-slaves eno2", "bond-miimon 100", "bond-mode 802.3ad", "bond-xmit-hash-policy layer3+4"],
        ),
        ("vlan7", {"type": "vlan", "vlan-raw-device": "eno2"}, ["vlan-raw-device eno2"]),
        ("eno2.7", {"type": "vlan", "cidr": "10.7.0.2/24", "mtu": 1400}, ["address 10.7.0.2/24", "mtu 1400"]),
        (
            "vmbr1",
            {"type": "bridge", "bridge_vlan_aware": 1, "bridge_vids": "2,4 10-20", "cidr6": "fd01::1/64"},
            ["address fd01::1/64", "bridge-ports none", "bridge-stp off", "bridge-fd 0", "bridge-vlan-aware yes",
             "bridge-vids 2 4 10-20"],
        ),
    ],
)  # fmt: skip
def test_every_kind_is_written_as_pve_does(node: Client, name: str, values: dict[str, Any], lines: list[str]) -> None:
    node.post(NETWORK, iface=name, **values)
    text = node.lab.api.node_texts["father"][f"{INTERFACES}.new"]
    stanza = text.split(f"iface {name} ")[1].split("\n\n")[0].splitlines()[1:]
    assert [line.strip() for line in stanza] == lines
    again = node.get(f"{NETWORK}/{name}")
    for option, value in values.items():
        wanted = value if option == "bridge_vlan_aware" else str(value).replace(",", " ")
        assert again[option] == wanted


def test_a_card_can_have_a_comment(node: Client) -> None:
    node.put(f"{NETWORK}/eno2", type="eth", comments="spare")
    assert node.get(f"{NETWORK}/eno2")["comments"] == "spare\n"


# --------------------------------------------------------------------- edits


def test_an_edit_waits_until_it_is_applied(node: Client) -> None:
    node.post(NETWORK, iface="vmbr1", type="bridge", autostart=1, bridge_ports="eno2", cidr="10.1.0.2/24")
    answer = node.ask("GET", NETWORK).json()
    assert "+iface vmbr1 inet static\n" in answer["changes"]
    assert "active" not in shown(node)["vmbr1"]
    assert not node.lab.api.has_bridge("vmbr1")
    assert node.run("PUT", NETWORK) == "OK"
    assert "changes" not in node.ask("GET", NETWORK).json()
    assert (shown(node)["vmbr1"]["active"], shown(node)["eno2"]["active"]) == (1, 1)
    assert node.lab.api.has_bridge("vmbr1")


def test_an_edit_can_be_taken_back(node: Client) -> None:
    before = shown(node)
    node.put(f"{NETWORK}/vmbr0", type="bridge", cidr="10.0.0.3/24", gateway="10.0.0.1", bridge_ports="eno1")
    node.delete(f"{NETWORK}/eno2")
    assert shown(node) != before
    node.delete(NETWORK)
    assert shown(node) == before


def test_what_is_not_given_stays_but_the_method(node: Client) -> None:
    node.put(f"{NETWORK}/vmbr0", type="bridge", cidr="10.0.0.9/24")
    changed = shown(node)["vmbr0"]
    assert (changed["cidr"], changed["gateway"], changed["bridge_ports"]) == ("10.0.0.9/24", "10.0.0.1", "eno1")
    node.put(f"{NETWORK}/vmbr0", type="bridge", delete="cidr,gateway")
    changed = shown(node)["vmbr0"]
    assert (changed["method"], "cidr" in changed, "gateway" in changed) == ("manual", False, False)


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"iface": "vmbr0", "type": "bridge"}, {"iface": "interface already exists"}),
        (
            {"iface": "vmbr1", "type": "bridge", "cidr": "10.1.0.2/24", "gateway": "10.1.0.1"},
            {"gateway": "Default gateway already exists on interface 'vmbr0'."},
        ),
        (
            {"iface": "vmbr1", "type": "bridge", "bridge_ports": "eno1"},
            {"bridge_ports": "eno1 is already used on interface 'vmbr0'."},
        ),
        (
            {"iface": "vmbr1", "type": "bridge", "cidr": "10.1.0.2/24", "address": "10.1.0.2", "netmask": "24"},
            {"netmask": "invalid format - value does not look like a valid IP netmask\n"},
        ),
        (
            {"iface": "vmbr1", "type": "bridge", "cidr": "10.1.0.2/24", "address": "10.1.0.2",
             "netmask": "255.255.255.0"},
            {"address": "address conflicts with cidr"},
        ),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_no_edit(node: Client, values: dict[str, Any], errors: dict[str, str]) -> None:
    assert node.ask("POST", NETWORK, **values).json()["errors"] == errors
    assert "changes" not in node.ask("GET", NETWORK).json()


def test_there_is_no_open_vswitch(node: Client) -> None:
    answer = node.ask("POST", NETWORK, iface="vmbr1", type="OVSBridge")
    assert answer.json()["message"] == "Open VSwitch is not installed (need package 'openvswitch-switch')\n"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_interface_that_is_not_there(node: Client, method: str) -> None:
    values = {"type": "bridge"} if method == "PUT" else {}
    answer = node.ask(method, f"{NETWORK}/vmbr7", **values)
    assert answer.json()["errors"] == {"iface": "interface does not exist"}


def test_edits_outlive_the_process_and_never_touch_the_machine(node: Client) -> None:
    node.post(NETWORK, iface="vmbr1", type="bridge")
    api = node.lab.api
    assert not (api.files_root / INTERFACES).exists()
    document = api.document()
    api.node_texts = {}
    api.restore(document)
    assert "vmbr1" in shown(node)
