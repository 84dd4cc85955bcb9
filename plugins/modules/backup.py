#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module backup."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup
short_description: Back up guests of Proxmox VE now
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Backs up VMs and containers and waits until that is done. Each node that has such guests runs one task, one node
    after the other.
  - It acts each time, unless O(max_age) says which backups are fresh enough.
  - The options have Proxmox VE's own names, with underscores. What is left unset, a node takes from its
    C(/etc/vzdump.conf).
  - When some of a node's guests fail, its others are backed up all the same. The message then names each guest that
    failed, with the reason and its last log lines, and the nodes that were not begun.
  - Proxmox VE leaves guests silently out of O(all) and O(pool) that the login may not back up; here they fail.
  - Needs the privileges C(VM.Audit) and C(VM.Backup) on the guests and C(Datastore.AllocateSpace) on O(storage).
    O(prune_backups) also needs C(Datastore.Allocate) on O(storage), a storage in O(fleecing)
    C(Datastore.AllocateSpace) on that, and O(bwlimit), O(ionice) and O(performance) C(Sys.Modify) on V(/). O(dumpdir),
    O(script) and O(tmpdir) are for V(root@pam) only.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
  - homelab.pve.vzdump
options:
  all:
    description: Whether all guests that the login may see are backed up, but those of O(exclude).
    type: bool
  exclude:
    description: Ids of guests that are left out of all. Alone it says O(all), too.
    type: list
    elements: int
  max_age:
    description:
      - Hours. A guest is left alone that has a backup on the storage which is not older, and which a backup server has
        not found damaged. Without it every guest is backed up.
      - The age is told by this machine's clock.
    type: float
  node:
    description: Node whose guests only are backed up.
    type: str
  pool:
    description: Pool whose guests are backed up.
    type: str
  vmid:
    description: Ids of the guests that are backed up.
    type: list
    elements: int
  wait_timeout:
    description: Seconds a node's task may take. It is not stopped when they have passed.
    type: float
    default: 14400
"""

EXAMPLES = r"""
- name: Back up a VM before it is upgraded
  homelab.pve.backup:
    vmid: [104]
    storage: local
    mode: snapshot
    compress: zstd
    notes_template: "{{ '{{guestname}}' }} before the upgrade"
    protected: true
    max_age: 1
  register: made

- name: Show where it is
  ansible.builtin.debug:
    msg: "{{ made.backups[0].volid }} ({{ made.backups[0].size | human_readable }})"

- name: Have a backup of everything that is not older than a day, and keep the last three
  homelab.pve.backup:
    all: true
    exclude: [9000]
    storage: local
    compress: zstd
    prune_backups: {keep-last: 3}
    max_age: 24
"""

RETURN = r"""
backups:
  description: The newest backup of each guest on the storage, by vmid. In check mode those that are there.
  type: list
  elements: dict
  returned: success
  contains:
    volid:
      description: Id of the volume.
      type: str
    node:
      description: Node the guest is on.
      type: str
    storage:
      description: Storage it is on.
      type: str
    vmid:
      description: Id of the guest.
      type: int
    type:
      description: Type of the guest, V(qemu) or V(lxc).
      type: str
    ctime:
      description: When it was made, in seconds since 1970.
      type: int
    size:
      description: Its size in bytes.
      type: int
    format:
      description: Its format, as Proxmox VE tells it.
      type: str
    notes:
      description: The first line of its notes, empty without any. Proxmox VE lists no more.
      type: str
    protected:
      description: Whether it is protected from being pruned and removed.
      type: bool
    verification:
      description: What a backup server found when it looked at it last. Null where nobody looked.
      type: str
    encrypted:
      description: Whether it is encrypted.
      type: bool
  sample:
    - volid: local:backup/vzdump-qemu-104-2026_01_01-02_30_00.vma.zst
      node: father
      storage: local
      vmid: 104
      type: qemu
      size: 1073741824
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["back up vm 104 on father to local"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.backup import BACKUP


def main() -> None:
    """Entry point."""
    run(BACKUP)


if __name__ == "__main__":
    main()
