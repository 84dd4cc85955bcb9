# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""interfaces(5) as ``/nodes/{node}/network`` reads and writes it (pve-common, PVE/Network/Interfaces.pm). Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.api import open_vswitch

Iface = dict[str, Any]
"""One interface with the API's names for its options."""

# The file of a node that has none, because there is no node: what the lab's father has.
DEFAULT = """\
auto lo
iface lo inet loopback

iface eno1 inet manual

auto vmbr0
iface vmbr0 inet static
    address 10.99.0.2/24
    gateway 10.99.0.1
    bridge-ports eno1
    bridge-stp off
    bridge-fd 0

source /etc/network/interfaces.d/*
"""
# What a written file begins with: ten lines, as on a node, so that differences have the same line numbers.
HEADER = """\
# The network of this node, as its API wrote it.
#
# The API reads and rewrites this file as a whole. What it does not know of an
# interface is kept, comments outside of an interface are not.
#
# An interface that the API is not to touch belongs into a file of its own:
# lines with source and source-directory stay here, and what they name is
# left alone.
#
# Changes wait in interfaces.new until they are applied.

"""

# The kind of an interface by its name; the order matters.
KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("bond", re.compile(r"bond\d+")),
    ("alias", re.compile(r".+:\d+")),
    ("vlan", re.compile(r"vlan\d+|.+\.\d+")),
    ("bridge", re.compile(r"vmbr\w*")),
    ("eth", re.compile(r"(?:eth|en|wl|ib|nic)\w*")),
)
# Option of the file -> the API's name, where they differ.
NAMES = {
    "bond-slaves": "slaves",
    "bond_slaves": "slaves",
    "bond-xmit-hash-policy": "bond_xmit_hash_policy",
    "bond-mode": "bond_mode",
    "bond-miimon": "bond_miimon",
    "bridge-vlan-aware": "bridge_vlan_aware",
    "bridge-fd": "bridge_fd",
    "bridge-stp": "bridge_stp",
    "bridge-ports": "bridge_ports",
    "bridge-vids": "bridge_vids",
    "ovs_mtu": "mtu",
}
SIMPLE = frozenset(
    {
        "mtu", "bridge_fd", "bridge_vids", "bridge-access", "bridge-learning", "bond_miimon", "bond_mode",
        "bond_xmit_hash_policy", "bond-primary", "vlan-protocol", "vlan-raw-device", "vlan-id",
        *open_vswitch.OPTIONS,
    }
)  # fmt: skip
ADDRESSES = ("address", "netmask", "broadcast", "gateway")
PORTS = ("bridge_ports", "ovs_ports", "slaves", "ovs_bonds")
# What is written otherwise than as a line of its own, or not at all.
NOT_OPTIONS = frozenset(
    {
        "type", "priority", "method", "method6", "active", "exists", "comments", "comments6", "autostart", "options",
        "options6", "families", "cidr", "cidr6", "bridge_ports", "bridge_stp", "bridge_fd", "bridge_vlan_aware",
        "bridge_vids", "slaves", "bond_miimon", "bond_mode", "bond_xmit_hash_policy", "bond-primary", "mtu",
        *open_vswitch.OPTIONS, *(name + suffix for name in ADDRESSES for suffix in ("", "6")),
    }
)  # fmt: skip
# Where an interface of a kind comes in the file (interfaces below another one after it).
PLACES = {"loopback": 100_000, "eth": 200_000, "bond": 400_000, "bridge": 500_000, "vlan": 600_000}
UNPLACED = 50_000
FIRST_PRIORITY = 2
SECTION_START = re.compile(r"\s*(?:(?:iface|mapping|auto|source|source-directory)\s|allow-)")
HASHED_MODES = ("balance-xor", "802.3ad")
DEFAULT_VIDS = "2-4094"


class NetworkConfigError(ValueError):
    """A configuration that PVE does not write, in its words."""


