#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module acl."""

from __future__ import annotations

DOCUMENTATION = r"""
module: acl
short_description: Grant roles on paths of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Grants each of some roles to each of some users, groups and tokens on a path, or takes them back. Other entries of
    the access control list are left alone.
  - A role that does not exist is refused before anything is sent. Proxmox VE refuses users, groups and tokens that do
    not exist, and paths that it doesn't have.
  - Needs the privilege C(Permissions.Modify) on the path.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  path:
    description: What is granted on, for example V(/), V(/vms/100), V(/pool/production) or V(/storage/local).
    type: str
    required: true
  roles:
    description: The roles.
    type: list
    elements: str
    required: true
  users:
    description: Users, with their realm. At least one of O(users), O(groups) and O(tokens) is needed.
    type: list
    elements: str
  groups:
    description: Groups.
    type: list
    elements: str
  tokens:
    description: Tokens, for example V(alice@pve!ci).
    type: list
    elements: str
  propagate:
    description:
      - Whether it holds below the path, too. When it is not set, entries that are there keep what they have, and
        new ones propagate. Of no meaning with O(state=absent).
    type: bool
  state:
    description: Whether the entries are to be there.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Let a group look at all guests
  homelab.pve.acl:
    path: /vms
    groups: [operators]
    roles: [PVEAuditor]

- name: Let that hold for the path alone
  homelab.pve.acl:
    path: /vms
    groups: [operators]
    roles: [PVEAuditor]
    propagate: false

- name: Take that back
  homelab.pve.acl:
    path: /vms
    groups: [operators]
    roles: [PVEAuditor]
    state: absent
"""

RETURN = r"""
path:
  description: The path, as Proxmox VE writes it.
  type: str
  returned: success
  sample: /vms
entries:
  description: All entries of the path that the login sees.
  type: list
  elements: dict
  returned: success
  contains:
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
    - {roleid: PVEAuditor, type: group, ugid: operators, propagate: true}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["grant PVEAuditor on /vms to group operators"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.acl import ACL


def main() -> None:
    """Entry point."""
    run(ACL)


if __name__ == "__main__":
    main()
