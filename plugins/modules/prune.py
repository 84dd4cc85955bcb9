#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module prune."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prune
short_description: Remove old backups from a storage of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Removes the backups on a storage that retention does not keep, of each guest for itself. Check mode and the diff
    show which those are.
  - Backups that are protected, and files whose names are not vzdump's, stay.
  - Needs the privileges C(Datastore.AllocateSpace) and, without O(vmid), C(Datastore.Allocate) on the storage, with
    O(vmid) C(VM.Backup) on the guest. Without O(node) it needs C(Datastore.Audit) on the storage, too.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  storage:
    description: Id of the storage.
    type: str
    required: true
  node:
    description: Node of the storage. Only needed for a storage that several nodes have without sharing it.
    type: str
  prune_backups:
    description:
      - What is kept of each guest, with C(keep-last), C(keep-daily) and so on, or in Proxmox VE's form. With nothing
        but zeros all is kept.
      - Without it, what the storage's own option C(prune_backups) says.
    type: raw
  type:
    description: Type of the guests whose backups are pruned. Without it both.
    type: str
    choices: [qemu, lxc]
  vmid:
    description: Guest whose backups are pruned. Without it those of all guests.
    type: int
  wait_timeout:
    description: Seconds the removal may take.
    type: float
    default: 1800
"""

EXAMPLES = r"""
- name: Keep the newest backup of a guest
  homelab.pve.prune:
    storage: local
    vmid: 104
    prune_backups: {keep-last: 1}
  register: pruned

- name: Show what went
  ansible.builtin.debug:
    msg: "{{ pruned.removed }}"

- name: Keep a week of daily backups and a month of weekly ones of every guest
  homelab.pve.prune:
    storage: local
    prune_backups: {keep-daily: 7, keep-weekly: 4}
"""

RETURN = r"""
removed:
  description: Ids of the backups that were removed; in check mode of those that would be.
  type: list
  elements: str
  returned: success
  sample: ["local:backup/vzdump-qemu-104-2026_01_01-02_30_00.vma.zst"]
kept:
  description: Ids of the backups that retention keeps.
  type: list
  elements: str
  returned: success
  sample: ["local:backup/vzdump-qemu-104-2026_01_02-02_30_00.vma.zst"]
protected:
  description: Ids of the backups that are protected, or have names that are not vzdump's.
  type: list
  elements: str
  returned: success
  sample: []
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["remove 1 of 2 backups on local: local:backup/vzdump-qemu-104-2026_01_01-02_30_00.vma.zst"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.prune import PRUNING


def main() -> None:
    """Entry point."""
    run(PRUNING)


if __name__ == "__main__":
    main()
