#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module role_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: role_info
short_description: List the roles of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists roles, with their privileges. Every criterion that is set has to be met.
  - Needs no privilege beside a login.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  roleid:
    description: Name of the role.
    type: str
  priv:
    description: Privilege the role has to have, for example V(VM.Audit).
    type: str
  special:
    description: Whether the role is one of Proxmox VE's own.
    type: bool
"""

EXAMPLES = r"""
- name: Look which roles may take snapshots
  homelab.pve.role_info:
    priv: VM.Snapshot
  register: found

- name: Show their names
  ansible.builtin.debug:
    msg: "{{ found.roles | map(attribute='roleid') }}"
"""

RETURN = r"""
roles:
  description: The roles, ordered by name, as M(homelab.pve.role) tells them.
  type: list
  elements: dict
  returned: success
  sample:
    - {roleid: PVEPoolUser, privs: [Pool.Audit], special: true}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.access_info import ROLE_OPTIONS, roles


def main() -> None:
    """Entry point."""
    ask(Question(ROLE_OPTIONS, roles))


if __name__ == "__main__":
    main()
