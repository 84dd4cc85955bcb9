#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module disk_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: disk_info
short_description: List the disks of a Proxmox VE node
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists the disks of a node with what they are used for, and on request what is made on them.
  - Needs the privilege C(Sys.Audit) on V(/nodes/NODE). O(smart) and O(volumes) need C(Sys.Audit) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  node:
    description: Name of the node.
    type: str
    required: true
  disk:
    description: The disk to show, such as V(/dev/sdb) or its name below V(/dev/disk/by-id). Without it all are listed.
    type: str
  type:
    description: Which disks to show, the V(unused) ones or those that can take a journal of Ceph. Without it all.
    type: str
    choices: [unused, journal_disks]
  include_partitions:
    description: Whether partitions are listed, too.
    type: bool
    default: false
  skipsmart:
    description: Whether disks are not asked for their health, which takes long where there are many.
    type: bool
    default: false
  smart:
    description: Whether what each disk tells of its health is shown in full. Takes a request for each disk.
    type: bool
    default: false
  volumes:
    description: Whether directories, volume groups, thin pools and ZFS pools are listed, too.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Find unused disks
  homelab.pve.disk_info:
    node: father
    type: unused
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ found.disks | map(attribute='devpath') | join(', ') }}"

- name: See what is made on disks, and how the disks are
  homelab.pve.disk_info:
    node: father
    smart: true
    volumes: true
"""

RETURN = r"""
disks:
  description: The disks, ordered by device.
  type: list
  elements: dict
  returned: success
  contains:
    devpath:
      description: The device.
      type: str
    by_id_link:
      description: Its name below C(/dev/disk/by-id), which stays the same.
      type: str
    used:
      description: What it is used for, for example V(LVM), V(ZFS), V(ext4), V(partitions) or V(mounted). Null if it is
        unused.
      type: str
    size:
      description: Its size in bytes.
      type: int
    type:
      description: Its kind, V(hdd), V(ssd), V(nvme), V(usb), V(partition). Null where that isn't known.
      type: str
    model:
      description: Its model.
      type: str
    serial:
      description: Its serial number.
      type: str
    vendor:
      description: Its vendor.
      type: str
    wwn:
      description: Its World Wide Name.
      type: str
    health:
      description: What it says of its health, for example V(PASSED). Null where it isn't known.
      type: str
    wearout:
      description: How much of its life is left, in per cent.
      type: int
    rpm:
      description: Revolutions a minute, 0 for a disk that doesn't turn.
      type: int
    gpt:
      description: Whether it has a GUID partition table.
      type: bool
    mounted:
      description: Whether it is mounted.
      type: bool
    parent:
      description: The disk a partition is on.
      type: str
    osdid:
      description: Id of the Ceph OSD on it.
      type: int
    smart:
      description: What it tells of its health, with O(smart).
      type: dict
  sample:
    - {devpath: /dev/sdb, used: null, size: 68719476736, type: ssd, model: LAB_SSD, serial: LAB00098, health: PASSED}
directories:
  description: The directories, as M(homelab.pve.directory) returns them.
  type: list
  elements: dict
  returned: with O(volumes)
lvm_volumes:
  description: The volume groups and thin pools, as M(homelab.pve.lvm_volume) returns them.
  type: list
  elements: dict
  returned: with O(volumes)
zfs_pools:
  description: The ZFS pools, as M(homelab.pve.zfs_pool) returns them.
  type: list
  elements: dict
  returned: with O(volumes)
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.disk_info import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
