# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface files of a node with its address moved to a bridge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DOCUMENTATION = r"""
name: bridge_interfaces
author: homelab.pve contributors (@homelab)
version_added: 0.1.0
short_description: Move an address to a bridge in the interface files of a node
description:
  - Takes the texts of C(/etc/network/interfaces) and of the files it includes, and returns those that have to change
    so that a bridge stands on an interface and carries its IPv4 address.
  - Only the stanzas of the bridge and the IPv4 stanza of the interface below it change. Everything else, comments and
    blank lines included, stays as it is.
  - Nothing has to change when the files say so already; the result is empty then.
positional: _input
options:
  _input:
    description: Text by path. C(/etc/network/interfaces) has to be among them.
    type: dict
    required: true
  bridge:
    description: Name of the bridge.
    type: str
    required: true
  uplink:
    description: Name of the interface the bridge stands on.
    type: str
    required: true
  address:
    description: V(dhcp), or the address of the bridge as CIDR.
    type: str
    default: dhcp
  gateway:
    description: The default gateway that goes with a static address.
    type: str
    default: ""
  mac:
    description:
      - MAC address the bridge takes, that of the interface below it, so that a DHCP server gives it the same lease.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show what would be written
  ansible.builtin.debug:
    msg: "{{ {'/etc/network/interfaces': text} | homelab.pve.bridge_interfaces(bridge='vmbr0', uplink='eth0') }}"
  vars:
    text: |
      auto eth0
      iface eth0 inet dhcp
"""

RETURN = r"""
_value:
  description: New text by path, of the files that have to change.
  type: dict
"""

MAIN_FILE = "/etc/network/interfaces"
# interfaces(5): a line that begins with one of these begins a stanza; `allow-` is a prefix.
STANZA_WORDS = frozenset(
    {"iface", "auto", "mapping", "source", "source-directory", "rename", "no-auto-down", "no-scripts"}
)

Stanza = list[str]


def begins_stanza(line: str) -> bool:
    """Whether a line of an interface file begins a stanza."""
    words = line.split()
    return bool(words) and (words[0] in STANZA_WORDS or words[0].startswith("allow-"))


def is_filler(line: str) -> bool:
    """Whether a line is blank or a comment."""
    return not line.strip() or line.lstrip().startswith("#")


def split_stanzas(text: str) -> list[Stanza]:
    """The lines of a file, grouped by stanza; blank lines and comments behind one form a group of their own."""
    groups: list[Stanza] = [[]]
    for line in text.splitlines():
        if begins_stanza(line):
            groups[-1], filler = split_filler(groups[-1])
            groups += [filler, [line]]
        else:
            groups[-1].append(line)
    groups[-1], filler = split_filler(groups[-1])
    return [group for group in [*groups, filler] if group]


def split_filler(group: Stanza) -> tuple[Stanza, Stanza]:
    """A group without its trailing blank lines and comments, and these."""
    end = len(group)
    while end and is_filler(group[end - 1]):
        end -= 1
    return group[:end], group[end:]


def configures(stanza: Stanza, name: str) -> bool:
    """Whether a stanza is the IPv4 configuration of an interface."""
    return stanza[0].split()[:3] == ["iface", name, "inet"]


def starts(stanza: Stanza, name: str) -> bool:
    """Whether a stanza brings an interface up at boot."""
    words = stanza[0].split()
    return bool(words) and words[0] == "auto" and name in words[1:]


def bridge_stanza(bridge: str, uplink: str, address: str, gateway: str, mac: str) -> Stanza:
    """The stanza of the bridge, in the form Proxmox VE writes it."""
    options = {
        "address": "" if address == "dhcp" else address,
        "gateway": "" if address == "dhcp" else gateway,
        "hwaddress": mac,
        "bridge-ports": uplink,
        "bridge-stp": "off",
        "bridge-fd": "0",
    }
    method = "dhcp" if address == "dhcp" else "static"
    return [f"iface {bridge} inet {method}", *(f"\t{key} {value}" for key, value in options.items() if value)]


def rewrite(text: str, change: Callable[[Stanza], Stanza]) -> str:
    """A text with a change made to each of its stanzas; the same text when there is none to make."""
    before = split_stanzas(text)
    after = [change(stanza) for stanza in before]
    return text if before == after else "".join(line + "\n" for stanza in after for line in stanza)


def appended(text: str, stanza: Stanza) -> str:
    """A text with a stanza behind it, one blank line between them."""
    lines = "".join(line + "\n" for line in stanza)
    return f"{text.rstrip()}\n\n{lines}" if text.strip() else lines


def bridge_interfaces(
    files: dict[str, str], *, bridge: str, uplink: str, address: str = "dhcp", gateway: str = "", mac: str = ""
) -> dict[str, str]:
    """Interface files that have to change, text by path, for a bridge to stand on an uplink and carry its address.

    :param files: text by path, ``/etc/network/interfaces`` and what it includes
    :param address: ``dhcp`` or the bridge's address as CIDR
    """
    wanted = bridge_stanza(bridge, uplink, address, gateway, mac)
    manual = [f"iface {uplink} inet manual"]

    def change(stanza: Stanza) -> Stanza:
        if configures(stanza, bridge):
            return wanted
        return manual if configures(stanza, uplink) else stanza

    after = {path: rewrite(text, change) for path, text in files.items()}
    stanzas = [stanza for text in after.values() for stanza in split_stanzas(text)]
    missing = [
        stanza
        for stanza, there in (
            (manual, any(configures(stanza, uplink) for stanza in stanzas)),
            ([f"auto {bridge}"], any(starts(stanza, bridge) for stanza in stanzas)),
            (wanted, any(configures(stanza, bridge) for stanza in stanzas)),
        )
        if not there
    ]
    if missing:
        lines = [line for stanza in missing for line in stanza]
        after[MAIN_FILE] = appended(after.get(MAIN_FILE, ""), lines)
    return {path: text for path, text in after.items() if text != files.get(path)}


class FilterModule:
    """The filters of this file, by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filter functions by name."""
        return {"bridge_interfaces": bridge_interfaces}
