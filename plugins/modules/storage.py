#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module storage."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage
short_description: Declare a storage of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes the definition of a storage. What is not set is not managed; an empty value removes what
    is there.
  - The options have Proxmox VE's own names, with underscores. The server's port, password and fingerprint are
    O(server_port), O(server_password) and O(server_fingerprint), because the connection has options of these names.
  - An option that a storage of the type doesn't take is refused, with the names of those it takes; so is a content
    type it doesn't take, which Proxmox VE drops without a word, and a node that the cluster doesn't have.
  - A definition isn't removed, nor taken from a node, while guests use the storage, and a directory isn't defined
    twice; see O(force). Guests and storages that the login may not see (C(VM.Audit), C(Datastore.Audit)) are not taken
    into account.
  - Needs the privilege C(Datastore.Allocate) on V(/storage).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  storage:
    description: Id of the storage.
    type: str
    required: true
  state:
    description: Whether the storage is to be defined. Removing a definition leaves the data where it is.
    type: str
    choices: [present, absent]
    default: present
  type:
    description: Kind of storage. Needed to create it; can't be changed.
    type: str
    choices: [dir, nfs, cifs, lvm, lvmthin, zfspool, zfs, btrfs, cephfs, rbd, iscsi, iscsidirect, pbs, esxi]
  content:
    description:
      - Content types the storage takes, for example V(images), V(rootdir), V(iso), V(vztmpl), V(backup),
        V(snippets) and V(import). An empty list stands for none. Order means nothing.
    type: list
    elements: str
  base:
    description: Base volume, which is activated first. Can't be changed.
    type: str
  blocksize:
    description: Block size. Can't be changed for V(zfs).
    type: str
  bwlimit:
    description: Limits in KiB/s, with C(default), C(clone), C(migration), C(move) and C(restore).
    type: raw
  comstar_hg:
    description: Host group of comstar views.
    type: str
  comstar_tg:
    description: Target group of comstar views.
    type: str
  content_dirs:
    description: Subdirectories by content type.
    type: raw
  create_base_path:
    description: Whether the directory is made if it is missing.
    type: bool
  create_subdirs:
    description: Whether the directories for the content are made.
    type: bool
  data_pool:
    description: Ceph pool for the data.
    type: str
  datastore:
    description: Datastore of the backup server. Can't be changed.
    type: str
  disable:
    description: Whether the storage is switched off.
    type: bool
  domain:
    description: Domain of the CIFS user.
    type: str
  encryption_key:
    description:
      - Key backups are encrypted with, as JSON text, or V(autogen) to have one made, which is returned once.
      - Compared by its fingerprint, which Proxmox VE tells; a key that is there is kept with V(autogen).
    type: str
  export:
    description: Path the NFS server exports. Can't be changed.
    type: str
  force:
    description:
      - Removes the definition though guests use the storage, or takes it from a node where they do, or defines a path
        that overlaps another storage's.
    type: bool
    default: false
  format:
    description: Default format of images.
    type: str
    choices: [raw, qcow2, subvol, vmdk]
  fs_name:
    description: Name of the Ceph file system.
    type: str
  fuse:
    description: Whether CephFS is mounted by FUSE.
    type: bool
  is_mountpoint:
    description: V(yes), or a path, if the storage is offline unless that is mounted.
    type: str
  iscsiprovider:
    description: Kind of the ZFS-over-iSCSI server. Can't be changed.
    type: str
  keyring:
    description: Keyring of the Ceph user. See O(update_password).
    type: str
  krbd:
    description: Whether the kernel's RBD is used.
    type: bool
  lio_tpg:
    description: Target portal group of Linux LIO.
    type: str
  master_pubkey:
    description: Public RSA key that encrypted keys can be restored with. See O(update_password).
    type: str
  max_protected_backups:
    description: How many backups of a guest may be protected; V(-1) for any number.
    type: int
  mkdir:
    description: Old name of O(create_base_path) and O(create_subdirs) together.
    type: bool
  monhost:
    description: Addresses of the Ceph monitors.
    type: str
  mountpoint:
    description: Mount point of the ZFS pool.
    type: str
  namespace:
    description: Namespace in the datastore.
    type: str
  nocow:
    description: Whether copy-on-write is off for new files (btrfs).
    type: bool
  nodes:
    description: Nodes that may use it. An empty list stands for all.
    type: list
    elements: str
  nowritecache:
    description: Whether the write cache of the target is off.
    type: bool
  options:
    description: Mount options.
    type: str
  path:
    description: Directory of a V(dir) or V(btrfs) storage, or mount point. Can't be changed.
    type: str
  pool:
    description: ZFS or Ceph pool. Can be changed for V(rbd) only.
    type: str
  portal:
    description: Address of the iSCSI portal. Can't be changed.
    type: str
  preallocation:
    description: How images of the formats raw and qcow2 are allocated.
    type: str
    choices: ["off", metadata, falloc, full]
  prune_backups:
    description: How many backups are kept, with C(keep-last), C(keep-daily) and so on, or in Proxmox VE's form.
    type: raw
  saferemove:
    description: Whether volumes are zeroed when they are removed.
    type: bool
  saferemove_stepsize:
    description: Step of zeroing in MiB.
    type: int
    choices: [1, 2, 4, 8, 16, 32]
  saferemove_throughput:
    description: Limit for zeroing.
    type: str
  server:
    description: Name or address of the server. Can be changed for V(esxi) only.
    type: str
  server_fingerprint:
    description: SHA-256 fingerprint of the server's certificate.
    type: str
  server_password:
    description: Password of O(username). Proxmox VE doesn't give it back; see O(update_password).
    type: str
  server_port:
    description: Port of the server.
    type: int
  share:
    description: Name of the CIFS share. Can't be changed.
    type: str
  shared:
    description: Whether it is the same storage on all nodes.
    type: bool
  skip_cert_verification:
    description: Whether the certificate of an ESXi server is not verified.
    type: bool
  smbversion:
    description: Version of the SMB protocol.
    type: str
    choices: [default, "2.0", "2.1", "3", "3.0", "3.11"]
  snapshot_as_volume_chain:
    description: Whether snapshots are chains of volumes (Proxmox VE 9). Can be changed for V(lvm) only.
    type: bool
  sparse:
    description: Whether ZFS volumes are sparse.
    type: bool
  subdir:
    description: Directory below the share.
    type: str
  tagged_only:
    description: Whether only volumes tagged V(pve-vm-ID) are used.
    type: bool
  target:
    description: iSCSI target. Can't be changed.
    type: str
  thinpool:
    description: Thin pool. Can't be changed.
    type: str
  update_password:
    description:
      - V(on_create) sets secrets only when the storage is made; V(always) sets them every time, which always counts
        as a change.
    type: str
    choices: [on_create, always]
    default: on_create
  username:
    description: User at the server.
    type: str
  vgname:
    description: Volume group. Can't be changed.
    type: str
  zfs_base_path:
    description: Where ZFS volumes are found on the server.
    type: str
"""

EXAMPLES = r"""
- name: Define a directory for ISO images and snippets
  homelab.pve.storage:
    storage: extra
    type: dir
    path: /srv/extra
    content: [iso, snippets]
    prune_backups: {keep-last: 3}

- name: Let it hold backups too
  homelab.pve.storage:
    storage: extra
    content: [iso, snippets, backup]

- name: Remove the definition
  homelab.pve.storage:
    storage: extra
    state: absent
"""

RETURN = r"""
storage:
  description: The definition, without secrets. Options are named as this module's.
  type: dict
  returned: when the storage is defined
  sample: {storage: extra, type: dir, path: /srv/extra, content: [iso, snippets]}
encryption_key:
  description: The key that Proxmox VE has made for O(encryption_key=autogen). It is told this once; keep it.
  type: str
  returned: when it was made
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["set content of storage extra"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage import STORAGE


def main() -> None:
    """Entry point."""
    run(STORAGE)


if __name__ == "__main__":
    main()
