#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module snapshot_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: snapshot_info
short_description: Show the snapshots of a Proxmox VE guest
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Shows the snapshots of a VM or container, which stems from which, and which one the present state stems from.
  - For the snapshots of many guests use O(homelab.pve.vm_info#module:gather) of M(homelab.pve.vm_info).
  - Needs the privilege C(VM.Audit) on the guest.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  vmid:
    description: Id of the guest. Give either this or O(name).
    type: int
  name:
    description: Name of the guest.
    type: str
"""

EXAMPLES = r"""
- name: Look at the snapshots of a guest
  homelab.pve.snapshot_info:
    vmid: 104
  register: web

- name: Show those older than a month
  ansible.builtin.debug:
    msg: >-
      {{ web.snapshots | selectattr('snaptime', 'lt', now().timestamp() - 30 * 86400) | map(attribute='name') | list }}
"""

RETURN = r"""
vmid:
  description: Id of the guest.
  type: int
  returned: success
  sample: 104
name:
  description: Name of the guest.
  type: str
  returned: success
  sample: web
node:
  description: Node the guest is on.
  type: str
  returned: success
  sample: father
type:
  description: V(qemu) or V(lxc).
  type: str
  returned: success
  sample: qemu
status:
  description: V(running) or V(stopped).
  type: str
  returned: success
  sample: running
parent:
  description: The snapshot that the guest's present state stems from, if any.
  type: str
  returned: success
  sample: tuned
snapshots:
  description: All snapshots of the guest, the oldest first.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Its name.
      type: str
    description:
      description: The note about it.
      type: str
    snaptime:
      description: When it was taken, in seconds since 1970.
      type: int
    vmstate:
      description: Whether it has the VM's memory.
      type: bool
    parent:
      description: The snapshot it stems from, if any.
      type: str
    children:
      description: The snapshots that stem from it.
      type: list
      elements: str
    unfinished:
      description: What is, or was, being done to it; nothing for a complete one.
      type: str
  sample:
    - name: installed
      description: Fresh from the template
      snaptime: 1795178823
      vmstate: false
      parent: null
      children: [tuned]
      unfinished: null
tree:
  description: The names, each with those below it that stem from it.
  type: dict
  returned: success
  sample: {installed: {tuned: {}}}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.snapshots import INFO_OPTIONS, INFO_RULES, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info, INFO_RULES))


if __name__ == "__main__":
    main()
