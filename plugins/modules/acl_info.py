#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module acl_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: acl_info
short_description: List the access control list of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists who has which role on which path. Every criterion that is set has to be met.
  - Needs the privilege C(Sys.Audit) on V(/access), or C(Permissions.Modify) on the paths; other entries are not seen.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  path:
    description: The path. Entries of paths above and below are not listed.
    type: str
  roleid:
    description: Name of the role.
    type: str
  type:
    description: Who has the role.
    type: str
    choices: [user, group, token]
  ugid:
    description: Id of the user, group or token.
    type: str
"""

EXAMPLES = r"""
- name: Look who is an administrator of everything
  homelab.pve.acl_info:
    path: /
    roleid: Administrator
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ found.entries | map(attribute='ugid') }}"
"""

RETURN = r"""
entries:
  description: The entries, ordered by path.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: The path.
      type: str
    roleid:
      description: The role.
      type: str
    type:
      description: V(user), V(group) or V(token).
      type: str
    ugid:
      description: Id of the user, group or token.
      type: str
    propagate:
      description: Whether it holds below the path, too.
      type: bool
  sample:
    - {path: /vms, roleid: PVEAuditor, type: group, ugid: operators, propagate: true}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.access_info import ACL_OPTIONS, entries


def main() -> None:
    """Entry point."""
    ask(Question(ACL_OPTIONS, entries))


if __name__ == "__main__":
    main()
