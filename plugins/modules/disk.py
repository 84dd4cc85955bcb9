#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module disk."""

from __future__ import annotations

DOCUMENTATION = r"""
module: disk
short_description: Give a disk of a Proxmox VE node a partition table, or wipe it
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes a GUID partition table on an unused disk, or wipes a disk with everything on it.
  - The disk has to be named twice, by its device and by one of O(serial), O(wwn) and O(size). Nothing is done when they
    don't fit, so that a device that got another letter is not lost.
  - A disk in use is refused, that is one that is mounted, or belongs to a volume group, a ZFS pool or a Ceph OSD.
  - Only root@pam may wipe, with its password; no API token may.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  node:
    description: Name of the node.
    type: str
    required: true
  disk:
    description: The disk such as V(/dev/sdb), or its name below V(/dev/disk/by-id). A partition can be wiped, too.
    type: str
    required: true
  state:
    description: Whether it is to have a GUID partition table, or to be blank.
    type: str
    choices: [gpt, wiped]
    required: true
  serial:
    description: The serial number it has to have.
    type: str
  wwn:
    description: The World Wide Name it has to have.
    type: str
  size:
    description: The size it has to have, in bytes or with a unit such as V(64G).
    type: str
  uuid:
    description: The UUID of a new partition table. Without it, a random one.
    type: str
  wait_timeout:
    description: Seconds it may take.
    type: float
    default: 600
"""

EXAMPLES = r"""
- name: Have a partition table on a disk
  homelab.pve.disk:
    node: father
    disk: /dev/sdb
    serial: LAB00098
    state: gpt

- name: Wipe it
  homelab.pve.disk:
    # Instead of the token that is set for all modules, which Proxmox VE does not accept here.
    token_id: ""
    token_secret: ""
    user: root@pam
    password: "{{ root_password }}"
    node: father
    disk: /dev/sdb
    serial: LAB00098
    state: wiped
"""

RETURN = r"""
disk:
  description: The disk, as M(homelab.pve.disk_info) returns it.
  type: dict
  returned: success
  sample: {devpath: /dev/sdb, used: null, gpt: true, serial: LAB00098, size: 68719476736}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["make a GUID partition table on /dev/sdb of node father"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.disk import DISK


def main() -> None:
    """Entry point."""
    run(DISK)


if __name__ == "__main__":
    main()
