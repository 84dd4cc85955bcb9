#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module storage_content."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_content
short_description: Declare a file on a storage of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lets a node download an ISO image, a container template or a disk image to import, and removes such files.
  - A file that is there is not fetched again, whatever its content.
  - Needs the privilege C(Datastore.Audit) on the storage; for a download C(Datastore.AllocateTemplate) on it, too, and
    C(Sys.AccessNetwork) on the node (or C(Sys.Audit) and C(Sys.Modify) on V(/)); for a removal C(Datastore.Allocate).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  state:
    description: Whether the file is to be there.
    type: str
    choices: [present, absent]
    default: present
  storage:
    description: Id of the storage.
    type: str
    required: true
  content:
    description: Content type of the file.
    type: str
    choices: [iso, vztmpl, import]
    default: iso
  node:
    description: Node that downloads the file. Not needed where there is one node only.
    type: str
  filename:
    description: Name of the file. The default is the last part of O(url). Proxmox VE wants an extension that fits.
    type: str
  url:
    description: Where the node gets the file from. Needed when it is not there yet.
    type: str
  checksum:
    description: Checksum the download has to have, with its algorithm as in V(sha256:...), or alone.
    type: str
  compression:
    description: Compression of the download, to be undone.
    type: str
  verify_certificates:
    description: Whether the node verifies the certificate of O(url).
    type: bool
    default: true
  wait_timeout:
    description: Seconds the download may take.
    type: float
    default: 1800
"""

EXAMPLES = r"""
- name: Fetch a cloud image for VMs to be made from
  homelab.pve.storage_content:
    storage: local
    content: import
    url: "{{ mirror }}/bookworm/latest/debian-12-genericcloud-amd64.qcow2"
    filename: debian-12.qcow2
  register: image

- name: Remove it
  homelab.pve.storage_content:
    storage: local
    content: import
    filename: debian-12.qcow2
    state: absent
"""

RETURN = r"""
volid:
  description: Volume id of the file, as other modules and Proxmox VE take it.
  type: str
  returned: success
  sample: local:import/debian-12.qcow2
node:
  description: Node that was asked.
  type: str
  returned: success
  sample: father
size:
  description: Its size in bytes.
  type: int
  returned: when the file is there
format:
  description: Its format.
  type: str
  returned: when the file is there
  sample: qcow2
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["remove local:import/debian-12.qcow2 on father"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage_content import STORAGE_FILE


def main() -> None:
    """Entry point."""
    run(STORAGE_FILE)


if __name__ == "__main__":
    main()
