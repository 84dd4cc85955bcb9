#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module container_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_info
short_description: Show containers of a Proxmox VE cluster
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Shows containers of all nodes that meet every criterion that is set. The list takes one request; what O(gather) asks
    for takes further ones for each container, several at once.
  - A container or a node that does not answer hides no other; the reason is in the C(error) of the container.
  - Needs the privilege C(VM.Audit) on the containers; others are not seen.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
  - homelab.pve.guest_filters
  - homelab.pve.guest_filters.info
options:
  gather:
    description:
      - What else to tell about each container.
      - V(config) is its configuration as it will be after its next start, V(pending) what of it waits for that,
        V(status) its state in detail, V(snapshots) its snapshots.
      - V(interfaces) are the network interfaces of a running container.
    type: list
    elements: str
    choices: [config, pending, status, snapshots, interfaces]
    default: []
"""

EXAMPLES = r"""
- name: Look at all containers that run
  homelab.pve.container_info:
    status: running

- name: Look closely at some
  homelab.pve.container_info:
    name_pattern: ct-*
    gather: [config, status, interfaces]
  register: closely

- name: Show their addresses
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.interfaces | map(attribute='addresses') | flatten }}"
  loop: "{{ closely.containers | selectattr('interfaces') }}"
  loop_control:
    label: "{{ item.vmid }}"
"""

RETURN = r"""
containers:
  description: The containers, ordered by vmid.
  type: list
  elements: dict
  returned: success
  contains:
    vmid:
      description: Id of the container.
      type: int
    name:
      description: Name of the container.
      type: str
    node:
      description: Node it is on.
      type: str
    status:
      description: State as the cluster knows it, which may be some seconds old. A new one is V(unknown) at first.
      type: str
    type:
      description: V(lxc).
      type: str
    template:
      description: Whether it is a template.
      type: bool
    tags:
      description: Its tags.
      type: list
      elements: str
    pool:
      description: Its pool, if any.
      type: str
    lock:
      description: What Proxmox VE is doing to it and keeps others from, for example V(backup).
      type: str
    config:
      description: The configuration in the words of Proxmox VE, if O(gather) asks for it. Without passwords.
      type: dict
    pending:
      description: Options that wait for the next start, each with C(key), C(value) and C(pending), or C(delete).
      type: list
      elements: dict
    current:
      description: What Proxmox VE answers to C(status/current), if O(gather) has V(status).
      type: dict
    snapshots:
      description: The snapshots, the oldest first, as M(homelab.pve.snapshot_info) returns them.
      type: list
      elements: dict
    interfaces:
      description: Its network interfaces while it runs.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the interface.
          type: str
        mac:
          description: Its MAC address.
          type: str
        addresses:
          description: Its addresses, with the prefix length.
          type: list
          elements: str
    error:
      description: What could not be told, and why. What went wrong is null then, everything else is there.
      type: str
  sample:
    - {vmid: 200, name: ct-1, node: father, status: running, type: lxc, template: false, tags: [], error: null}
missing:
  description: Those of O(vmid) that are no container, or that the login may not see.
  type: list
  elements: int
  returned: success
  sample: []
"""

from ansible_collections.homelab.pve.plugins.module_utils.guest_info import CONTAINER_PARTS, info, options
from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask


def main() -> None:
    """Entry point."""
    ask(Question(options(CONTAINER_PARTS), info("lxc", "containers", CONTAINER_PARTS)))


if __name__ == "__main__":
    main()
