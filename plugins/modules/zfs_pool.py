#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module zfs_pool."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zfs_pool
short_description: Declare a ZFS pool on disks of a Proxmox VE node
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes a ZFS pool on unused disks, and destroys it.
  - Disks in use are refused, and so is destroying a pool with data in it.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/). O(add_storage) and O(cleanup_config) also need
    C(Datastore.Allocate) on V(/storage). Which data is on it is seen with C(Datastore.Audit) on V(/storage) and
    C(VM.Audit) on the guests.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
  - homelab.pve.disk_volume
options:
  raidlevel:
    description: The level of redundancy. Needed to make the pool; can't be changed later.
    type: str
    choices: [single, mirror, raid10, raidz, raidz2, raidz3, draid, draid2, draid3]
  devices:
    description:
      - The disks, or partitions, such as V(/dev/sdb) or their names below V(/dev/disk/by-id). With V(raid10) each two
        of them are a mirror. Needed to make the pool; of one that is there they aren't compared.
    type: list
    elements: str
  ashift:
    description:
      - Exponent of the sector size, from 9 to 16. Proxmox VE takes 12 without it. Has an effect only when the pool is
        made, as Proxmox VE doesn't tell it.
    type: int
  compression:
    description:
      - How data is compressed. Proxmox VE takes V(on) without it. Has an effect only when the pool is made, as Proxmox
        VE doesn't tell it.
    type: str
    choices: ["on", "off", gzip, lz4, lzjb, zle, zstd]
  draid_config:
    description:
      - How a dRAID is built, with the keys C(data), the data devices of a redundancy group, and C(spares). Has an
        effect only when the pool is made.
    type: raw
"""

EXAMPLES = r"""
- name: Make a mirror of two disks, and a storage on it
  homelab.pve.zfs_pool:
    node: father
    name: tank
    raidlevel: mirror
    devices: [/dev/sdb, /dev/sdc]
    compression: zstd
    add_storage: true

- name: Destroy it with its storage, and wipe the disks
  homelab.pve.zfs_pool:
    node: father
    name: tank
    state: absent
    cleanup_config: true
    cleanup_disks: true
"""

RETURN = r"""
zfs_pool:
  description: The pool.
  type: dict
  returned: when it exists
  contains:
    name:
      description: Its name.
      type: str
    health:
      description: How it is, for example V(ONLINE) or V(DEGRADED).
      type: str
    size:
      description: Its size in bytes.
      type: int
    alloc:
      description: How many bytes of it are used.
      type: int
    free:
      description: How many are free.
      type: int
    raidlevel:
      description: Its level of redundancy. Null where O(raidlevel) isn't set, or the pool is built in another way.
      type: str
  sample: {name: tank, health: ONLINE, size: 137438953472, alloc: 0, free: 137438953472, raidlevel: mirror}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["make ZFS pool tank of node father"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.zfs_pool import ZFS_POOL


def main() -> None:
    """Entry point."""
    run(ZFS_POOL)


if __name__ == "__main__":
    main()
