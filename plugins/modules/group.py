#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module group."""

from __future__ import annotations

DOCUMENTATION = r"""
module: group
short_description: Declare a group of users of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a group. Who belongs to it is declared with the users, by M(homelab.pve.user).
  - A group with users in it is not removed, because Proxmox VE would silently take them out. It drops the access
    control entries of a group that is removed.
  - Needs the privilege C(Group.Allocate) on V(/access/groups).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  groupid:
    description: Name of the group.
    type: str
    required: true
  state:
    description: Whether the group is to be there.
    type: str
    choices: [present, absent]
    default: present
  comment:
    description: Note about the group. Not managed when it is not set; an empty one removes what is there.
    type: str
"""

EXAMPLES = r"""
- name: Provide a group
  homelab.pve.group:
    groupid: operators
    comment: who keeps the lights on

- name: Remove it
  homelab.pve.group:
    groupid: operators
    state: absent
"""

RETURN = r"""
group:
  description: The group; C(users) are the ids of its users.
  type: dict
  returned: when the group exists
  sample: {comment: who keeps the lights on, users: [alice@pve]}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create group operators"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.group import GROUP


def main() -> None:
    """Entry point."""
    run(GROUP)


if __name__ == "__main__":
    main()
