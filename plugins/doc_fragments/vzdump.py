# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How backups are made: options of vzdump, in the modules that have it run."""

from __future__ import annotations


class ModuleDocFragment:
    """``homelab.pve.vzdump`` for modules that make backups, or have them made."""

    DOCUMENTATION = r"""
options:
  bwlimit:
    description: Limit for reading in KiB/s; V(0) for none.
    type: int
  compress:
    description: Compression of the archives. V(0) is none, V(1) is V(lzo).
    type: str
    choices: ["0", "1", gzip, lzo, zstd]
  dumpdir:
    description: Directory for the archives, in place of O(storage).
    type: str
  exclude_path:
    description: Patterns of files that are left out of containers' backups.
    type: list
    elements: str
  fleecing:
    description: >-
      Whether what a VM overwrites during its backup is kept aside first, with C(enabled) and C(storage), or in Proxmox
      VE's form.
    type: raw
  ionice:
    description: Priority for I/O of the CFQ and BFQ schedulers, from V(0) to V(8), which is idle.
    type: int
  lockwait:
    description: Minutes to wait for the lock of a backup that is running.
    type: int
  mailnotification:
    description: When a mail is sent, in the old way of notifying.
    type: str
    choices: [always, failure]
  mailto:
    description: Addresses or users that get a mail, in the old way of notifying.
    type: list
    elements: str
  mode:
    description: How a running guest is treated.
    type: str
    choices: [snapshot, suspend, stop]
  notes_template:
    description: >-
      Notes of the backups, in which C({{guestname}}), C({{vmid}}), C({{node}}) and C({{cluster}}) are filled in.
    type: str
  notification_mode:
    description: Which way of notifying is used.
    type: str
    choices: [auto, legacy-sendmail, notification-system]
  pbs_change_detection_mode:
    description: How files that have changed are found when containers are backed up to a backup server.
    type: str
    choices: [legacy, data, metadata]
  performance:
    description: C(max-workers) and C(pbs-entries-max), or the same in Proxmox VE's form.
    type: raw
  pigz:
    description: Threads of pigz in place of gzip; V(0) for gzip, V(1) for half of the cores.
    type: int
  protected:
    description: Whether the backups are protected from being pruned and removed.
    type: bool
  prune_backups:
    description: How many backups are kept, with C(keep-last), C(keep-daily) and so on, or in Proxmox VE's form.
    type: raw
  quiet:
    description: Whether vzdump writes less.
    type: bool
  remove:
    description: Whether old backups are removed as O(prune_backups) says.
    type: bool
  script:
    description: Program that is called at each stage.
    type: str
  stdexcludes:
    description: Whether temporary files and logs are left out.
    type: bool
  stopwait:
    description: Minutes to wait until a guest is stopped.
    type: int
  storage:
    description: Storage for the backups.
    type: str
  tmpdir:
    description: Directory for temporary files.
    type: str
  zstd:
    description: Threads of zstd; V(0) for half of the cores.
    type: int
"""
