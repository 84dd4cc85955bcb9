# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what a guest says about itself through its agent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from ipaddress import ip_interface

from ansible_collections.homelab.pve.plugins.module_utils.agent import advice, check_bounds, place
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    PermissionDeniedError,
    PveError,
    StepFailedError,
    WaitTimeoutError,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.addresses import (
    Address,
    Wanted,
    pick,
    summary,
    wanted,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import (
    GONE,
    GUEST_OPTIONS,
    GUEST_RULES,
    Guest,
    find,
    meant,
)
from ansible_collections.homelab.pve.plugins.module_utils.tasks import poll

HOPELESS = re.compile(r"No QEMU guest agent configured|has been disabled|not implemented|Parameter verification failed")
"""PVE's and the agent's words for what waiting won't cure."""

ADDRESS_OPTIONS: Options = {
    **GUEST_OPTIONS,
    "interface": {"type": "str"},
    "mac": {"type": "str"},
    "nic": {"type": "str"},
    "subnet": {"type": "str"},
    "family": {"type": "str", "choices": ["ipv4", "ipv6", "any"], "default": "ipv4"},
    "wait_timeout": {"type": "float", "default": 300},
}


ADDRESS_RULES: Mapping[str, Sequence[Json]] = {
    "required_one_of": GUEST_RULES["required_one_of"],
    "mutually_exclusive": [*GUEST_RULES["mutually_exclusive"], ("mac", "nic")],
}

HINTS = {
    "qemu": "Check that the guest has booted, that qemu-guest-agent runs in it, and that its network is configured.",
    "lxc": "Check that the container is started, and that its network is configured.",
}
"""What to look at when there is an answer, but no address in it that fits."""

MAC = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}", re.IGNORECASE)
"""As a card's properties hold it: ``virtio=MAC,...`` of a VM, ``hwaddr=MAC,...`` of a container."""


class AddressWait:
    """Looks for a guest's address, and remembers what was seen last."""

    def __init__(self, read: Reader, guest: Guest, want: Wanted) -> None:
        self._read, self.guest, self._want = read, guest, want
        self.seen, self.hint = "nothing yet", HINTS[guest.type]

    def look(self) -> Address | None:
        """One look; None when the address isn't there yet. Raises what waiting won't cure."""
        try:
            interfaces = self._interfaces()
        except PveError as error:
            self._bear(error)
            return None
        self.seen, self.hint = summary(interfaces), HINTS[self.guest.type]
        return pick(interfaces, self._want)

    def _interfaces(self) -> list[Json]:
        asked = containers_interfaces if self.guest.type == "lxc" else agents_interfaces
        return asked(self._read, self.guest)

    def _bear(self, error: PveError) -> None:
        """Remember what went wrong; look for a guest that moved."""
        if GONE.search(error.message):
            self.guest = find(self._read, self.guest.vmid)
        elif isinstance(error, PermissionDeniedError) or HOPELESS.search(error.message):
            raise StepFailedError(f"ask {place(self.guest)} for its address", error, (), (), advice(error)) from error
        self.seen, self.hint = error.said.rstrip("."), advice(error) or HINTS[self.guest.type]


def agents_interfaces(read: Reader, guest: Guest) -> list[Json]:
    """What a VM's agent says of its interfaces. Raises PveError for its error, which PVE passes on as a result."""
    path = guest.path("agent", "network-get-interfaces")
    found = (read.get(path) or {}).get("result")
    if isinstance(found, dict) and found.get("error"):
        raise PveError("GET", path, 500, f"Agent error: {found['error'].get('desc')}")
    return found or []


def containers_interfaces(read: Reader, guest: Guest) -> list[Json]:
    """What Proxmox VE says of a container's interfaces, in the form of an agent's answer."""
    return [_as_agent(row) for row in read.get(guest.path("interfaces")) or ()]


def _as_agent(row: Values) -> dict[str, Json]:
    """A row of a container's ``interfaces`` in the form of the agent's answer; before PVE 9 it has one of a family."""
    listed = row.get("ip-addresses")
    if listed is None:
        found = [ip_interface(text) for text in (row.get("inet"), row.get("inet6")) if text]
        listed = [{"ip-address": str(item.ip), "prefix": item.network.prefixlen} for item in found]
    return {"name": row.get("name"), "hardware-address": row.get("hwaddr"), "ip-addresses": listed}


def _mac_of(read: Reader, guest: Guest, nic: str) -> str:
    """MAC address of a network card as the guest's configuration has it."""
    found = MAC.search(str(read.get(guest.path("config")).get(nic, "")))
    if not found:
        raise ConfigError(f"{place(guest)} has no network card '{nic}'. Name one of its configuration.")
    return found.group().upper()


def guest_address(read: Reader, params: Values) -> dict[str, Json]:
    """Answer of the module guest_ip: the address, or WaitTimeoutError after ``wait_timeout`` seconds."""
    want, timeout = wanted(dict(params)), params["wait_timeout"]
    check_bounds(params, ("wait_timeout",))
    guest = meant(read, params)
    if params.get("nic"):
        want = replace(want, mac=_mac_of(read, guest, params["nic"]))
    wait = AddressWait(read, guest, want)
    found = poll(wait.look, timeout)
    if found is None:
        raise WaitTimeoutError(
            f"{place(wait.guest)} had no {want.described.removeprefix('an ')} after {timeout:g} s. "
            f"The last answer: {wait.seen}. {wait.hint}"
        )
    return {"changed": False, "vmid": guest.vmid, "name": guest.name, "node": wait.guest.node, **asdict(found)}
