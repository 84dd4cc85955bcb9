# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can't be right about a network interface: what PVE refuses without a hint, drops silently or does harm with.

Pure. Rows are interfaces in PVE's form; the facts are of pve-common (PVE/Network/Interfaces.pm, which reads and writes
the file) and of PVE/API2/Network.pm.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import ip_interface

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json, set_of
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan, Values

PORTS = set_of(" ")
PORT_OPTIONS = ("bridge_ports", "slaves", "ovs_ports", "ovs_bonds")
HASHED_MODES = ("balance-xor", "802.3ad")
BRIDGES = ("bridge", "OVSBridge")
OWN_PORTS = ("OVSIntPort", "OVSBond")
"""What names its Open vSwitch bridge itself, and is added to that bridge's ports by PVE, and taken out of them."""

OVS_PORTS = (*OWN_PORTS, "OVSPort")

POINT_TO_POINT = 2
"""Addresses of a network so small that the first one is a host's (RFC 3021, RFC 6164)."""


def ports(value: Json) -> list[str]:
    """The interfaces an option names."""
    return PORTS.decode(value or "")  # type: ignore[no-any-return]


def below(name: str, row: Values) -> list[str]:
    """The interfaces one stands on: ports, slaves, and the one a VLAN or alias belongs to."""
    parts = [port for option in PORT_OPTIONS for port in ports(row.get(option))]
    raw = [str(row["vlan-raw-device"])] if row.get("vlan-raw-device") else []
    base = re.fullmatch(r"(.+)[.:]\d+", name)
    return list(dict.fromkeys([*parts, *raw, *([base[1]] if base else [])]))


def users(iface: str, now: Values, others: Mapping[str, Values]) -> list[str]:
    """The interfaces that stand on one, those apart whose list of ports PVE sees to itself."""
    own = now.get("ovs_bridge") if now.get("type") in OWN_PORTS else None
    return sorted(
        name
        for name, row in others.items()
        if (iface in below(name, row) and name != own)
        or (row.get("type") in OWN_PORTS and row.get("ovs_bridge") == iface)
    )


def own_ports(iface: str, others: Mapping[str, Values]) -> list[str]:
    """The ports an Open vSwitch bridge has because they name it."""
    return [name for name, row in others.items() if row.get("type") in OWN_PORTS and row.get("ovs_bridge") == iface]


def problems(
    made: Plan, wish: Values, now: Values | None, after: Values, others: Mapping[str, Values]
) -> Iterator[str]:
    """Why what is planned can't be right, in words. Only what a plan changes is looked at."""
    iface = str(wish["iface"])
    changed = {change.field.name for change in made.changes if change.after is not None}
    emptied = {change.field.name for change in made.changes if change.after is None}
    if changed or emptied:
        yield from _unnamed(now, iface, after)
        yield from _incomplete(changed | emptied, iface, after)
    yield from _dropped(changed, after)
    if wish.get("autostart") is False and after.get("type") in OVS_PORTS:
        yield "Open vSwitch brings its ports up with their bridge. Leave autostart out."
    yield from _networks_own(changed, after)
    yield from _gateways(changed, emptied, after, others)
    yield from _ports(changed, iface, after, others)
    yield from _missing(changed, iface, after, others)
    if not wish.get("allow_overlap"):
        yield from _overlaps(changed, iface, after, others)
    if made.steps and now:
        yield from _lost_methods(after, now)


NAMES: Mapping[str, tuple[str, str]] = {
    "bond": (r"bond\d+", "bond0"),
    "OVSBond": (r"bond\d+", "bond0"),
    "alias": (r".+:\d+", "eno1:1"),
}
"""The kinds that PVE tells by their names when it reads them back, and how those look."""


def _unnamed(now: Values | None, iface: str, after: Values) -> Iterator[str]:
    pattern, sample = NAMES.get(str(after.get("type")), (".*", ""))
    if now is None and not re.fullmatch(pattern, iface):
        yield (
            f"Proxmox VE tells this kind of interface by its name, {iface} would not be taken for one of type "
            f"{after['type']}. Choose a name such as {sample}."
        )


def _incomplete(touched: set[str], iface: str, after: Values) -> Iterator[str]:
    for kind, option, what in REQUIRED:
        if after.get("type") == kind and not after.get(option) and touched & {"type", option}:
            yield f"{what} Set {option}."
    if after.get("type") == "vlan" and not re.fullmatch(r".+\.\d+", iface):
        if not after.get("vlan-raw-device"):
            yield "nothing says which interface the VLAN is on. Set vlan_raw_device, or choose a name such as eno1.100."
        elif not (re.fullmatch(r"vlan\d+", iface) or after.get("vlan-id")):
            yield "nothing says which VLAN it is. Set vlan_id, or choose a name such as vlan100."


REQUIRED = (
    ("bond", "slaves", "a bond is made of interfaces, and none is named."),
    ("OVSBond", "ovs_bonds", "a bond is made of interfaces, and none is named."),
    ("OVSBond", "ovs_bridge", "an Open vSwitch bond belongs to a bridge, and none is named."),
    ("OVSIntPort", "ovs_bridge", "a port of Open vSwitch belongs to a bridge, and none is named."),
)
"""Kinds that are nothing without an option."""

MODES: Mapping[str, tuple[str, ...]] = {
    "bond": ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"),
    "OVSBond": ("active-backup", "balance-slb", "lacp-balance-slb", "lacp-balance-tcp"),
}
"""What each kind of bond can do."""

