# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open vSwitch in interfaces(5), as PVE reads and writes it (pve-common, PVE/Network/Interfaces.pm). Pure.

Some options of an interface are parts of one line there, ``ovs_options``: a port's VLAN (``tag``), and how a bond
shares its load (``bond_mode``, ``lacp``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Iface = dict[str, Any]
Ifaces = dict[str, Iface]
BRIDGE, BOND, PORT, INTERNAL = "OVSBridge", "OVSBond", "OVSPort", "OVSIntPort"
OWN = (INTERNAL, BOND)
MODES = ("active-backup", "balance-slb", "lacp-balance-slb", "lacp-balance-tcp")
OPTIONS = frozenset({"ovs_type", "ovs_options", "ovs_bridge", "ovs_bonds", "ovs_ports", "ovs_tag"})


class OpenVSwitchError(ValueError):
    """A configuration that PVE does not write, in its words."""


def kind_of(plain: str, iface: Iface) -> str | None:
    """The kind of an interface that has an ``ovs_type``, by that and the kind that its name alone would make it."""
    said = iface.get("ovs_type")
    if said == BRIDGE or (said, plain) in ((BOND, "bond"), (PORT, "eth"), (INTERNAL, "unknown")):
        return str(said)
    return None


def parts(text: object) -> dict[str, str]:
    """``ovs_options`` by name."""
    pairs = (word.partition("=") for word in str(text or "").split())
    return {name: value for name, sign, value in pairs if name and sign}


def _put(iface: Iface, found: dict[str, str]) -> None:
    text = " ".join(f"{name}={value}" for name, value in found.items())
    if text:
        iface["ovs_options"] = text
    else:
        iface.pop("ovs_options", None)


def complete(iface: Iface) -> None:
    """Options of their own for what ``ovs_options`` says."""
    found = parts(iface.get("ovs_options"))
    if iface["type"] in (PORT, INTERNAL, BOND) and "tag" in found:
        iface["ovs_tag"] = found.pop("tag")
    if iface["type"] == BOND:
        mode, lacp = found.pop("bond_mode", ""), found.pop("lacp", "")
        lacp_mode = f"lacp-{mode}"
        iface["bond_mode"] = lacp_mode if mode == "balance-tcp" or (mode and lacp == "active") else mode
    _put(iface, found)


def settle(ifaces: Ifaces, users: dict[str, str]) -> None:
    """What becomes of ports when a file is written: those without a bridge are none. ``users`` is who uses each."""
    for name, iface in list(ifaces.items()):
        if iface["type"] in (PORT, INTERNAL, BOND) and users.get(name) not in ifaces:
            ifaces[name] = {"type": "eth", "exists": 1, "method": "manual", "method6": "manual", "families": ["inet"]}
        elif iface["type"] in (PORT, INTERNAL, BOND) and ifaces[users[name]]["type"] != BRIDGE:
            del ifaces[name]
    for name, iface in ifaces.items():
        for port in str(iface.get("ovs_ports") or "").split() if iface["type"] == BRIDGE else ():
            _plug(name, port, ifaces)
        for slave in str(iface.get("ovs_bonds") or "").split() if iface["type"] == BOND else ():
            _bind(name, slave, ifaces)


def _plug(bridge: str, port: str, ifaces: Ifaces) -> None:
    if port not in ifaces:
        raise OpenVSwitchError(f"OVS bridge '{bridge}' - unable to find port '{port}'")
    if ifaces[port]["type"] not in ("eth", PORT, INTERNAL, BOND):
        raise OpenVSwitchError(f"interface '{port}' is not defined as OVS port/bond")
    if ifaces[port]["type"] == "eth":
        ifaces[port]["type"] = PORT
    ifaces[port]["ovs_bridge"] = bridge


def _bind(bond: str, slave: str, ifaces: Ifaces) -> None:
    if slave not in ifaces:
        raise OpenVSwitchError(f"OVS bond '{bond}' - unable to find slave '{slave}'")
    kind = ifaces[slave]["type"]
    if kind != "eth":
        raise OpenVSwitchError(f"OVS bond '{bond}' - wrong interface type on slave '{slave}' ('{kind}' != 'eth')")
    ifaces[slave]["autostart"] = 1


def lines(iface: Iface) -> Iterator[str]:
    """The lines of an interface of Open vSwitch. Its ports come up by themselves: PVE writes ``auto`` for them."""
    options = parts(iface.get("ovs_options"))
    if iface.get("ovs_tag"):
        options["tag"] = str(iface["ovs_tag"])
    if iface["type"] == BOND:
        options |= _shares(str(iface.get("bond_mode") or MODES[0]))
        yield f"ovs_bonds {iface.get('ovs_bonds', '')}"
    yield f"ovs_type {iface['type']}"
    for option, key in (("ovs_ports", "ovs_ports"), ("ovs_bridge", "ovs_bridge"), ("ovs_mtu", "mtu")):
        if iface.get(key):
            yield f"{option} {iface[key]}"
    if options:
        yield "ovs_options " + " ".join(f"{name}={value}" for name, value in options.items())


def _shares(mode: str) -> dict[str, str]:
    if mode not in MODES:
        raise OpenVSwitchError(f"OVS does not support bond mode '{mode}")
    plain = mode.removeprefix("lacp-")
    return {"bond_mode": plain, **({"lacp": "active"} if plain != mode else {})}
