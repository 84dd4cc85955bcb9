#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module user."""

from __future__ import annotations

DOCUMENTATION = r"""
module: user
short_description: Declare a user of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a user. What is not set is not managed; an empty value removes what is there.
  - The options have Proxmox VE's own names. The user's password is O(user_password), because the connection has an
    option O(password).
  - A user of the realm V(pam) has to be in the Linux system, too; Proxmox VE does not make it there.
  - Proxmox VE drops the tokens and the access control entries of a user that is removed.
  - Needs the privileges C(Realm.AllocateUser) on V(/access/realm/REALM) and C(User.Modify) on V(/access/groups); the
    latter is enough on one of the user's groups, and alone to change a user.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  userid:
    description: The user, with its realm, for example V(alice@pve).
    type: str
    required: true
  state:
    description: Whether the user is to be there.
    type: str
    choices: [present, absent]
    default: present
  enable:
    description: Whether the user may log in. Proxmox VE's default is yes.
    type: bool
  expire:
    description: When the account expires, in seconds since 1970; V(0) for never.
    type: int
  firstname:
    description: First name.
    type: str
  lastname:
    description: Last name.
    type: str
  email:
    description: Address for messages.
    type: str
  comment:
    description: Note about the user.
    type: str
  groups:
    description:
      - All groups of the user, or those to add with O(append). An empty list removes the user from all. Order means
        nothing.
    type: list
    elements: str
  append:
    description: Whether O(groups) are added to those the user is in, instead of replacing them.
    type: bool
    default: false
  unlock_tfa:
    description: Whether a user who gave too many wrong second factors may give one again at once.
    type: bool
    default: false
  keys:
    description: Keys for the second factor, as Proxmox VE kept them before version 7. See O(update_password).
    type: str
  user_password:
    description:
      - The user's password, of 8 to 64 characters. Proxmox VE keeps it for the realm V(pve), sets it on the node for
        V(pam), and has none for other realms. See O(update_password).
    type: str
  update_password:
    description:
      - V(on_create) sets O(user_password) and O(keys) only when the user is made; V(always) sets them every time, which
        always counts as a change.
      - Proxmox VE changes no password for a token, so V(always) wants a connection with O(user) and O(password).
    type: str
    choices: [on_create, always]
    default: on_create
"""

EXAMPLES = r"""
- name: Provide a user
  homelab.pve.user:
    userid: alice@pve
    firstname: Alice
    email: alice@example.com
    user_password: "{{ vault_password | default('not so secret') }}"

- name: Keep the user from logging in
  homelab.pve.user:
    userid: alice@pve
    enable: false

- name: Remove the user
  homelab.pve.user:
    userid: alice@pve
    state: absent
"""

RETURN = r"""
user:
  description: The user, without secrets. Options are named as this module's; C(tokens) are the names of the tokens.
  type: dict
  returned: when the user exists
  sample: {enable: true, expire: 0, firstname: Alice, email: alice@example.com, groups: [], tokens: []}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["set enable of user alice@pve"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.user import USER


def main() -> None:
    """Entry point."""
    run(USER)


if __name__ == "__main__":
    main()