@dataclass
class NetworkFile:
    """The interfaces of a file by name, and its other lines with their places."""

    ifaces: dict[str, Iface] = field(default_factory=dict)
    lines: list[tuple[int, str]] = field(default_factory=list)

    def ports(self) -> dict[str, str]:
        """Interface that uses each port: bridge or bond."""
        return {port: name for name, iface in self.ifaces.items() for port in port_list(iface)}


def port_list(iface: Mapping[str, Any]) -> list[str]:
    """The interfaces another one is made of."""
    return re.split(r"[;,\s]+", text) if (text := " ".join(str(iface[key]) for key in PORTS if iface.get(key))) else []


# ------------------------------------------------------------------ reading


class _Reader:
    """Reads a file line by line; ``current`` is the interface whose options follow, with its family's suffix."""

    def __init__(self) -> None:
        self.file = NetworkFile()
        self.priority = FIRST_PRIORITY
        self.current: tuple[Iface, str] | None = None

    def read(self, text: str) -> NetworkFile:
        for line in text.splitlines():
            if self.current is None or not self._option(*self.current, line.rstrip()):
                self.current = None
                self._outside(line)
        for name, iface in self.file.ifaces.items():
            complete(name, iface, self.file.ifaces)
        return self.file

    def _iface(self, name: str) -> Iface:
        return self.file.ifaces.setdefault(name, {})

    def _outside(self, line: str) -> None:
        words = line.split()
        if not words or words[0].startswith("#"):
            return
        if words[0] in ("auto", "allow-auto", "allow-hotplug"):
            for name in words[1:]:
                self._iface(name)["autostart"] = 1
        elif words[0] == "iface":
            self._start(words)
        else:
            self.file.lines.append((self.priority, line))
            self.priority += 1

    def _start(self, words: list[str]) -> None:
        iface = self._iface(words[1])
        family = words[2] if len(words) > 2 else "inet"  # noqa: PLR2004 - iface NAME FAMILY METHOD
        if "priority" not in iface:
            iface["priority"] = self.priority
            self.priority += 1
        iface.setdefault("families", []).append(family)
        suffix = family.removeprefix("inet")
        iface["method" + suffix] = words[-1]
        self.current = (iface, suffix)

    @staticmethod
    def _option(iface: Iface, suffix: str, line: str) -> bool:
        """Take a line of an interface; False when it belongs to none."""
        text = line.strip()
        if text.startswith("#"):
            iface["comments"] = iface.get("comments", "") + text[1:] + "\n"
            return True
        name, _, value = text.partition(" ") if " " in text else text.partition("\t")
        if not value or SECTION_START.match(line):
            return False
        take_option(iface, suffix, NAMES.get(name, name), value.strip(), text)
        return True


def take_option(iface: Iface, suffix: str, name: str, value: str, line: str) -> None:
    """Put one line into an interface."""
    if name in ADDRESSES:
        iface[name + suffix] = value
    elif name in SIMPLE:
        iface[name] = value
    elif name in ("slaves", "bridge_ports"):
        iface[name] = " ".join(sorted(set(value.split()) - {"none"}))
    elif name == "bridge_stp":
        iface[name] = "on" if value in ("on", "yes") else "off"
    elif name == "bridge_vlan_aware":
        iface[name] = 1
    else:
        iface.setdefault("options" + suffix, []).append(line)


def kind_of(name: str, iface: Mapping[str, Any]) -> str:
    """The API's ``type``."""
    if name == "lo":
        return "loopback"
    if "bridge_ports" in iface:
        return "bridge"
    if iface.get("vlan-raw-device"):
        return "vlan"
    plain = next((kind for kind, pattern in KINDS if pattern.fullmatch(name)), "unknown")
    return open_vswitch.kind_of(plain, dict(iface)) or plain


