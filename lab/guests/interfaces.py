# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the part of interfaces(5) that can be brought up with a few netlink messages.

``ifup -a`` starts a Python of its own and takes 0.25 s. Boots should not: what this module understands is brought up
directly, in the way ifupdown2 would; for everything else :func:`plan` says None and the boot runs ``ifup -a``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

_METHODS = frozenset({"loopback", "manual", "static", "dhcp"})
_METHODS6 = frozenset({"manual", "static", "auto"})
_OPTIONS = frozenset(
    {"address", "gateway", "bridge-ports", "bridge-stp", "bridge-fd", "dns-nameservers", "dns-search", "hwaddress"}
)
_DEFAULTS = {"bridge-stp": {"off", "no"}, "bridge-fd": {"0"}}


class Stanza(NamedTuple):
    """One ``iface NAME inet METHOD`` with its options."""

    name: str
    method: str
    options: dict[str, str]


class Plan(NamedTuple):
    """Lines for ``ip -batch -``, then the interfaces that want a DHCP client."""

    batch: list[str]
    dhcp: list[str]


def _lines(text: str) -> list[list[str]]:
    joined = text.replace("\\\n", " ")
    return [words for line in joined.splitlines() if (words := line.split()) and not words[0].startswith("#")]


def parse(text: str) -> tuple[list[str], list[Stanza]] | None:
    """Names marked ``auto`` and the stanzas; None when there is anything this module does not know."""
    automatic: list[str] = []
    stanzas: list[Stanza] = []
    for words in _lines(text):
        match words:
            case ["auto", *names]:
                automatic.extend(names)
            case ["source" | "source-directory", _]:
                continue
            case ["iface", name, "inet", method] if method in _METHODS:
                stanzas.append(Stanza(name, method, {}))
            case ["iface", "lo", "inet6", "loopback"]:
                continue
            case ["iface", name, "inet6", method] if method in _METHODS6:
                stanzas.append(Stanza(name, method, {}))
            case [option, *values] if stanzas and option in _OPTIONS and option not in stanzas[-1].options:
                stanzas[-1].options[option] = " ".join(values)
            case _:
                return None
    return automatic, stanzas


def plan(text: str, addresses: Mapping[str, str], only: Collection[str] | None = None) -> Plan | None:
    """What brings the ``auto`` interfaces up, or ``only`` some; ``addresses`` are the cards' present MACs by name."""
    parsed = parse(text)
    if parsed is None:
        return None
    automatic, stanzas = parsed
    names = [name for name in automatic if only is None or name in only]
    wanted = [stanza for stanza in stanzas if stanza.name in names]
    if any(not _understood(stanza, addresses) for stanza in wanted):
        return None
    batch = [line for stanza in wanted for line in _batch(stanza, addresses)]
    return Plan(batch, [stanza.name for stanza in wanted if stanza.method == "dhcp"])


def _understood(stanza: Stanza, addresses: Mapping[str, str]) -> bool:
    options = stanza.options
    if any(options.get(name, next(iter(known))) not in known for name, known in _DEFAULTS.items()):
        return False
    if stanza.method == "static" and "/" not in options.get("address", ""):
        return False
    ports = _ports(stanza)
    present = stanza.name in addresses or "bridge-ports" in options
    return present and "hwaddress" not in options and all(port in addresses for port in ports)


def _ports(stanza: Stanza) -> list[str]:
    return [port for port in stanza.options.get("bridge-ports", "none").split() if port != "none"]


def _batch(stanza: Stanza, addresses: Mapping[str, str]) -> list[str]:
    name, options = stanza.name, stanza.options
    lines = _bridge(stanza, addresses) if "bridge-ports" in options else []
    if stanza.method == "static":
        lines.append(f"addr add {options['address']} dev {name}")
    lines.append(f"link set {name} up")
    if stanza.method == "static" and "gateway" in options:
        lines.append(f"route add default via {options['gateway']} dev {name} proto kernel onlink")
    return lines


def _bridge(stanza: Stanza, addresses: Mapping[str, str]) -> list[str]:
    """A bridge keeps its first port's address, as ifupdown2 sees to it: DHCP leases follow it."""
    name, ports = stanza.name, _ports(stanza)
    lines = [f"link add {name} type bridge stp_state 0 forward_delay 0"]
    if ports:
        lines.append(f"link set {name} address {addresses[ports[0]]}")
    for port in ports:
        lines += [f"link set {port} master {name}", f"link set {port} up"]
    return lines


Card = tuple[str, str | None, str | None]
"""Name, address (a CIDR, "dhcp", "auto" or None) and gateway of a card."""


def render(nics: Sequence[Card], nics6: Sequence[Card] = ()) -> str:
    """interfaces(5) for cards, and for what they have of IPv6."""
    cards = [_render_card("inet", *nic) for nic in nics] + [_render_card("inet6", *nic) for nic in nics6]
    return "\n".join(["auto lo\niface lo inet loopback\n", *cards])


def _render_card(family: str, name: str, address: str | None, gateway: str | None) -> str:
    if address is None:
        return f"iface {name} {family} manual\n"
    if address in ("dhcp", "auto"):
        return f"auto {name}\niface {name} {family} {address}\n"
    lines = [f"auto {name}", f"iface {name} {family} static", f"    address {address}"]
    if gateway:
        lines.append(f"    gateway {gateway}")
    return "\n".join(lines) + "\n"
