#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module vm_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_info
short_description: Show VMs of a Proxmox VE cluster
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Shows VMs of all nodes that meet every criterion that is set. The list takes one request; what O(gather) asks
    for takes further ones for each VM, several at once.
  - A VM or a node that does not answer hides no other; the reason is in the C(error) of the VM.
  - Needs the privilege C(VM.Audit) on the VMs; others are not seen. V(agent) in O(gather) needs, on Proxmox VE 9,
    C(VM.GuestAgent.Audit) (before, C(VM.Monitor)).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
  - homelab.pve.guest_filters
  - homelab.pve.guest_filters.info
options:
  gather:
    description:
      - What else to tell about each VM.
      - V(config) is its configuration as it will be after its next start, V(pending) what of it waits for that,
        V(status) its state in detail, V(snapshots) its snapshots.
      - V(agent) is what the agent of a running VM says; null where there is no agent.
    type: list
    elements: str
    choices: [config, pending, status, snapshots, agent]
    default: []
"""

EXAMPLES = r"""
- name: Look at all VMs of a pool
  homelab.pve.vm_info:
    pool: production

- name: Look closely at two of them
  homelab.pve.vm_info:
    vmid: [104, 105]
    gather: [config, pending, snapshots, agent]
  register: closely

- name: Show the addresses their agents tell
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.agent.interfaces | map(attribute='addresses') | flatten }}"
  loop: "{{ closely.vms | selectattr('agent') }}"
  loop_control:
    label: "{{ item.vmid }}"

- name: Stop if something could not be told
  ansible.builtin.assert:
    that: closely.vms | selectattr('error') | length == 0 and not closely.missing
"""

RETURN = r"""
vms:
  description: The VMs, ordered by vmid.
  type: list
  elements: dict
  returned: success
  contains:
    vmid:
      description: Id of the VM.
      type: int
    name:
      description: Name of the VM.
      type: str
    node:
      description: Node it is on.
      type: str
    status:
      description: State as the cluster knows it, which may be some seconds old. A new one is V(unknown) at first.
      type: str
    type:
      description: V(qemu).
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
    agent:
      description: What the agent says.
      type: dict
      contains:
        hostname:
          description: The host name in the guest.
          type: str
        os:
          description: Its operating system.
          type: str
        interfaces:
          description: Its network interfaces.
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
    - {vmid: 104, name: web, node: father, status: running, type: qemu, template: false, tags: [], error: null}
missing:
  description: Those of O(vmid) that are no VM, or that the login may not see.
  type: list
  elements: int
  returned: success
  sample: []
"""

from ansible_collections.homelab.pve.plugins.module_utils.guest_info import VM_PARTS, info, options
from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask


def main() -> None:
    """Entry point."""
    ask(Question(options(VM_PARTS), info("qemu", "vms", VM_PARTS)))


if __name__ == "__main__":
    main()
