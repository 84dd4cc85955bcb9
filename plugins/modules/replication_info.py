#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module replication_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: replication_info
short_description: List the replication jobs of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists the jobs that copy guests to other nodes, and how their last run went. Every criterion that is set has to be
    met.
  - How the jobs of a node are is told by that node. When it can't be asked there is a warning.
  - Needs the privilege C(VM.Audit) on the guests; jobs of others are not seen.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  id:
    description: Id of the job.
    type: str
  guest:
    description: Id of the guest.
    type: int
  source:
    description: Node the guest is on.
    type: str
  target:
    description: Node that the volumes are copied to.
    type: str
"""

EXAMPLES = r"""
- name: Look at the replication of all guests
  homelab.pve.replication_info:
  register: found

- name: Stop if one does not work
  ansible.builtin.assert:
    that: found.jobs | selectattr('error') | length == 0
"""

RETURN = r"""
jobs:
  description: The jobs, ordered by id.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Its id.
      type: str
    guest:
      description: Id of the guest.
      type: int
    source:
      description: Node the guest is on.
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
    removing:
      description: Whether it is being removed.
      type: bool
    running:
      description: Whether it runs now.
      type: bool
    last_sync:
      description: When it last succeeded, in seconds since 1970; V(0) for never.
      type: int
    last_try:
      description: When it last ran, in seconds since 1970; V(0) for never.
      type: int
    next_sync:
      description: When it runs next, in seconds since 1970.
      type: int
    duration:
      description: How many seconds its last run took.
      type: float
    fail_count:
      description: How often it has failed since it last succeeded.
      type: int
    error:
      description: Why it last failed. Null if it didn't.
      type: str
  sample:
    - {id: 104-0, guest: 104, source: father, target: mother, schedule: "*/5", fail_count: 0, error: null}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.replication_job import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
