# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of /etc/hosts with a machine's names on its own address."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

DOCUMENTATION = r"""
name: hosts_entry
author: homelab.pve contributors (@homelab)
version_added: 0.1.0
short_description: Put the names of a machine on its own address in /etc/hosts
description:
  - Takes the text of C(/etc/hosts) and returns it with the names on the address. Proxmox VE does not start on a node
    whose name stands for an address of the loopback network.
  - The names are taken from lines of the loopback network and from lines of other addresses of the same family. A line
    that has no name left goes. Everything else, comments included, stays as it is.
  - A line of the other family that is not of the loopback network stays; a node may have an address of each.
positional: _input
options:
  _input:
    description: The text of the file.
    type: str
    required: true
  address:
    description: The address of the machine, IPv4 or IPv6.
    type: str
    required: true
  names:
    description: Its names, the one with the domain first.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show what would be written
  ansible.builtin.debug:
    msg: "{{ text | homelab.pve.hosts_entry(address='192.0.2.5', names=['pve1.example.com', 'pve1']) }}"
  vars:
    text: |
      127.0.0.1 localhost
      127.0.1.1 pve1.example.com pve1
"""

RETURN = r"""
_value:
  description: The text of the file with the names on the address.
  type: str
"""

Address = IPv4Address | IPv6Address


def hosts_entry(text: str, address: str, names: list[str]) -> str:
    """The file with the names on the address. Raises ValueError for what is no address."""
    own = ip_address(address)
    lines = [kept for line in text.splitlines() if (kept := without(line, own, names)) is not None]
    if not any(says(line, own, names) for line in lines):
        lines.append(f"{address} {' '.join(names)}")
    return "".join(f"{line}\n" for line in lines)


def without(line: str, own: Address, names: list[str]) -> str | None:
    """The line without the names, where they do not belong there; nothing if no name is left."""
    entry, hash_, comment = line.partition("#")
    there, known = address_of(line), entry.split()[1:]
    if there is None or not misleading(there, own) or not set(known) & set(names):
        return line
    left = [name for name in known if name not in names]
    return f"{entry.split()[0]} {' '.join(left)}{' ' if comment else ''}{hash_}{comment}" if left else None


def says(line: str, own: Address, names: list[str]) -> bool:
    """Whether the line gives the address these names, in this order, before any other."""
    return address_of(line) == own and line.partition("#")[0].split()[1 : 1 + len(names)] == names


def misleading(there: Address, own: Address) -> bool:
    """Whether a name of this machine must not stand for that address."""
    return there != own and (there.is_loopback or there.version == own.version)


def address_of(line: str) -> Address | None:
    """The address a line is about; nothing for comments, blank lines and what is no address."""
    words = line.partition("#")[0].split()
    try:
        return ip_address(words[0].partition("%")[0]) if words else None
    except ValueError:
        return None


class FilterModule:
    """The filters of this file, by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filter functions by name."""
        return {"hosts_entry": hosts_entry}
