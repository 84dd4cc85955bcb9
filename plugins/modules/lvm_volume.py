#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module lvm_volume."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lvm_volume
short_description: Declare a volume group or thin pool on a disk of a Proxmox VE node
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes an LVM volume group on an unused disk, or a thin pool in a volume group of its own, and removes them.
  - A disk in use is refused, and so is removing what has logical volumes or data in it.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/). O(add_storage) and O(cleanup_config) also need
    C(Datastore.Allocate) on V(/storage). Which data is on it is seen with C(Datastore.Audit) on V(/storage) and
    C(VM.Audit) on the guests.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
  - homelab.pve.disk_volume
options:
  type:
    description: What it is, a volume group (V(lvm)) or a thin pool (V(lvmthin)).
    type: str
    choices: [lvm, lvmthin]
    default: lvm
  device:
    description:
      - The disk, or partition, such as V(/dev/sdb) or its name below V(/dev/disk/by-id). Needed to make it; of what is
        there it isn't compared.
    type: str
  volume_group:
    description:
      - The volume group of a thin pool that is there. Without it, the group that has the pool's name, as Proxmox VE
        makes it. The group stays when the pool is removed, unless O(cleanup_disks) is set.
    type: str
"""

EXAMPLES = r"""
- name: Make a thin pool on the second disk, and a storage in it
  homelab.pve.lvm_volume:
    node: father
    name: fast
    type: lvmthin
    device: /dev/sdb
    add_storage: true

- name: Remove the pool with its group and storage
  homelab.pve.lvm_volume:
    node: father
    name: fast
    type: lvmthin
    state: absent
    cleanup_config: true
    cleanup_disks: true

- name: Make a volume group on a disk that is known by its serial number
  homelab.pve.lvm_volume:
    node: father
    name: vg1
    device: /dev/disk/by-id/ata-LAB_SSD_LAB00099
"""

RETURN = r"""
lvm_volume:
  description: The volume group or thin pool.
  type: dict
  returned: when it exists
  contains:
    name:
      description: Its name.
      type: str
    type:
      description: V(lvm) or V(lvmthin).
      type: str
    volume_group:
      description: The volume group of a thin pool.
      type: str
    devices:
      description: The disks of a volume group.
      type: list
    size:
      description: Its size in bytes.
      type: int
    used:
      description: How many bytes of it are used.
      type: int
    logical_volumes:
      description: How many logical volumes a volume group has.
      type: int
  sample: {name: vg1, type: lvm, devices: [/dev/sdc], size: 68719476736, used: 0, logical_volumes: 0}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["make volume group vg1 of node father"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.lvm_volume import LVM_VOLUME


def main() -> None:
    """Entry point."""
    run(LVM_VOLUME)


if __name__ == "__main__":
    main()