NEEDS: Sequence[tuple[str, Callable[[Values], bool], str]] = (
    ("bridge_vids", lambda row: bool(row.get("bridge_vlan_aware")), "bridge_vlan_aware: true"),
    ("bond_primary", lambda row: row.get("bond_mode") == "active-backup", "bond_mode: active-backup"),
    (
        "bond_xmit_hash_policy",
        lambda row: row.get("bond_mode") in HASHED_MODES,
        f"bond_mode: {' or '.join(HASHED_MODES)}",
    ),
)
"""What PVE drops without a word, unless the interface is so."""


def _dropped(changed: set[str], after: Values) -> Iterator[str]:
    for option, met, need in NEEDS:
        if option in changed and not met(after):
            yield f"{option} has an effect with {need} only."
    mode, modes = after.get("bond_mode"), MODES.get(str(after.get("type")), ())
    if changed & {"bond_mode", "type"} and modes and mode and mode not in modes:
        yield f"bond_mode {mode} is none of a bond of type {after['type']}. Choose one of {', '.join(modes)}."
    primary = after.get("bond-primary")
    if primary and changed & {"bond_primary", "slaves"} and primary not in ports(after.get("slaves")):
        yield f"bond_primary {primary} is none of its slaves. Name one of them, or add it to slaves."


def _networks_own(changed: set[str], after: Values) -> Iterator[str]:
    for option in changed & {"cidr", "cidr6"}:
        address = ip_interface(after[option])
        network = address.network
        if network.num_addresses > POINT_TO_POINT and address.ip == network.network_address:
            yield f"{option} {after[option]} is the network's own address, no host's. Choose one inside of {network}."


def _gateways(changed: set[str], emptied: set[str], after: Values, others: Mapping[str, Values]) -> Iterator[str]:
    for gateway, cidr in (("gateway", "cidr"), ("gateway6", "cidr6")):
        if after.get(gateway) and not after.get(cidr) and ({gateway} & changed or {cidr} & emptied):
            yield f"{gateway} {after[gateway]} needs an address in {cidr}. Set {cidr}, or set {gateway} to ''."
        for other, row in sorted(others.items()) if gateway in changed else ():
            if row.get(gateway):
                yield (
                    f"{gateway} {after[gateway]} would be the node's second, {other} has {row[gateway]}. "
                    f"Set {gateway} of {other} to '' first."
                )


def _ports(changed: set[str], iface: str, after: Values, others: Mapping[str, Values]) -> Iterator[str]:
    used = {port: name for name, row in others.items() for option in PORT_OPTIONS for port in ports(row.get(option))}
    for option in (name for name in PORT_OPTIONS if name in changed):
        for port in ports(after.get(option)):
            if port != iface and port in used:
                yield f"{port} in {option} is used by {used[port]} already. Take it out there first."
            # PVE makes the VLAN of an interface where a bridge names one.
            elif port != iface and port not in others and not re.fullmatch(r".+\.\d+", port):
                yield f"{option} names {port}, which is not there. The module network_info lists what there is."
            elif option == "bridge_ports" and (others.get(port, {}).get("cidr") or others.get(port, {}).get("cidr6")):
                yield f"{port} in {option} has an address of its own. Set its cidr and cidr6 to '' first."
    if changed & {*PORT_OPTIONS, "vlan_raw_device", "type"}:
        circle = _circle(iface, {**others, iface: after})
        if circle:
            yield f"it would stand on itself: {' on '.join(circle)}."


def _missing(changed: set[str], iface: str, after: Values, others: Mapping[str, Values]) -> Iterator[str]:
    """What a VLAN, an alias or a port of Open vSwitch belongs to has to be there."""
    base = re.fullmatch(r"(.+)[.:]\d+", iface) if "type" in changed else None
    raw = base[1] if base else after.get("vlan-raw-device") if "vlan_raw_device" in changed else None
    if raw and raw not in others and raw != iface:
        yield f"it would be on {raw}, which is not there. The module network_info lists what there is."
    bridge = after.get("ovs_bridge") if "ovs_bridge" in changed else None
    if bridge and others.get(bridge, {}).get("type") != "OVSBridge":
        yield f"ovs_bridge names {bridge}, which is no Open vSwitch bridge (type OVSBridge) of the node."


def _circle(iface: str, rows: Mapping[str, Values], way: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The way from an interface down to itself, empty when there is none."""
    here = way[-1] if way else iface
    for lower in below(here, rows.get(here, {})):
        if lower == iface:
            return (*(way or (iface,)), iface)
        found = _circle(iface, rows, (*(way or (iface,)), lower)) if lower not in way else ()
        if found:
            return found
    return ()


def _overlaps(changed: set[str], iface: str, after: Values, others: Mapping[str, Values]) -> Iterator[str]:
    for option in ("cidr", "cidr6"):
        mine = ip_interface(after[option]).network if option in changed else None
        for other, row in sorted(others.items()) if mine else ():
            theirs = ip_interface(row[option]).network if row.get(option) else None
            if mine and theirs and _device(other) != _device(iface) and mine.overlaps(theirs):
                yield (
                    f"{option} {after[option]} overlaps with {row[option]} of {other}. Choose another network, or set "
                    "allow_overlap if both are really to be in one."
                )


def _device(iface: str) -> str:
    """The device of an alias: its addresses are that device's."""
    return iface.partition(":")[0]


def _lost_methods(after: Values, now: Values) -> Iterator[str]:
    for method, cidr in (("method", "cidr"), ("method6", "cidr6")):
        if now.get(method) in ("dhcp", "auto") and not after.get(cidr):
            yield (
                f"it gets its address by {now[method]} ({method}), which any change over Proxmox VE's API would end. "
                f"Set {cidr}, or edit /etc/network/interfaces on the node."
            )
