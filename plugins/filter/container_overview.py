# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people ask for about containers, out of what Proxmox VE tells of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_interface
from typing import Any

DOCUMENTATION = r"""
name: container_overview
author: homelab.pve contributors (@homelab)
version_added: 0.1.0
short_description: Sum up what is known about containers
description:
  - Takes containers as M(homelab.pve.container_info) returns them with O(homelab.pve.container_info#module:gather)
    V(status) and V(interfaces), and returns what people ask for about each.
positional: _input
options:
  _input:
    description: The containers.
    type: list
    elements: dict
    required: true
  tag:
    description: Tag of the containers that are ours.
    type: str
    default: homelab-pve
"""

EXAMPLES = r"""
- name: Look at all containers
  homelab.pve.container_info:
    gather: [status, interfaces]
  register: found

- name: Show what matters
  ansible.builtin.debug:
    msg: "{{ found.containers | homelab.pve.container_overview }}"
"""

RETURN = r"""
_value:
  description: A mapping for each container, in the same order.
  type: list
  elements: dict
  contains:
    vmid:
      description: Id.
      type: int
    name:
      description: Host name.
      type: str
    node:
      description: Node it is on.
      type: str
    status:
      description: V(running), V(stopped) or, where nobody could tell, V(unknown).
      type: str
    memory:
      description: Memory in MiB.
      type: int
    cores:
      description: Number of cores.
      type: float
    ip:
      description: Its addresses, without loopback and link-local ones.
      type: list
      elements: str
    tags:
      description: Tags.
      type: list
      elements: str
    ours:
      description: Whether it carries the tag.
      type: bool
    error:
      description: What could not be told, and why.
      type: str
"""

Container = Mapping[str, Any]

MIB = 1024 * 1024


def container_overview(containers: Iterable[Container], tag: str = "homelab-pve") -> list[dict[str, Any]]:
    """A row for each container that is no template."""
    return [_row(each, tag) for each in containers if not each.get("template")]


def _row(container: Container, tag: str) -> dict[str, Any]:
    current = container.get("current") or {}
    tags = list(container.get("tags") or [])
    return {
        "vmid": container["vmid"],
        "name": container["name"],
        "node": container["node"],
        "status": current.get("status", container["status"]),
        "memory": int(current["maxmem"]) // MIB if "maxmem" in current else None,
        "cores": current.get("cpus"),
        "ip": [address for card in container.get("interfaces") or [] for address in _global(card["addresses"])],
        "tags": tags,
        "ours": tag in tags,
        "error": container.get("error"),
    }


def _global(addresses: Iterable[str]) -> list[str]:
    """Without the prefix length, and only those that others can reach."""
    found = [ip_interface(text).ip for text in addresses]
    return [str(address) for address in found if not (address.is_loopback or address.is_link_local)]


class FilterModule:
    """Read by Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters of this file."""
        return {"container_overview": container_overview}