def complete(name: str, iface: Iface, ifaces: Mapping[str, Iface]) -> None:
    """Add what the API says of an interface beyond its lines."""
    iface["type"] = kind_of(name, iface)
    if iface["type"] == "bridge":
        iface.setdefault("bridge_stp", "off")
        iface.setdefault("bridge_fd", "0")
        iface.setdefault("bridge_ports", "")
    if iface["type"] == "vlan":
        _complete_vlan(name, iface, ifaces)
    if iface["type"].startswith("OVS"):
        open_vswitch.complete(iface)
    for suffix, longest in (("", "32"), ("6", "128")):
        _complete_address(iface, suffix, longest)
        iface.setdefault("method" + suffix, "manual")
    iface.setdefault("families", ["inet"])


def _complete_vlan(name: str, iface: Iface, ifaces: Mapping[str, Iface]) -> None:
    below = re.fullmatch(r"(.+)\.(\d+)", name)
    named = re.fullmatch(r"vlan(\d+)", name)
    if below:
        iface.setdefault("vlan-raw-device", below[1])
        iface["vlan-id"] = below[2]
    elif named:
        iface["vlan-id"] = named[1]
    raw = str(iface.get("vlan-raw-device", ""))
    iface["exists"] = 1 if raw in ifaces and kind_of(raw, ifaces[raw]) == "eth" else None


def _complete_address(iface: Iface, suffix: str, longest: str) -> None:
    address = iface.get("address" + suffix)
    if not address:
        return
    base, _, length = str(address).partition("/")
    length = length or prefix_length(str(iface.get("netmask" + suffix, longest)))
    iface |= {"address" + suffix: base, "netmask" + suffix: length, "cidr" + suffix: f"{base}/{length}"}


def prefix_length(mask: str) -> str:
    """``24`` for itself and for ``255.255.255.0``."""
    return mask if mask.isdigit() else str(ipaddress.ip_network(f"0.0.0.0/{mask}").prefixlen)


def parse(text: str) -> NetworkFile:
    """Read an interfaces(5) file."""
    return _Reader().read(text)


def started(file: NetworkFile) -> set[str]:
    """The interfaces that are up on a node without a kernel of its own: the automatic ones and their ports."""
    automatic = {name for name, iface in file.ifaces.items() if iface.get("autostart")}
    return automatic | {port for port, user in file.ports().items() if user in automatic}


def cards(names: Iterable[str]) -> set[str]:
    """Those of some interfaces that are cards of the machine."""
    return {name for name in names if kind_of(name, {}) == "eth"}


def view(name: str, iface: Iface, active: Iterable[str], present_cards: Iterable[str]) -> Iface:
    """One interface as the API shows it."""
    shown = {"iface": name, **iface}
    if name in active:
        shown["active"] = 1
    return shown | ({"exists": 1} if name in present_cards else {})


def listing(text: str, active: Iterable[str], present_cards: Iterable[str] | None = None) -> list[Iface]:
    """``/nodes/{node}/network``: the configured interfaces, and the machine's cards that no stanza names."""
    ifaces, active = parse(text).ifaces, set(active)
    found = cards(active) if present_cards is None else set(present_cards)
    for name in sorted(found - set(ifaces)):
        ifaces[name] = {}
        complete(name, ifaces[name], ifaces)
    ordered = sorted(ifaces.items(), key=lambda item: int(item[1].get("priority", 0)))
    return [view(name, iface, active, found) for name, iface in ordered if name != "lo"]


# ------------------------------------------------------------------ checking


def _need_mtu(ifaces: Mapping[str, Iface], parent: str, child: str) -> None:
    wanted = int(ifaces[child].get("mtu") or 0)
    default = wanted if ifaces[parent]["type"] == "bond" else 1500
    offered = int(ifaces[parent].get("mtu") or default)
    if offered < wanted:
        raise NetworkConfigError(f"interface '{parent}' - mtu {offered} is lower than '{child}' - mtu {wanted}")


