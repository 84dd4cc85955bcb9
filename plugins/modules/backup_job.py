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
  - Proxmox VE takes jobs for guests, nodes and storages that do not exist; this module refuses to add those.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/) and C(Datastore.Allocate) on the job's storage, which is
    V(local) where it names none. When they change it also needs C(VM.Audit) on guests that O(vmid) adds,
    C(Datastore.Audit) on O(storage), C(Pool.Audit) and C(VM.Backup) on O(pool), C(Datastore.Audit) and
    C(Datastore.AllocateSpace) on a storage in O(fleecing). O(dumpdir), O(script) and O(tmpdir) are for V(root@pam)
    only.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
  - homelab.pve.vzdump
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
  comment:
    description: Note about the job.
    type: str
  enabled:
    description: Whether the job runs. Proxmox VE's default is yes.
    type: bool
  exclude:
    description: Ids of guests that are left out of all.
    type: list
    elements: int
  node:
    description: Node whose guests only are backed up, when it runs there.
    type: str
  pool:
    description: Pool whose guests it is about.
    type: str
  repeat_missed:
    description: Whether it runs as soon as it can when the node was off at its time. Proxmox VE's default is no.
    type: bool
  schedule:
    description: When it runs, as a calendar event, for example V(mon..fri 02:30). Needed to create the job.
    type: str
  vmid:
    description: Ids of the guests it is about. One of O(vmid), O(pool) and O(all) takes the place of the others.
    type: list
    elements: int
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
