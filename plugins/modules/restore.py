#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module restore."""

from __future__ import annotations

DOCUMENTATION = r"""
module: restore
short_description: Restore a guest of Proxmox VE from a backup
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes a VM or container from a backup, under the id it had or another one, and waits until that is done.
  - A guest that is there already is left alone, unless O(force) says that it is to be restored over. Everything on its
    disks, and its snapshots, are lost then. Each run with O(force) restores again.
  - Before anything is changed it is made sure that the backup is there, that it is of the same type as the guest, that
    the configuration in it can be read, and that the guest is stopped and not protected.
  - Needs the privileges C(Datastore.AllocateSpace) on the backup's storage and C(VM.Backup) on the guest it is of,
    C(VM.Allocate) and C(VM.Audit) on V(/vms/VMID), C(Datastore.AllocateSpace) on the storages its disks go to and
    C(SDN.Use) on its bridges. Without O(node) it needs C(Datastore.Audit) on the backup's storage, to start or stop the
    guest C(VM.PowerMgmt), for a container that is not unprivileged C(Sys.Modify) on V(/), for O(ha_managed)
    C(Sys.Console) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  vmid:
    description: Id of the guest that is made, or restored over.
    type: int
    required: true
  archive:
    description:
      - Id of the backup, as M(homelab.pve.backup_info) tells it.
      - For V(root@pam) also the path of a file on O(node) with a name as vzdump gives it.
    type: str
  backup_storage:
    description: In place of O(archive) the storage whose newest backup is taken.
    type: str
  backup_of:
    description: Id of the guest the newest backup on O(backup_storage) is to be of. Without it O(vmid).
    type: int
  node:
    description:
      - Node of the guest. Needed for a new guest when several nodes have the backup's storage without sharing it.
    type: str
  storage:
    description: >-
      Storage for its disks. Without it a VM's go to storages of the names they were on, a container's to V(local).
    type: str
  pool:
    description: Pool it is to be in.
    type: str
  force:
    description: Whether a guest that is there is restored over.
    type: bool
    default: false
  stop:
    description: Whether a guest that is restored over may be stopped, hard. Without it one that runs is refused.
    type: bool
    default: false
  start:
    description: Whether it is started afterwards.
    type: bool
    default: false
  unique:
    description: Whether its network cards get new MAC addresses, as a copy beside the original needs them.
    type: bool
  bwlimit:
    description: Limit in KiB/s; V(0) for none.
    type: int
  ha_managed:
    description: Whether it becomes a resource of high availability. Proxmox VE 9 has it.
    type: bool
  live_restore:
    description: >-
      Whether a VM is started at once and its disks are restored while it runs. Proxmox VE does that from a backup
      server.
    type: bool
  ignore_unpack_errors:
    description: Whether a container is kept whose files could not all be restored.
    type: bool
  unprivileged:
    description: Whether a container is restored as an unprivileged one. Without it as it was.
    type: bool
  verify:
    description:
      - Whether the configuration in the backup is read before, and compared with the guest's afterwards.
      - What differs is told as a warning and in RV(differences). Ids of volumes always do, MAC addresses with
        O(unique).
    type: bool
    default: true
  wait_timeout:
    description: Seconds the restore may take. It is not stopped when they have passed.
    type: float
    default: 14400
"""

EXAMPLES = r"""
- name: Have a VM back that is gone, from its newest backup
  homelab.pve.restore:
    vmid: 104
    backup_storage: local
    start: true

- name: Make a copy of it beside it
  homelab.pve.restore:
    vmid: 204
    backup_of: 104
    backup_storage: local
    storage: local-lvm
    unique: true
  register: copy

- name: Show what it was made from
  ansible.builtin.debug:
    msg: "{{ copy.archive }}"

- name: Put a VM back to what it was
  homelab.pve.restore:
    vmid: 104
    backup_storage: local
    force: true
    stop: true
"""

RETURN = r"""
vmid:
  description: Id of the guest.
  type: int
  returned: success
  sample: 104
node:
  description: Node it is on.
  type: str
  returned: success
  sample: father
type:
  description: Its type, V(qemu) or V(lxc).
  type: str
  returned: success
  sample: qemu
name:
  description: Its name. Null in check mode for one that is not there yet.
  type: str
  returned: success
  sample: web
archive:
  description: Id of the backup it was made from. Null when it was left alone.
  type: str
  returned: success
  sample: local:backup/vzdump-qemu-104-2026_01_01-02_30_00.vma.zst
differences:
  description: What its configuration has otherwise than the backup.
  type: list
  elements: dict
  returned: success
  contains:
    option:
      description: The option.
      type: str
    archived:
      description: What the backup has.
      type: str
    restored:
      description: What the guest has. Null for nothing.
      type: str
  sample: []
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["restore local:backup/vzdump-qemu-104-2026_01_01-02_30_00.vma.zst as vm 104 on father", "start vm 104"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.restore import RESTORE


def main() -> None:
    """Entry point."""
    run(RESTORE)


if __name__ == "__main__":
    main()
