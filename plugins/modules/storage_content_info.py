#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module storage_content_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_content_info
short_description: Show what is on storages of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists files and volumes. Every criterion that is set has to be met. A storage that is switched off is
    not looked at; one that doesn't answer is an error if it was named, else a warning.
  - Proxmox VE shows the first line of notes only.
  - Needs the privilege C(Datastore.Audit) on the storages, others are not seen; for volumes of guests also
    C(VM.Config.Disk) on V(/vms/ID); for backups C(Datastore.AllocateSpace) and C(VM.Backup) on V(/vms/ID); for
    snippets C(Datastore.Allocate), which alone shows all else, too.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  storage:
    description: Id of the storage.
    type: str
  node:
    description: Node to ask. Without it all nodes are asked that have the storage, one of them if it is shared.
    type: str
  content:
    description: Content type.
    type: str
    choices: [iso, vztmpl, import, snippets, backup, images, rootdir]
  vmid:
    description: Guest to whom it belongs.
    type: int
"""

EXAMPLES = r"""
- name: Find ISO images
  homelab.pve.storage_content_info:
    content: iso
  register: images

- name: Find what a guest has on a storage
  homelab.pve.storage_content_info:
    storage: local-lvm
    vmid: 9001
  register: found

- name: Show how much that is
  ansible.builtin.debug:
    msg: "{{ found.volumes | sum(attribute='size') }}"
"""

RETURN = r"""
volumes:
  description:
    - What is there, ordered by storage, node and volume id.
    - Each has C(volid), C(storage), C(node), C(content), C(filename), C(format) and C(size) in bytes; where Proxmox VE
      says so C(used) in bytes, C(ctime) in seconds since 1970, C(vmid) of the guest it belongs to, C(notes),
      C(protected), C(parent), C(encrypted) and C(verification).
  type: list
  elements: dict
  returned: success
  sample:
    - volid: local:iso/debian.iso
      storage: local
      node: father
      content: iso
      filename: debian.iso
      format: iso
      size: 700000000
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage_content_info import OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(OPTIONS, info))


if __name__ == "__main__":
    main()
