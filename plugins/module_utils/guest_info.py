# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told about many guests at once: a guest, or a node, that doesn't answer hides no other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ansible_collections.homelab.pve.plugins.module_utils.api import LOST_ANSWERS, NOT_CONNECTED, Client
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import OutcomeUnknownError, PveError
from ansible_collections.homelab.pve.plugins.module_utils.guest_address import (
    agents_interfaces,
    containers_interfaces,
)
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import (
    DISCOVER_OPTIONS,
    GONE,
    Guest,
    named,
    read_guests,
    select,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.snapshots import read_snapshots, shown

UNREACHABLE = LOST_ANSWERS | {NOT_CONNECTED}

NO_AGENT = re.compile(r"No QEMU guest agent configured|VM \d+ is not running")
"""PVE's words for a guest that has nothing to tell: that is no failure."""

Part: TypeAlias = Callable[[Reader, Guest], Json]
"""Reads one thing about a guest."""


def _config(read: Reader, guest: Guest) -> Json:
    config = read.get(guest.path("config")) or {}
    return {key: value for key, value in config.items() if key not in {"digest", "cipassword"}}


def _pending(read: Reader, guest: Guest) -> Json:
    """Only what waits for the next start."""
    rows = read.get(guest.path("pending")) or []
    return [dict(row) for row in rows if ("pending" in row or row.get("delete")) and row["key"] != "cipassword"]


def _status(read: Reader, guest: Guest) -> Json:
    return read.get(guest.path("status", "current"))


def _snapshots(read: Reader, guest: Guest) -> Json:
    return shown(read_snapshots(read, guest))["snapshots"]


def _agent(read: Reader, guest: Guest) -> Json:
    """What the agent of a running VM says; nothing of a VM that has none."""
    if guest.status == "stopped":
        return None
    try:
        rows = agents_interfaces(read, guest)
    except PveError as error:
        if NO_AGENT.search(error.message):
            return None
        raise
    return {
        "hostname": _asked(read, guest, "get-host-name").get("host-name"),
        "os": _asked(read, guest, "get-osinfo").get("pretty-name"),
        "interfaces": [interface(row) for row in rows],
    }


def _asked(read: Reader, guest: Guest, question: str) -> Mapping[str, Json]:
    """An answer of the agent; empty for one that is too old for the question."""
    try:
        found: Mapping[str, Json] = read.get(guest.path("agent", question))["result"]
    except PveError:
        return {}
    return found


def _interfaces(read: Reader, guest: Guest) -> Json:
    return None if guest.status == "stopped" else [interface(row) for row in containers_interfaces(read, guest)]


def interface(row: Values) -> dict[str, Json]:
    """A network interface as a VM's agent tells it, for people."""
    told = row.get("ip-addresses") or ()
    return {
        "name": str(row.get("name") or ""),
        "mac": str(row.get("hardware-address") or "").upper() or None,
        "addresses": [f"{entry['ip-address']}/{entry.get('prefix', '')}".rstrip("/") for entry in told],
    }


SHARED: Mapping[str, tuple[str, Part]] = {
    "config": ("config", _config),
    "pending": ("pending", _pending),
    "status": ("current", _status),
    "snapshots": ("snapshots", _snapshots),
}
"""What can be gathered -> its key in the result, and how it is read."""

VM_PARTS = {**SHARED, "agent": ("agent", _agent)}
CONTAINER_PARTS = {**SHARED, "interfaces": ("interfaces", _interfaces)}


@dataclass
class Look:
    """A look at guests, several at once. ``lost``: nodes that don't answer, with the reason."""

    read: Reader
    wish: Values
    parts: Mapping[str, tuple[str, Part]]
    lost: dict[str, str] = field(default_factory=dict)

    def at(self, guest: Guest) -> dict[str, Json] | None:
        """Everything wished about a guest, with what went wrong in ``error``; None when it isn't wanted."""
        complaints: dict[str, str] = {}
        known = self._with_name(guest, complaints)
        if known is None or not (complaints or select([known], self.wish)):
            return None
        found = self._gathered(known, complaints)
        error = "; ".join(f"{name}: {text}" for name, text in complaints.items())
        return {**known.shown(), "lock": known.lock, **found, "error": error or None}

    def _with_name(self, guest: Guest, complaints: dict[str, str]) -> Guest | None:
        """With the name the cluster's list may not know yet; None for a guest that is gone."""
        if guest.name:
            return guest
        found = self._told("name", guest, lambda read, item: named(read, [item]), complaints)
        return guest if "name" in complaints else next(iter(found), None)

    def _gathered(self, guest: Guest, complaints: dict[str, str]) -> dict[str, Json]:
        wanted = {name: self.parts[name] for name in self.parts if name in (self.wish.get("gather") or ())}
        return {key: self._told(name, guest, part, complaints) for name, (key, part) in wanted.items()}

    def _told(self, name: str, guest: Guest, part: Part, complaints: dict[str, str]) -> Json:
        """What a part says, or None and a complaint."""
        if guest.node in self.lost:
            complaints[name] = self.lost[guest.node]
            return None
        try:
            return self._found_again(guest, part)
        except (PveError, OutcomeUnknownError) as error:
            complaints[name] = str(error)
            if isinstance(error, PveError) and error.status in UNREACHABLE:
                self.lost[guest.node] = str(error)
            return None

    def _found_again(self, guest: Guest, part: Part) -> Json:
        """Read, and once more where the guest is now, when it moved since it was listed."""
        try:
            return part(self.read, guest)
        except PveError as error:
            if not GONE.search(error.message):
                raise
            now = next((item for item in read_guests(self.read) if item.vmid == guest.vmid), guest)
            if now.node == guest.node:
                raise
            return part(self.read, now)


def options(parts: Mapping[str, tuple[str, Part]]) -> Options:
    """The options of an info module."""
    filters = {name: spec for name, spec in DISCOVER_OPTIONS.items() if name != "include_containers"}
    return {
        "vmid": {"type": "list", "elements": "int"},
        **filters,
        "include_templates": {"type": "bool", "default": True},
        "gather": {"type": "list", "elements": "str", "choices": list(parts), "default": []},
        "max_parallel": {"type": "int", "default": 8},
    }


def info(kind: str, key: str, parts: Mapping[str, tuple[str, Part]]) -> Callable[[Client, Values], dict[str, Json]]:
    """Work of an info module about guests of one kind (qemu or lxc), told under ``key``."""

    def work(client: Client, wish: Values) -> dict[str, Json]:
        listed = [item for item in read_guests(client) if item.type == kind]
        criteria = {**wish, "include_containers": True}
        likely = _likely(listed, criteria)
        told = together(Look(client, criteria, parts).at, likely, wish["max_parallel"])
        return {
            "changed": False,
            key: [entry for entry in told if entry],
            "missing": sorted(set(wish.get("vmid") or ()) - {item.vmid for item in listed}),
        }

    return work


def _likely(guests: Iterable[Guest], wish: Values) -> Sequence[Guest]:
    """Those that are wanted by what the list says; of a new guest it knows neither the name nor a template's mark."""
    by_list = {**wish, "name_pattern": None, "include_templates": True}
    ids = wish.get("vmid")
    found = [item for item in select(guests, by_list) if ids is None or item.vmid in ids]
    return [item for item in found if not item.name or select([item], wish)]
