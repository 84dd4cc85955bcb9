#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module group_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: group_info
short_description: List the groups of users of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists groups, with the ids of their users.
  - Needs the privilege C(User.Modify), C(Sys.Audit) or C(Group.Allocate) on the groups, V(/access/groups/GROUP); others
    are not seen.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  groupid:
    description: Name of the group.
    type: str
"""

EXAMPLES = r"""
- name: Look at all groups
  homelab.pve.group_info:
  register: found

- name: Show who is in which
  ansible.builtin.debug:
    msg: "{{ found.groups | items2dict(key_name='groupid', value_name='users') }}"
"""

RETURN = r"""
groups:
  description: The groups, ordered by name, as M(homelab.pve.group) tells them.
  type: list
  elements: dict
  returned: success
  sample:
    - {groupid: operators, comment: who keeps the lights on, users: [alice@pve]}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.access_info import GROUP_OPTIONS, groups


def main() -> None:
    """Entry point."""
    ask(Question(GROUP_OPTIONS, groups))


if __name__ == "__main__":
    main()
