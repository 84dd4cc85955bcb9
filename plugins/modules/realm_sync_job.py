#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module realm_sync_job."""

from __future__ import annotations

DOCUMENTATION = r"""
module: realm_sync_job
short_description: Declare a job that fetches a realm's users and groups
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a job that fetches users and groups of a realm from its directory by schedule.
    M(homelab.pve.realm_sync) does it now.
  - What is not set is not managed; an empty value removes what is there.
  - Needs the privileges C(Sys.Audit) on V(/) to see it, C(Realm.AllocateUser) on V(/access/realm) (to create it, on
    V(/access/realm/REALM) is enough) and C(User.Modify) on V(/access/groups) to create and change it, and C(Sys.Modify)
    on V(/) to remove it.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  id:
    description: Name of the job.
    type: str
    required: true
  state:
    description: Whether the job is to be there.
    type: str
    choices: [present, absent]
    default: present
  realm:
    description: Name of the realm, of type V(ldap) or V(ad). Needed to create the job, and can't be changed.
    type: str
  schedule:
    description: When the job runs, a calendar event, for example V(daily) or V(mon..fri 02:30). Needed to create it.
    type: str
  scope:
    description: What is fetched. Needed to create the job.
    type: str
    choices: [users, groups, both]
  remove_vanished:
    description:
      - What is removed with users and groups that the directory no longer has, V(entry) for themselves and V(acl) for
        what they were granted; V(properties) removes what the directory does not say of those it has. An empty list
        removes nothing, which is Proxmox VE's default.
    type: list
    elements: str
    choices: [acl, entry, properties]
  enable_new:
    description: Whether users that are new may log in at once. Proxmox VE's default is yes.
    type: bool
  enabled:
    description: Whether the job runs. Proxmox VE's default is yes.
    type: bool
  comment:
    description: Note about the job.
    type: str
"""

EXAMPLES = r"""
- name: Fetch the directory's people every hour
  homelab.pve.realm_sync_job:
    id: people
    realm: example
    schedule: hourly
    scope: users
    remove_vanished: [acl, entry]

- name: Leave them alone at night
  homelab.pve.realm_sync_job:
    id: people
    schedule: 6..22:00

- name: Remove the job
  homelab.pve.realm_sync_job:
    id: people
    state: absent
"""

RETURN = r"""
realm_sync_job:
  description: The job. Options are named as this module's.
  type: dict
  returned: when the job exists
  sample: {realm: example, schedule: hourly, scope: users, remove_vanished: [acl, entry], enabled: true}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create realm_sync_job people"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.realm_sync import REALM_SYNC_JOB


def main() -> None:
    """Entry point."""
    run(REALM_SYNC_JOB)


if __name__ == "__main__":
    main()