def _check_bond(name: str, iface: Iface, ifaces: Mapping[str, Iface]) -> None:
    slaves = port_list({"slaves": iface.get("slaves")})
    for slave in slaves:
        if slave not in ifaces:
            raise NetworkConfigError(f"bond '{name}' - unable to find slave '{slave}'")
        if ifaces[slave]["type"] not in ("eth", "bond"):
            kind = ifaces[slave]["type"]
            raise NetworkConfigError(
                f"bond '{name}' - wrong interface type on slave '{slave}' ('{kind}' != 'eth or bond')"
            )
        _need_mtu(ifaces, name, slave)
    if slaves and iface.get("bond-primary") and iface["bond-primary"] not in slaves:
        raise NetworkConfigError(f"bond '{name}' - bond-primary interface is not a slave")


def _check_vlan(name: str, iface: Iface, ifaces: Mapping[str, Iface]) -> None:
    below = re.fullmatch(r"(.+)\.(\d+)", name)
    parent = below[1] if below else iface.get("vlan-raw-device")
    named = re.fullmatch(r"vlan(\d+)", name)
    tag = int(below[2] if below else named[1] if named else iface.get("vlan-id") or 0)
    if not parent:
        raise NetworkConfigError("missing vlan-raw-device option")
    if not tag:
        raise NetworkConfigError("missing vlan-id option")
    if tag > 4094:  # noqa: PLR2004 - the last VLAN
        raise NetworkConfigError(f"vlan '{name}' - vlan-id {tag} should be <= 4094")
    if parent not in ifaces:
        raise NetworkConfigError(f"vlan '{name}' - unable to find parent '{parent}'")
    kind = ifaces[parent]["type"]
    if kind not in ("eth", "bond", "bridge", "vlan"):
        raise NetworkConfigError(
            f"vlan '{name}' - wrong interface type on parent '{parent}' ('{kind}' != 'eth|bond|bridge|vlan' )"
        )
    _need_mtu(ifaces, parent, name)


def _check_bridge(name: str, iface: Iface, ifaces: Mapping[str, Iface]) -> None:
    for port in port_list({"bridge_ports": iface.get("bridge_ports")}):
        found = ifaces.get(port)
        if found is None and not re.fullmatch(r".+\.\d+", port):
            raise NetworkConfigError(f"bridge '{name}' - unable to find bridge port '{port}'")
        if found and "static" in (found.get("method"), found.get("method6")):
            raise NetworkConfigError(f"iface {port} - ip address can't be set on interface if bridged in {name}")
        if found:
            _need_mtu(ifaces, port, name)


CHECKS: dict[str, Callable[[str, Iface, Mapping[str, Iface]], None]] = {
    "bond": _check_bond,
    "vlan": _check_vlan,
    "bridge": _check_bridge,
}


def check(file: NetworkFile) -> None:
    """Raise NetworkConfigError for a configuration that PVE refuses to write."""
    for kind, checker in CHECKS.items():
        for name, iface in file.ifaces.items():
            if iface["type"] == kind:
                checker(name, iface, file.ifaces)


# ------------------------------------------------------------------ writing


def render(file: NetworkFile) -> str:
    """The text of a file. Raises NetworkConfigError as :func:`check` does."""
    try:
        open_vswitch.settle(file.ifaces, file.ports())
        check(file)
        return _text(file)
    except open_vswitch.OpenVSwitchError as error:
        raise NetworkConfigError(str(error)) from error


def _text(file: NetworkFile) -> str:
    waiting = sorted(file.lines)
    text = HEADER
    for name in sorted(file.ifaces, key=lambda name: _place(name, file.ifaces)):
        iface = file.ifaces[name]
        earlier = [line for line in waiting if line[0] < int(iface.get("priority", 0))]
        text += "".join(f"{line}\n" for _, line in earlier) + ("\n" if earlier else "")
        waiting = waiting[len(earlier) :]
        text += f"auto {name}\n" if iface.get("autostart") or iface.get("ovs_bridge") else ""
        text += "".join(_stanza(name, iface, family) for family in iface["families"])
    return text + "".join(f"{line}\n" for _, line in waiting)


def _place(name: str, ifaces: Mapping[str, Iface]) -> tuple[int, str]:
    parts = re.split(r"[.:]", name)
    kind = ifaces.get(parts[0], {}).get("type", "unknown")
    return PLACES.get(kind, 0) + len(parts) - 1 + int(ifaces[name].get("priority", UNPLACED)), name


