#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module backup_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_info
short_description: List the backups of guests on Proxmox VE's storages
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists the backups on all storages that hold such, the newest first. Every criterion that is set has to be met.
  - A shared storage is read once, by one of its nodes. A node that is offline and a storage that is not active are
    left out, with a warning.
  - Needs the privileges C(Datastore.AllocateSpace) on the storages and C(VM.Backup) on the guests, or
    C(Datastore.Allocate) on the storages; other backups are not seen. O(config) needs the first two.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  vmid:
    description: Id of the guest. It need not exist any more.
    type: int
  storage:
    description: Id of the storage.
    type: str
  node:
    description: Node that is asked. Without it all are.
    type: str
  config:
    description: Whether to tell the configuration in each backup, too. It is one more request for each.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Look for backups of a guest
  homelab.pve.backup_info:
    vmid: 104
  register: found

- name: Show the newest
  ansible.builtin.debug:
    msg: "{{ found.backups | map(attribute='volid') | first | default('there is none') }}"

- name: See how the guest was configured then
  homelab.pve.backup_info:
    vmid: 104
    storage: local
    config: true
"""

RETURN = r"""
backups:
  description: The backups, the newest first.
  type: list
  elements: dict
  returned: success
  contains:
    volid:
      description: Id of the volume.
      type: str
    node:
      description: Node that told of it.
      type: str
    storage:
      description: Storage it is on.
      type: str
    vmid:
      description: Id of the guest. Null for a file whose name does not say it.
      type: int
    type:
      description: Type of the guest, V(qemu) or V(lxc). Null for a file whose name does not say it.
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
      description: What a backup server found when it looked at it last, V(ok) or V(failed). Null where nobody looked.
      type: str
    encrypted:
      description: Whether it is encrypted, which a backup server's may be.
      type: bool
    config:
      description: Configuration of the guest in it, by option, as Proxmox VE writes it. With O(config) only.
      type: dict
  sample:
    - volid: local:backup/vzdump-qemu-104-2026_01_01-02_30_00.vma.zst
      node: father
      storage: local
      vmid: 104
      type: qemu
      ctime: 1767234600
      size: 1073741824
      format: vma.zst
      notes: web
      protected: false
      verification: null
      encrypted: false
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.backups import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
