#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module vm_destroy."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_destroy
short_description: Remove discovered guests of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Removes guests that M(homelab.pve.vm_discover) found, with their disks and their entries in backup jobs, replication
    and HA. A running guest is shut down, and stopped hard after O(stop_timeout). One that HA manages is taken out of
    HA before.
  - Right before, it is checked again that the vmid still has the discovered name. Templates, protected guests and
    guests without the O(tag) are left alone.
  - One guest that can't be removed doesn't stop the others; the module fails at the end and names it. A guest that is
    gone already is no failure.
  - Needs the privileges C(VM.Audit) and C(VM.Allocate) on the guests, C(VM.PowerMgmt) on those that run, and
    C(Sys.Console) on V(/) for those that are resources of HA.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  vms:
    description: The guests, as M(homelab.pve.vm_discover) returns them. Only C(vmid) and C(name) are used.
    type: list
    elements: dict
    required: true
    suboptions:
      vmid:
        description: Id of the guest.
        type: int
        required: true
      name:
        description: Name the guest had when it was discovered.
        type: str
      node:
        description: Not used; guests move.
        type: str
      status:
        description: Not used; read again.
        type: str
      type:
        description: Not used; read again.
        type: str
      pool:
        description: Not used.
        type: str
      template:
        description: Not used; read again.
        type: bool
      tags:
        description: Not used; read again.
        type: list
        elements: str
  adopt:
    description: Whether guests without the O(tag) are removed too.
    type: bool
    default: false
  tag:
    description: Tag that marks the guests that may be removed.
    type: str
    default: homelab-pve
  stop_timeout:
    description: Seconds a guest has to shut down before it is stopped hard.
    type: int
    default: 60
  max_parallel:
    description: How many guests are removed at once.
    type: int
    default: 4
"""

EXAMPLES = r"""
- name: Find the guests this automation made
  homelab.pve.vm_discover:
    name_pattern: homelab-vm*
    vmid_range: [99900, 99999]
  register: found

- name: Remove them
  homelab.pve.vm_destroy:
    vms: "{{ found.vms }}"
    stop_timeout: 30
"""

RETURN = r"""
destroyed:
  description: The guests that were removed, or in check mode would be.
  type: list
  elements: dict
  returned: always
  sample: [{vmid: 99900, name: homelab-vm}]
absent:
  description: The guests that were gone already.
  type: list
  elements: dict
  returned: always
  sample: []
failures:
  description: The guests that could not be removed, each with the reason in C(msg).
  type: list
  elements: dict
  returned: always
  sample: []
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["stop vm 99900 (homelab-vm)"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.destroy import OPTIONS, destroy
from ansible_collections.homelab.pve.plugins.module_utils.module import Action, act
from ansible_collections.homelab.pve.plugins.module_utils.resources.removal import REMOVAL


def main() -> None:
    """Entry point."""
    act(Action(OPTIONS, destroy, REMOVAL.writes))


if __name__ == "__main__":
    main()