def _stanza(name: str, iface: Iface, family: str) -> str:
    suffix = family.removeprefix("inet")
    lines = [*_address_lines(iface, suffix)]
    if family == iface["families"][0]:
        lines += [*KIND_LINES.get(iface["type"], _no_lines)(iface), *_other_lines(name, iface)]
    lines += iface.get("options" + suffix, [])
    comments = iface.get("comments", "") if family == iface["families"][0] else ""
    body = "".join(f"\t{line}\n" for line in lines) + "".join(f"#{line}\n" for line in str(comments).splitlines())
    return f"iface {name} {family} {iface['method' + suffix]}\n{body}\n"


def _address_lines(iface: Iface, suffix: str) -> Iterator[str]:
    if iface.get("address" + suffix):
        yield f"address {iface['address' + suffix]}/{prefix_length(str(iface['netmask' + suffix]))}"
    if iface.get("gateway" + suffix):
        yield f"gateway {iface['gateway' + suffix]}"


def _no_lines(_iface: Iface) -> Iterator[str]:
    yield from ()


def _bridge_lines(iface: Iface) -> Iterator[str]:
    yield f"bridge-ports {' '.join(port_list({'bridge_ports': iface.get('bridge_ports')})) or 'none'}"
    yield f"bridge-stp {iface.get('bridge_stp', 'off')}"
    yield f"bridge-fd {iface.get('bridge_fd', '0')}"
    if "bridge_vlan_aware" in iface:
        yield "bridge-vlan-aware yes"
        yield f"bridge-vids {iface.get('bridge_vids') or DEFAULT_VIDS}"
    if iface.get("mtu"):
        yield f"mtu {iface['mtu']}"


def _bond_lines(iface: Iface) -> Iterator[str]:
    mode = iface.get("bond_mode")
    yield f"bond-slaves {' '.join(port_list({'slaves': iface.get('slaves')})) or 'none'}"
    yield f"bond-miimon {iface.get('bond_miimon', 100)}"
    yield f"bond-mode {mode or 'balance-rr'}"
    if iface.get("bond_xmit_hash_policy") and mode in HASHED_MODES:
        yield f"bond-xmit-hash-policy {iface['bond_xmit_hash_policy']}"
    if iface.get("bond-primary") and mode == "active-backup":
        yield f"bond-primary {iface['bond-primary']}"
    if iface.get("mtu"):
        yield f"mtu {iface['mtu']}"


def _said_by(name: str) -> set[str]:
    """Options that the name of a VLAN says already."""
    if re.fullmatch(r".+\.\d+", name):
        return {"vlan-raw-device", "vlan-id"}
    return {"vlan-id"} if re.fullmatch(r"vlan\d+", name) else set()


def _other_lines(name: str, iface: Iface) -> Iterator[str]:
    own_mtu = set() if iface["type"] in KIND_LINES else {"mtu"}
    for option in sorted(set(iface) - (NOT_OPTIONS - own_mtu) - _said_by(name)):
        if iface[option]:
            yield f"{option} {iface[option]}"


KIND_LINES: dict[str, Callable[[Iface], Iterator[str]]] = {
    "bridge": _bridge_lines,
    "bond": _bond_lines,
    **dict.fromkeys(("OVSBridge", "OVSBond", "OVSPort", "OVSIntPort"), open_vswitch.lines),
}


# ---------------------------------------------------------------------- dns


def resolver(text: str) -> dict[str, str]:
    """``/nodes/{node}/dns`` from resolv.conf(5): the search domain and up to three servers."""
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    servers = [words[1] for words in lines if words[0] == "nameserver" and len(words) > 1]
    search = next((words[1] for words in lines if words[0] in ("search", "domain") and len(words) > 1), None)
    shown = {f"dns{number}": server for number, server in enumerate(servers[:3], 1)}
    return ({"search": search} if search else {}) | shown
