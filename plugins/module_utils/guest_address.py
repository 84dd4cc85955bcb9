# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what a guest says about itself through its agent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    HomelabPveError,
    PveError,
    WaitTimeoutError,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.addresses import (
    Address,
    Wanted,
    pick,
    summary,
    wanted,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest, find
from ansible_collections.homelab.pve.plugins.module_utils.tasks import poll

HOPELESS = re.compile(r"No QEMU guest agent configured|Configuration file .* does not exist")
"""PVE's words for what waiting won't cure."""

ADDRESS_OPTIONS: Options = {
    "vmid": {"type": "int", "required": True},
    "interface": {"type": "str"},
    "mac": {"type": "str"},
    "nic": {"type": "str"},
    "subnet": {"type": "str"},
    "family": {"type": "str", "choices": ["ipv4", "ipv6", "any"], "default": "ipv4"},
    "wait_timeout": {"type": "float", "default": 300},
}


ADDRESS_RULES: Mapping[str, Sequence[Json]] = {"mutually_exclusive": [("mac", "nic")]}

MAC = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}", re.IGNORECASE)
"""As a card's properties hold it: ``virtio=MAC,...`` of a VM, ``hwaddr=MAC,...`` of a container."""


class AddressWait:
    """Looks for a guest's address, and remembers what was seen last."""

    def __init__(self, read: Reader, guest: Guest, want: Wanted) -> None:
        self._read, self._guest, self._want = read, guest, want
        self.seen = "nothing yet"

    def look(self) -> Address | None:
        """One look; None when the address isn't there yet. Raises what waiting won't cure."""
        try:
            interfaces = self._interfaces()
        except PveError as error:
            if HOPELESS.search(error.message):
                raise _hopeless(self._guest, error) from error
            self.seen = error.said.rstrip(".")
            return None
        self.seen = summary(interfaces)
        return pick(interfaces, self._want)

    def _interfaces(self) -> list[Json]:
        if self._guest.type == "lxc":
            return [_as_agent(row) for row in self._read.get(self._guest.path("interfaces")) or ()]
        answer = self._read.get(self._guest.path("agent", "network-get-interfaces")) or {}
        return answer.get("result") or []


def _as_agent(row: Values) -> dict[str, Json]:
    """A row of a container's ``interfaces`` in the form of the agent's answer."""
    found = [text.split("/") for text in (row.get("inet"), row.get("inet6")) if text]
    entries = [{"ip-address": ip, "prefix": int(prefix[0]) if prefix else 0} for ip, *prefix in found]
    return {"name": row.get("name"), "hardware-address": row.get("hwaddr"), "ip-addresses": entries}


def _hopeless(guest: Guest, error: PveError) -> HomelabPveError:
    return WaitTimeoutError(
        f"{guest.label} on {guest.node} cannot tell its address: {error.said} "
        "Enable its agent (option agent of the module vm), install qemu-guest-agent in it, and restart it."
    )


def _mac_of(read: Reader, guest: Guest, nic: str) -> str:
    """MAC address of a network card as the guest's configuration has it."""
    found = MAC.search(str(read.get(guest.path("config")).get(nic, "")))
    if not found:
        raise ConfigError(f"{guest.label} on {guest.node} has no network card '{nic}'. Name one of its configuration.")
    return found.group().upper()


def guest_address(read: Reader, params: Values) -> dict[str, Json]:
    """Answer of the module guest_ip: the address, or WaitTimeoutError after ``wait_timeout`` seconds."""
    want, timeout = wanted(dict(params)), params["wait_timeout"]
    guest = find(read, params["vmid"])
    if params.get("nic"):
        want = replace(want, mac=_mac_of(read, guest, params["nic"]))
    wait = AddressWait(read, guest, want)
    found = poll(wait.look, timeout)
    if found is None:
        raise WaitTimeoutError(
            f"{guest.label} on {guest.node} had no {want.described.removeprefix('an ')} after {timeout:g} s. "
            f"Its agent last answered: {wait.seen}. "
            "Check that the guest has booted, that qemu-guest-agent runs in it, and that its network is configured."
        )
    return {"changed": False, "vmid": guest.vmid, "node": guest.node, **asdict(found)}
