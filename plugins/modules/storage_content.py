#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module storage_content."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_content
short_description: Declare what is on a storage of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Brings ISO images, container templates, disk images to import, snippets and volumes to a storage, and removes them.
    Where it comes from says one of O(url), O(src), O(text), O(template), O(reference) and O(size).
  - What is there is not brought again, whatever it holds. But a file that is sent (O(src)) replaces one of another
    size, and a snippet is compared as a whole.
  - Sets notes and protection of backups.
  - Proxmox VE's API takes no snippets, so they are written by SSH. They need O(transport=ssh), or O(transport=local)
    on the node itself. They are removed by the API as all else.
  - What a guest's configuration names is not removed; see O(force). A guest that the login may not see (C(VM.Audit))
    is not taken into account, nor are snapshots.
  - Needs the privilege C(Datastore.Audit) on V(/storage/ID); to bring a file C(Datastore.AllocateTemplate) there, and
    for O(url) or O(reference) also C(Sys.AccessNetwork) on V(/nodes/NODE) (for O(url) alternatively C(Sys.Audit) and
    C(Sys.Modify) on V(/)); for a volume C(Datastore.AllocateSpace) on the storage, and C(VM.Config.Disk) on V(/vms/ID)
    to see it; for notes and protection C(Datastore.AllocateSpace) and C(VM.Backup) on V(/vms/ID); for a removal
    C(Datastore.Allocate).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  volid:
    description:
      - Volume id of what is there, as V(local:backup/vzdump-qemu-100-2026_01_31-02_30_00.vma.zst), instead of
        O(storage), O(content) and O(filename).
    type: str
  storage:
    description: Id of the storage.
    type: str
  content:
    description:
      - Content type. The default is what the source is for, V(iso) for O(url) and O(src).
    type: str
    choices: [iso, vztmpl, import, snippets, backup, images, rootdir]
  node:
    description:
      - Node that brings it. Not needed where the storage is on one node only, or shared.
    type: str
  filename:
    description:
      - Name of the file or volume. The default is the last part of O(url), O(src) or O(reference).
      - Proxmox VE wants an extension that fits, replaces characters other than letters, digits, C(.), C(-) and C(_) by
        C(_), and adds C(.tar) to what O(reference) brings. A volume is called V(vm-ID-...).
    type: str
  url:
    description: Where the node gets the file from.
    type: str
  src:
    description:
      - A file of the machine the module runs on, which is sent to the node piece by piece, with its checksum for the
        node to compare.
    type: path
  text:
    description: What a snippet holds.
    type: str
  template:
    description:
      - An appliance template of Proxmox VE's index, as V(debian-13-standard) or with its whole name. Without a version
        any that is there will do, else the newest is fetched.
    type: str
  reference:
    description:
      - An image of an OCI registry with its tag, as V(docker.io/library/alpine:3.22). Proxmox VE 9.1 or later.
    type: str
  checksum:
    description: Checksum the file has to have, with its algorithm as in V(sha256:...), or alone.
    type: str
  compression:
    description: Compression of the download of an ISO image, to be undone.
    type: str
    choices: [gz, lzo, zst, bz2]
  verify_certificates:
    description: Whether the node verifies the certificate of O(url).
    type: bool
    default: true
  size:
    description: Size of a new volume, as V(4G). A volume that is there has to have it at least.
    type: str
  vmid:
    description: Guest that owns the volume. Needed for the content V(images) and V(rootdir).
    type: int
  format:
    description: Format of a new volume. The default is the storage's.
    type: str
    choices: [raw, qcow2, subvol, vmdk]
  notes:
    description: Notes of a backup. Empty for none.
    type: str
  protected:
    description: Whether a backup is protected from being removed.
    type: bool
  force:
    description: Whether it is removed though guests use it.
    type: bool
    default: false
  wait_timeout:
    description: Seconds it may take.
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

- name: Send an ISO image
  homelab.pve.storage_content:
    storage: local
    src: "{{ image_file }}"
    filename: rescue.iso

- name: Fetch the newest Debian for containers
  homelab.pve.storage_content:
    storage: local
    template: debian-13-standard

- name: Pull an image from a registry
  homelab.pve.storage_content:
    storage: local
    reference: docker.io/library/alpine:3.22

- name: Allocate a volume for a guest
  homelab.pve.storage_content:
    storage: local-lvm
    vmid: 100
    filename: vm-100-disk-9
    size: 1G

- name: Remove the ISO image
  homelab.pve.storage_content:
    volid: local:iso/rescue.iso
    state: absent
"""

RETURN = r"""
volid:
  description: Volume id, as other modules and Proxmox VE take it.
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
  returned: when it is there
format:
  description: Its format.
  type: str
  returned: when it is there
  sample: qcow2
vmid:
  description: Guest it belongs to.
  type: int
  returned: when it belongs to one
notes:
  description: Notes of a backup.
  type: str
  returned: when it has some
protected:
  description: Whether a backup is protected.
  type: bool
  returned: for backups
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
