#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module realm_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: realm_info
short_description: List the realms of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists realms with their options, which takes one request for each. Every criterion that is set has to be met.
  - Needs the privilege C(Realm.Allocate) or C(Sys.Audit) on V(/access/realm).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  realm:
    description: Name of the realm.
    type: str
  type:
    description: Kind of the realm.
    type: str
    choices: [ad, ldap, openid, pam, pve]
"""

EXAMPLES = r"""
- name: Look at the directories
  homelab.pve.realm_info:
    type: ldap
  register: found

- name: Show their servers
  ansible.builtin.debug:
    msg: "{{ found.realms | map(attribute='server1') }}"
"""

RETURN = r"""
realms:
  description: The realms, ordered by name, as M(homelab.pve.realm) tells them, without secrets.
  type: list
  elements: dict
  returned: success
  sample:
    - {realm: pam, type: pam, comment: Linux PAM standard authentication}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.realm import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
