#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module realm_sync."""

from __future__ import annotations

DOCUMENTATION = r"""
module: realm_sync
short_description: Fetch a realm's users and groups from its directory now
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Has Proxmox VE fetch users and groups of a realm of type V(ldap) or V(ad) from its directory, waits for the end, and
    tells what the task said. M(homelab.pve.realm_sync_job) does it by schedule.
  - What is not set is what the realm's C(sync_defaults_options) say (M(homelab.pve.realm)).
  - Nobody can tell beforehand what the directory says, so it counts as a change each time, except with O(dry_run).
  - Needs the privileges C(Realm.AllocateUser) on V(/access/realm/REALM) and C(User.Modify) on V(/access/groups).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  realm:
    description: Name of the realm.
    type: str
    required: true
  scope:
    description: What is fetched. It has to be set, here or in the realm.
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
  dry_run:
    description:
      - Whether Proxmox VE only says, in the log, what it would do. Check mode doesn't even ask the directory.
    type: bool
    default: false
  wait_timeout:
    description: Seconds the task may take.
    type: float
    default: 600
"""

EXAMPLES = r"""
- name: See whom the directory would bring
  homelab.pve.realm_sync:
    realm: example
    scope: both
    dry_run: true
  register: trial

- name: Show it
  ansible.builtin.debug:
    msg: "{{ trial.log | default([]) }}"

- name: Fetch them
  homelab.pve.realm_sync:
    realm: example
    scope: both
    remove_vanished: [acl, entry]
"""

RETURN = r"""
upid:
  description: Id of the task.
  type: str
  returned: not in check mode
  sample: "UPID:father:00002177:00059C28:6B003611:auth-realm-sync:example:root@pam:"
log:
  description: What the task said.
  type: list
  elements: str
  returned: not in check mode
  sample: [starting sync for realm example, "got data from server, updating users", "adding user 'alice@example'"]
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["synchronize realm example"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.realm_sync import REALM_SYNC


def main() -> None:
    """Entry point."""
    run(REALM_SYNC)


if __name__ == "__main__":
    main()
