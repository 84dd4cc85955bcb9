# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Formats of parameters that fakepve's schema checks leave out, in PVE's words.

A checker takes the text and returns what is wrong with it, or None; fakepve puts ``invalid format - `` before it and a
line feed behind.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from fakepve import firewall, formats  # type: ignore[import-untyped]
from fakepve import schema as pve_schema

from lab.api.calendar_event import WEEKDAYS, CalendarEventError, parse

Checker = Callable[[str], str | None]

REPLICATION_ID = re.compile(r"(\d+)-(\d+)")
FIRST_VMID = 100
ISIS_NET = re.compile(r"[a-fA-F0-9]{2}(?:\.[a-fA-F0-9]{4}){3,9}\.[a-fA-F0-9]{2}")


def _calendar_event(text: str) -> str | None:
    try:
        parse(text)
    except CalendarEventError as error:
        return str(error)
    return None


def _day_of_week(text: str) -> str | None:
    return None if text in WEEKDAYS else f"invalid day '{text}'"


def _replication_id(text: str) -> str | None:
    found = REPLICATION_ID.fullmatch(text)
    if not found:
        return f"invalid replication job id '{text}'"
    if int(found[1]) < FIRST_VMID:
        return f"invalid replication job id '{text}' (guest IDs < {FIRST_VMID} are reserved)"
    return None


def _subnet_id(text: str) -> str | None:
    """A network with its mask, or the id made of zone, address and length (pve-network, SubnetPlugin.pm)."""
    _zone, _, rest = text.partition("-")
    network = text if "/" in text else "/".join(rest.rsplit("-", 1))
    try:
        ipaddress.ip_network(network, strict=False)
    except ValueError:
        return "value does not look like a valid CIDR network"
    return None if "/" in network else "value does not look like a valid CIDR network"


def _isis_net(text: str) -> str | None:
    return None if ISIS_NET.fullmatch(text) else f"value does not look like a valid IS-IS network entity title: {text}"


def _said(check: Callable[[str], object]) -> Checker:
    """A checker of what raises ValueError."""

    def checker(text: str) -> str | None:
        try:
            check(text)
        except ValueError as error:
            return str(error)
        return None

    return checker


def _addresses(text: str) -> str | None:
    """An address list of a firewall rule; an impossible prefix length in the words of Perl's Net::IP."""
    for item in text.split(","):
        address, _, length = item.partition("/")
        longest = 128 if ":" in address else 32
        if length.isdigit() and int(length) > longest and firewall._ip(address):
            return f"invalid IP address: Prefix length {length} is longer than IP address ({longest})"
    return _said(firewall.parse_address_list)(text)


def _icmp_type(text: str) -> str | None:
    known = text in firewall.ICMP_TYPES or text in firewall.ICMPV6_TYPES
    return None if known else f"invalid icmp-type value '{text}'"


CHECKERS: dict[str, Checker] = {
    "pve-calendar-event": _calendar_event,
    "pve-day-of-week": _day_of_week,
    "pve-replication-job-id": _replication_id,
    "pve-sdn-subnet-id": _subnet_id,
    "pve-sdn-isis-net": _isis_net,
    "pve-fw-addr-spec": _addresses,
    "pve-fw-dport-spec": _said(lambda text: firewall.parse_ports(text, True)),
    "pve-fw-sport-spec": _said(lambda text: firewall.parse_ports(text, False)),
    "pve-fw-protocol-spec": _said(firewall.verify_protocol),
    "pve-fw-icmp-type-spec": _icmp_type,
}


def _part(kind: str, **more: object) -> dict[str, object]:
    return {"type": kind, "optional": 1, **more}


KEEPS = ("keep-last", "keep-hourly", "keep-daily", "keep-weekly", "keep-monthly", "keep-yearly")
# Parts of property strings whose formats go by a name (pve-guest-common, PVE/VZDump/Common.pm; pve-storage).
PARTS: dict[str, dict[str, dict[str, object]]] = {
    "backup-fleecing": {
        "enabled": _part("boolean", default_key=1),
        "storage": _part("string", format="pve-storage-id"),
    },
    "backup-performance": {
        "max-workers": _part("integer", minimum=1, maximum=256),
        "pbs-entries-max": _part("integer", minimum=1),
    },
    "pve-sdn-dhcp-range": {
        "start-address": {"type": "string"},
        "end-address": {"type": "string"},
    },
    "prune-backups": {
        "keep-all": _part("boolean"),
        **{name: _part("integer", minimum=0) for name in KEEPS},
    },
}


# A storage may be for no content (pve-storage, PVE/Storage/Plugin.pm: verify_content takes what a dir storage does).
NO_CONTENT = "none"

# How the API's description writes a pattern with flags of its own, and how Python does.
PERLS_FLAGS = ("(?^", "(?")


def install() -> None:
    """Let fakepve check these formats too, and Perl's own patterns; those formats it has stay its own."""
    if PERLS_FLAGS not in pve_schema.LINEAR_FORMS:
        pve_schema.LINEAR_FORMS = (*pve_schema.LINEAR_FORMS, PERLS_FLAGS)
    if NO_CONTENT not in formats.CONTENT_TYPES:
        formats.CONTENT_TYPES = (*formats.CONTENT_TYPES, NO_CONTENT)
    for name, checker in CHECKERS.items():
        formats.NAMED.setdefault(name, checker)
    for name, parts in PARTS.items():
        formats.REGISTERED.setdefault(name, parts)
