# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one firewall rule may say: what Proxmox VE refuses, and what it takes and then drops. Pure.

PVE checks a rule when it is written, that is after others of the set have been. What its files can't hold it loses
(PVE::Firewall, verify_rule, format_rules and parse_fw_rule).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TypeVar

from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_level import NAME

TYPES: Mapping[str, tuple[str, ...]] = {
    "cluster": ("in", "out", "forward", "group"),
    "node": ("in", "out", "forward", "group"),
    "guest": ("in", "out", "group"),
    "vnet": ("forward", "group"),
    "group": ("in", "out", "forward"),
}
"""Types of rules there can be at a level (rule_env_direction_lookup)."""

ACTIONS = ("ACCEPT", "DROP", "REJECT")
NO_INTERFACE = ("vnet", "group")
CARD = re.compile(r"net\d+")
OF_GROUPS = frozenset({"type", "action", "enable", "iface", "comment"})
"""What the file keeps of a rule that stands for a security group's."""

PORT_PROTOCOLS = frozenset({"tcp", "6", "udp", "17", "sctp", "132", "dccp", "33", "udplite", "136"})
ICMP = frozenset({"icmp", "icmpv6", "ipv6-icmp"})
MOST_PORTS = 15
HIGHEST_PORT = 65535

T = TypeVar("T")

IPSET = re.compile(rf"\+(?P<scope>guest/|dc/|sdn/)?(?P<name>{NAME.pattern})")
ALIAS = re.compile(rf"(?P<scope>guest/|dc/)?(?P<name>{NAME.pattern})")


def faults(rule: Values, level: str) -> Iterator[str]:
    """What is wrong with a rule of a level, the first fault first."""
    for check in (_type, _action, _group, _interface, _ports, _icmp, _addresses):
        yield from check(rule, level)


def _type(rule: Values, level: str) -> Iterator[str]:
    if rule["type"] not in TYPES[level]:
        yield f"type {rule['type']} is none of level {level}: {', '.join(TYPES[level])}"


def _action(rule: Values, _level: str) -> Iterator[str]:
    if rule["type"] == "group":
        if not NAME.fullmatch(rule["action"]):
            yield f"action '{rule['action']}' is not the name of a security group"
    elif rule["action"] not in ACTIONS:
        yield f"action '{rule['action']}' is none of {', '.join(ACTIONS)}. Rules of a security group have type group"
    elif (rule["type"], rule["action"]) == ("forward", "REJECT"):
        yield "action REJECT is not possible with type forward. Take DROP"


def _group(rule: Values, _level: str) -> Iterator[str]:
    surplus = sorted(set(rule) - OF_GROUPS) if rule["type"] == "group" else []
    if surplus:
        yield f"{', '.join(surplus)} can't be with type group: Proxmox VE drops it. Set it in the rules of the group"


def _interface(rule: Values, level: str) -> Iterator[str]:
    iface = rule.get("iface")
    if iface and level in NO_INTERFACE:
        yield f"iface can't be set at level {level}"
    elif iface and level == "guest" and not CARD.fullmatch(iface):
        yield f"iface '{iface}' is not a network card of the guest as Proxmox VE names it, such as net0"


def _ports(rule: Values, _level: str) -> Iterator[str]:
    for name in ("dport", "sport"):
        ports, proto = rule.get(name), rule.get("proto")
        if not ports or (name == "dport" and proto in ICMP):
            continue
        if not proto:
            yield f"{name} needs proto, for example tcp"
        elif proto not in PORT_PROTOCOLS:
            yield f"{name} can't be with proto {proto}, which has no ports"
        yield from (f"{name}: {fault}" for fault in port_faults(ports))


def port_faults(text: str) -> Iterator[str]:
    """What is wrong with a list of ports. Names are left to the node: it looks them up in its /etc/services."""
    items = text.split(",")
    numbers = [number for item in items for number in item.split(":")]
    for item in items:
        if re.fullmatch(r"\d+-\d+", item):
            yield f"'{item}' is not a range of ports; ranges are written {item.replace('-', ':')}"
        elif not re.fullmatch(r"\d+(?::\d+)?|[A-Za-z][\w.+-]*", item):
            yield f"'{item}' is not a port, a range such as 8000:8100, or the name of a service"
    for number in numbers:
        if number.isdigit() and int(number) > HIGHEST_PORT:
            yield f"{number} is beyond the highest port, {HIGHEST_PORT}"
    for low, high in re.findall(r"(\d+):(\d+)", text):
        if int(low) > int(high):
            yield f"the range {low}:{high} is backwards; write {high}:{low}"
    if len(numbers) > MOST_PORTS:
        yield f"{len(numbers)} ports are more than {MOST_PORTS}, a range counted as two. Make two rules of it"


def _icmp(rule: Values, _level: str) -> Iterator[str]:
    if rule.get("icmp_type") and rule.get("proto") not in ICMP:
        yield "icmp_type needs proto icmp or ipv6-icmp"
    elif rule.get("icmp_type") and rule.get("dport"):
        yield "icmp_type and dport can't be together"


def _addresses(rule: Values, _level: str) -> Iterator[str]:
    versions = {4} if rule.get("proto") == "icmp" else {6} if rule.get("proto") in ICMP else set[int]()
    for name in ("source", "dest"):
        try:
            versions |= address_versions(rule.get(name) or "")
        except ValueError as error:
            yield f"{name}: {error}"
    if len(versions) > 1:
        yield "IPv4 and IPv6 are mixed. Make a rule for each"


def address_versions(text: str) -> set[int]:
    """The versions of IP of the addresses of a source or destination; names have none. Raises ValueError."""
    if not text or IPSET.fullmatch(text) or ALIAS.fullmatch(text):
        return set()
    if text.startswith("+"):
        raise ValueError(f"'{text}' is not the name of an IP set, such as +servers or +dc/servers")
    items = text.split(",")
    if len(items) > 1 and "-" in text:
        raise ValueError("a range can't be in a list. Make a rule of its own for it")
    return {_version(item) for item in items}


def _version(item: str) -> int:
    low, dash, high = item.partition("-")
    return _range(low, high) if dash else _network(item)


def _range(low: str, high: str) -> int:
    first, last = _parsed(ip_address, low), _parsed(ip_address, high)
    if first.version != last.version or int(first) > int(last):
        raise ValueError(f"the range {low}-{high} ends before it begins")
    return int(first.version)


def _network(item: str) -> int:
    found = _parsed(_any_network, item)
    address, _slash, prefix = item.partition("/")
    if prefix and int(found.network_address) != int(ip_address(address)):
        raise ValueError(f"{item} is no network, as {address} is an address in it. Write {found}, or {address}")
    return int(found.version)


def _any_network(text: str) -> IPv4Network | IPv6Network:
    if "/" in text and not text.partition("/")[2].isdigit():
        raise ValueError("a net mask instead of a prefix length is Python's liberty, not Proxmox VE's")
    return ip_network(text, strict=False)


def _parsed(parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError:
        raise ValueError(
            f"'{text}' is not an address, a network such as 192.0.2.0/24, a range such as 192.0.2.1-192.0.2.9, an "
            "alias or an IP set with + in front"
        ) from None
