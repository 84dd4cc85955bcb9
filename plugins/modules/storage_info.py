#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module storage_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_info
short_description: List the storages of a Proxmox VE cluster
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists the definitions of storages. Every criterion that is set has to be met.
  - Needs the privilege C(Datastore.Audit) or C(Datastore.AllocateSpace) on the storages; others are not seen.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  storage:
    description: Id of the storage.
    type: str
  type:
    description: Kind of storage.
    type: str
    choices: [dir, nfs, cifs, lvm, lvmthin, zfspool, zfs, btrfs, cephfs, rbd, iscsi, iscsidirect, pbs, esxi]
  content:
    description: Content type the storage has to take, for example V(import).
    type: str
  node:
    description:
      - Node on which the storage has to be usable, that is enabled for it and active. Then its space there is told,
        too.
    type: str
"""

EXAMPLES = r"""
- name: Find storages for disks
  homelab.pve.storage_info:
    content: images
  register: for_disks

- name: Show their names
  ansible.builtin.debug:
    msg: "{{ for_disks.storages | map(attribute='storage') }}"

- name: Find the storage of a node with the most space for containers
  homelab.pve.storage_info:
    content: rootdir
    node: father
  register: for_containers

- name: Show its name
  ansible.builtin.debug:
    msg: "{{ (for_containers.storages | sort(attribute='avail') | last).storage }}"
"""

RETURN = r"""
storages:
  description:
    - The storages, ordered by id. Options are named as those of M(homelab.pve.storage).
    - With O(node), C(avail), C(used) and C(total) are its space on that node in bytes.
  type: list
  elements: dict
  returned: success
  sample:
    - {storage: local, type: dir, path: /var/lib/vz, content: [backup, iso, vztmpl]}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
