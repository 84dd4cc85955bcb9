# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading interfaces(5) into what ``/nodes/{node}/network`` shows (pve-common, PVE/INotify.pm). Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
"""

# The kind of an interface by its options, else by its name; the order matters.
KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("bond", re.compile(r"bond\d+")),
    ("vlan", re.compile(r"vlan\d+|.+\.\d+")),
    ("bridge", re.compile(r"vmbr\w*")),
    ("alias", re.compile(r".+:\d+")),
    ("eth", re.compile(r"(?:eth|en|wl|ib|nic)\w*")),
)
FIRST_PRIORITY = 3


@dataclass
class Stanza:
    """One interface of the file: its methods per family, and its options with dashes turned to underscores."""

    name: str
    methods: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    automatic: bool = False

    @property
    def kind(self) -> str:
        """The API's ``type``."""
        if "bridge_ports" in self.options:
            return "bridge"
        return next((kind for kind, pattern in KINDS if pattern.fullmatch(self.name)), "unknown")


def parse(text: str) -> dict[str, Stanza]:
    """Every interface of an interfaces(5) file but the loopback, in order."""
    found: dict[str, Stanza] = {}
    current: Stanza | None = None
    for words in (line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")):
        if words[0] in ("auto", "allow-hotplug"):
            for name in words[1:]:
                found.setdefault(name, Stanza(name)).automatic = words[0] == "auto"
            current = None
        elif words[0] == "iface":
            current = found.setdefault(words[1], Stanza(words[1]))
            current.methods[words[2] if len(words) > 2 else "inet"] = words[-1]  # noqa: PLR2004 - iface NAME FAMILY METHOD
        elif current is not None:
            current.options[words[0].replace("-", "_")] = " ".join(words[1:])
    found.pop("lo", None)
    return found


def view(stanza: Stanza, present: Iterable[str]) -> dict[str, Any]:
    """One interface as the API shows it; ``present`` are the names the kernel has."""
    shown: dict[str, Any] = {
        "iface": stanza.name,
        "type": stanza.kind,
        "method": stanza.methods.get("inet", "manual"),
        "method6": stanza.methods.get("inet6", "manual"),
        "families": sorted(stanza.methods) or ["inet"],
    }
    if stanza.automatic:
        shown["autostart"] = 1
    if stanza.name in set(present):
        shown["active"] = 1
        # Only a card of the machine can exist without being configured.
        shown |= {"exists": 1} if stanza.kind == "eth" else {}
    return shown | _address(stanza.options) | _bridge(stanza)


def _address(options: Mapping[str, str]) -> dict[str, str]:
    shown = {"gateway": options["gateway"]} if "gateway" in options else {}
    if "address" not in options:
        return shown
    mask = f"/{options['netmask']}" if "netmask" in options else ""
    interface = ipaddress.ip_interface(options["address"] + ("" if "/" in options["address"] else mask))
    length = str(interface.network.prefixlen)
    return shown | {"address": str(interface.ip), "netmask": length, "cidr": f"{interface.ip}/{length}"}


def _bridge(stanza: Stanza) -> dict[str, Any]:
    if stanza.kind != "bridge":
        return {}
    ports = stanza.options.get("bridge_ports", "")
    shown: dict[str, Any] = {
        "bridge_ports": "" if ports == "none" else ports,
        "bridge_stp": stanza.options.get("bridge_stp", "off"),
        "bridge_fd": stanza.options.get("bridge_fd", "0"),
    }
    return shown | ({"bridge_vlan_aware": 1} if stanza.options.get("bridge_vlan_aware") == "yes" else {})


def listing(text: str, present: Iterable[str]) -> list[dict[str, Any]]:
    """``/nodes/{node}/network``: every configured interface, and the machine's cards that no stanza names."""
    stanzas, present = parse(text), set(present)
    for name in sorted(present - set(stanzas)):
        if Stanza(name).kind == "eth":
            stanzas[name] = Stanza(name, {"inet": "manual"})
    ordered = sorted(stanzas.values(), key=lambda stanza: (stanza.kind != "eth", stanza.name))
    return [view(stanza, present) | {"priority": place} for place, stanza in enumerate(ordered, FIRST_PRIORITY)]


def resolver(text: str) -> dict[str, str]:
    """``/nodes/{node}/dns`` from resolv.conf(5): the search domain and up to three servers."""
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    servers = [words[1] for words in lines if words[0] == "nameserver" and len(words) > 1]
    search = next((words[1] for words in lines if words[0] in ("search", "domain") and len(words) > 1), None)
    shown = {f"dns{number}": server for number, server in enumerate(servers[:3], 1)}
    return ({"search": search} if search else {}) | shown
