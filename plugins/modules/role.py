#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module role."""

from __future__ import annotations

DOCUMENTATION = r"""
module: role
short_description: Declare a role of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a role, which is a name for a set of privileges. It is granted by M(homelab.pve.acl).
  - Proxmox VE's own roles can't be changed, and names that begin with V(PVE) are its own.
  - A role that is still granted is not removed, because Proxmox VE would silently drop what was granted with it. That
    is seen as far as the login sees the access control list.
  - Needs the privilege C(Sys.Modify) on V(/access).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  roleid:
    description: Name of the role.
    type: str
    required: true
  state:
    description: Whether the role is to be there.
    type: str
    choices: [present, absent]
    default: present
  privs:
    description:
      - All privileges of the role, for example V(VM.Audit). Not managed when it is not set; an empty list removes all.
        Order means nothing.
      - One that Proxmox VE doesn't have is refused with the one that was probably meant.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Provide a role for snapshots
  homelab.pve.role:
    roleid: Snapshots
    privs: [VM.Audit, VM.Snapshot]

- name: Let it go back to them, too
  homelab.pve.role:
    roleid: Snapshots
    privs: [VM.Audit, VM.Snapshot, VM.Snapshot.Rollback]

- name: Remove it
  homelab.pve.role:
    roleid: Snapshots
    state: absent
"""

RETURN = r"""
role:
  description: The role, with its privileges; C(special) is true for Proxmox VE's own roles.
  type: dict
  returned: when the role exists
  sample: {privs: [VM.Audit, VM.Snapshot], special: false}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["set privs of role Snapshots"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.role import ROLE


def main() -> None:
    """Entry point."""
    run(ROLE)


if __name__ == "__main__":
    main()
