#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module backup_job."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_job
short_description: Declare a backup job of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a job that backs guests up by schedule. What is not set is not managed; an empty value
    removes what is there.
  - The options have Proxmox VE's own names, with underscores. What a job leaves unset, a node takes from its
    C(/etc/vzdump.conf).
  - Proxmox VE takes jobs for guests and storages that do not exist; this module refuses to add those.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/), C(VM.Audit) on guests that O(vmid) adds,
    C(Datastore.Audit) on O(storage) and C(VM.Backup) on O(pool) when they change. O(dumpdir), O(script) and O(tmpdir)
    are for V(root@pam) only.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  id:
    description: Id of the job. Of a new one it begins with a letter, followed by letters, digits, C(-) and C(_).
    type: str
    required: true
  state:
    description: Whether the job is to be there. Removing it leaves the backups where they are.
    type: str
    choices: [present, absent]
    default: present
  all:
    description: Whether it is about all guests but those of O(exclude).
    type: bool
  bwlimit:
    description: Limit for reading in KiB/s; V(0) for none.
    type: int
  comment:
    description: Note about the job.
    type: str
  compress:
    description: Compression of the archives. V(0) is none, V(1) is V(lzo).
    type: str
    choices: ["0", "1", gzip, lzo, zstd]
  dumpdir:
    description: Directory for the archives, in place of O(storage).
    type: str
  enabled:
    description: Whether the job runs. Proxmox VE's default is yes.
    type: bool
  exclude:
    description: Ids of guests that are left out of all.
    type: list
    elements: int
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
  node:
    description: Node whose guests only are backed up, when it runs there.
    type: str
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
  pool:
    description: Pool whose guests it is about.
    type: str
  protected:
    description: Whether its backups are protected from pruning.
    type: bool
  prune_backups:
    description: How many backups are kept, with C(keep-last), C(keep-daily) and so on, or in Proxmox VE's form.
    type: raw
  quiet:
    description: Whether it writes less.
    type: bool
  remove:
    description: Whether old backups are removed as O(prune_backups) says.
    type: bool
  repeat_missed:
    description: Whether it runs as soon as it can when the node was off at its time. Proxmox VE's default is no.
    type: bool
  schedule:
    description: When it runs, as a calendar event, for example V(mon..fri 02:30). Needed to create the job.
    type: str
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
  vmid:
    description: Ids of the guests it is about. One of O(vmid), O(pool) and O(all) takes the place of the others.
    type: list
    elements: int
  zstd:
    description: Threads of zstd; V(0) for half of the cores.
    type: int
"""

EXAMPLES = r"""
- name: Back up all guests at night
  homelab.pve.backup_job:
    id: nightly
    schedule: "02:30"
    all: true
    storage: local
    mode: snapshot
    compress: zstd
    prune_backups: {keep-last: 3, keep-weekly: 4}
    notes_template: "{{ '{{guestname}}' }}"
    repeat_missed: true

- name: Leave one of them out
  homelab.pve.backup_job:
    id: nightly
    exclude: [105]

- name: Remove the job
  homelab.pve.backup_job:
    id: nightly
    state: absent
"""

RETURN = r"""
job:
  description: The job. Options are named as this module's; those that are unset are left out.
  type: dict
  returned: when the job exists
  sample: {id: nightly, enabled: true, schedule: "02:30", all: true, storage: local, prune_backups: {keep-last: 3}}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["set exclude of backup job nightly"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.backup_job import BACKUP_JOB


def main() -> None:
    """Entry point."""
    run(BACKUP_JOB)


if __name__ == "__main__":
    main()
