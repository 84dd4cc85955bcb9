#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module vms."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vms
short_description: Declare many virtual machines of Proxmox VE at once
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Does for a list of virtual machines what M(homelab.pve.vm) does for one, over one session and several at a time.
    What answers for all of them is asked once, so a hundred VMs that are as wished cost about a hundred requests.
  - When an entry can't be right, or two entries mean the same VM, nothing is changed. Later, one VM that fails doesn't
    stop the others; the module fails at the end and names each that failed.
  - New VMs without O(guests[].vmid) get ids that differ. A VM can't be cloned from another one of the same list.
    Proxmox VE clones a running VM once at a time; the other clones wait for it, up to O(guests[].wait_timeout).
  - Needs the same privileges as M(homelab.pve.vm), on each of the VMs.
extends_documentation_fragment:
  - homelab.pve.vm_options.many
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  max_parallel:
    description:
      - How many VMs are dealt with at a time. With O(transport=ssh) no more than the C(MaxSessions) of the node's sshd
        can be, which is 10 unless changed.
    type: int
    default: 8
"""

EXAMPLES = r"""
- name: Make three VMs from one template and start them
  homelab.pve.vms:
    defaults:
      clone: debian-12
      vmid_range: [200, 299]
      state: started
      cores: 2
      memory: 1G
      tags: [homelab-pve]
      net:
        net0: {bridge: vmbr0}
    guests:
      - name: web
        net:
          net0: {tag: 20}
      - name: db
        memory: 2G
      - name: queue

- name: Make one for each student
  homelab.pve.vms:
    defaults:
      clone: debian-12
      tags: [course]
    guests:
      - name: ada
      - name: grace
      - name: linus

- name: Remove some of them
  homelab.pve.vms:
    defaults:
      state: absent
      force: true
    guests:
      - name: queue
      - name: grace
"""

RETURN = r"""
guests:
  description: What became of each VM, in the order of O(guests).
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: Name of the VM.
      type: str
      returned: when the VM exists, or is named in the wish
      sample: web
    vmid:
      description: Id of the VM.
      type: int
      returned: when the VM exists, or its id is in the wish
      sample: 200
    changed:
      description: Whether it was changed.
      type: bool
      returned: always
    plan:
      description:
        - The steps, in words. Without steps, the reason why there are none. For a VM that failed, the steps that were
          done before.
      type: list
      elements: str
      returned: always
      sample: ["set cores of vm 200 (web)"]
    diff:
      description: What was changed.
      type: dict
      returned: always
    msg:
      description: What failed.
      type: str
      returned: when the VM could not be brought to its wish
    error:
      description:
        - What failed, for programs, with C(kind), and with C(status), C(message) and C(errors) of Proxmox VE's answer.
      type: dict
      returned: when the VM could not be brought to its wish
    node:
      description: Node the VM is on.
      type: str
      returned: when the VM exists
      sample: father
    status:
      description: V(running), V(stopped) or V(paused).
      type: str
      returned: when the VM exists
      sample: running
    template:
      description: Whether it is a template.
      type: bool
      returned: when the VM exists
    nics:
      description: Network cards by name, as M(homelab.pve.vm) returns them.
      type: dict
      returned: when the VM exists
    config:
      description: The configuration as Proxmox VE gives it, without secrets.
      type: dict
      returned: when the VM exists
    pending:
      description:
        - Options in which the running VM differs from its configuration until it is restarted. In check mode, those
          that would after the change.
      type: list
      elements: str
      returned: when the VM exists
    restart_required:
      description: Whether something waits for a restart, that is whether C(pending) has entries.
      type: bool
      returned: when the VM exists
    ha:
      description: The VM as a resource of the HA manager.
      type: dict
      returned: when O(guests[].ha) is set and the VM is managed
      sample: {state: started, max_restart: 2}
plan:
  description: The steps for all VMs, in words.
  type: list
  elements: str
  returned: always
  sample: ["set cores of vm 200 (web)", "start vm 201 (db)"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.guest_list import converge, list_options
from ansible_collections.homelab.pve.plugins.module_utils.module import Action, act
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import VM


def main() -> None:
    """Entry point."""
    act(Action(list_options(VM), converge(VM), VM.writes))


if __name__ == "__main__":
    main()
