#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module directory."""

from __future__ import annotations

DOCUMENTATION = r"""
module: directory
short_description: Declare a directory on a disk of a Proxmox VE node
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes a file system on an unused disk, which is mounted at C(/mnt/pve/NAME) now and whenever the node starts;
    removes the mount again.
  - A disk in use is refused, and so is removing a directory with guests' volumes, backups or images on it. Removing it
    leaves what is on the disk untouched unless O(cleanup_disks) is set.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/). O(add_storage) and O(cleanup_config) also need
    C(Datastore.Allocate) on V(/storage). Which data is on it is seen with C(Datastore.Audit) on V(/storage) and
    C(VM.Audit) on the guests.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
  - homelab.pve.disk_volume
options:
  device:
    description:
      - The disk, or partition, such as V(/dev/sdb) or its name below V(/dev/disk/by-id). Needed to make the directory;
        of one that is there it isn't compared, as Proxmox VE doesn't tell it.
    type: str
  filesystem:
    description: The file system. Can't be changed later. Without it, a new one is V(ext4).
    type: str
    choices: [ext4, xfs]
"""

EXAMPLES = r"""
- name: Make a directory on the second disk, and a storage in it
  homelab.pve.directory:
    node: father
    name: backups
    device: /dev/sdb
    filesystem: xfs
    add_storage: true

- name: Remove the directory, its storage, and what is left on the disk
  homelab.pve.directory:
    node: father
    name: backups
    state: absent
    cleanup_config: true
    cleanup_disks: true
"""

RETURN = r"""
directory:
  description: The directory.
  type: dict
  returned: when it exists
  contains:
    name:
      description: Its name.
      type: str
    path:
      description: Where it is mounted.
      type: str
    filesystem:
      description: The file system.
      type: str
    mounted_device:
      description: What is mounted, by the UUID of the file system.
      type: str
    mount_options:
      description: Options of the mount.
      type: str
  sample: {name: backups, path: /mnt/pve/backups, filesystem: xfs, mount_options: defaults}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["make directory backups of node father"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.directory import DIRECTORY


def main() -> None:
    """Entry point."""
    run(DIRECTORY)


if __name__ == "__main__":
    main()
