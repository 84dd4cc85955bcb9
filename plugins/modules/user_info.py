#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module user_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: user_info
short_description: List the users of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists users, with their groups and the names of their tokens. Every criterion that is set has to be met.
  - Needs the privilege C(User.Modify) or C(Sys.Audit) on V(/access/groups); without it only the login's own user, and
    those of groups on which it has one of them, are seen.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  userid:
    description: The user, with its realm.
    type: str
  group:
    description: Group the user has to belong to.
    type: str
  enable:
    description: Whether the user may log in.
    type: bool
  tfa:
    description: Whether the users' second factors are told, too.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Look who may log in
  homelab.pve.user_info:
    enable: true
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ found.users | map(attribute='userid') }}"
"""

RETURN = r"""
users:
  description:
    - The users, ordered by id, as M(homelab.pve.user) tells them. C(totp_locked) and C(tfa_locked_until) are there for
      one who gave too many wrong second factors, C(tfa), as M(homelab.pve.tfa_entry) tells it, with O(tfa).
  type: list
  elements: dict
  returned: success
  sample:
    - {userid: alice@pve, enable: true, expire: 0, firstname: Alice, groups: [operators], tokens: [ci]}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.access_info import USER_OPTIONS, users


def main() -> None:
    """Entry point."""
    ask(Question(USER_OPTIONS, users))


if __name__ == "__main__":
    main()
