#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module replication_job."""

from __future__ import annotations

DOCUMENTATION = r"""
module: replication_job
short_description: Declare the replication of a guest to another node of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a job that copies the volumes of a VM or container to another node by schedule. What is
    not set is not managed; an empty value removes what is there.
  - The volumes have to be on a ZFS pool that both nodes have. A guest has one job for each target.
  - Proxmox VE only marks a job to be removed and cleans up within its next rounds; this module waits until it is gone.
  - Needs the privileges C(VM.Audit) and C(VM.Replicate) on V(/vms/VMID), and C(Sys.Audit) on V(/nodes) to see them.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  id:
    description: Id of the job, the guest's vmid, C(-) and a number, for example V(104-0).
    type: str
    required: true
  state:
    description: Whether the job is to be there.
    type: str
    choices: [present, absent]
    default: present
  target:
    description: Node that the volumes are copied to. Needed to create the job; it can't be changed.
    type: str
  schedule:
    description: When it runs, as a calendar event. Proxmox VE's default is V(*/15), every quarter of an hour.
    type: str
  rate:
    description: Limit in MB/s.
    type: float
  comment:
    description: Note about the job.
    type: str
  disable:
    description: Whether the job is left out for now.
    type: bool
  schedule_now:
    description: >-
      Whether the job is run once now, besides. It is waited for, and fails the task when it fails. It runs each time it
      is asked for.
    type: bool
    default: false
  keep:
    description: With O(state=absent) whether the copies on the target are kept.
    type: bool
    default: false
  force:
    description: With O(state=absent) whether the job is removed at once, and nothing is cleaned up.
    type: bool
    default: false
  wait_timeout:
    description: Seconds a removal or a run may take.
    type: float
    default: 900
"""

EXAMPLES = r"""
- name: Copy a VM to another node every five minutes
  homelab.pve.replication_job:
    id: 104-0
    target: mother
    schedule: "*/5"
    rate: 100

- name: Copy what there is now, before it is moved
  homelab.pve.replication_job:
    id: 104-0
    schedule_now: true

- name: Let it rest
  homelab.pve.replication_job:
    id: 104-0
    disable: true

- name: Remove the job and the copies
  homelab.pve.replication_job:
    id: 104-0
    state: absent
"""

RETURN = r"""
job:
  description: The job.
  type: dict
  returned: when the job exists
  contains:
    id:
      description: Its id.
      type: str
    guest:
      description: Id of the guest.
      type: int
    source:
      description: Node the guest was on when the job last noted it.
      type: str
    target:
      description: Node that the volumes are copied to.
      type: str
    schedule:
      description: When it runs, where that is not the default.
      type: str
    rate:
      description: Limit in MB/s.
      type: float
    comment:
      description: Note about the job.
      type: str
    disable:
      description: Whether it is left out.
      type: bool
  sample: {id: 104-0, guest: 104, source: father, target: mother, schedule: "*/5"}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create replication job 104-0"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.replication_job import REPLICATION_JOB


def main() -> None:
    """Entry point."""
    run(REPLICATION_JOB)


if __name__ == "__main__":
    main()
