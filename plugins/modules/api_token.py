#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module api_token."""

from __future__ import annotations

DOCUMENTATION = r"""
module: api_token
short_description: Declare an API token of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes an API token. Its secret is handed out once, when it is made.
  - A secret that is at hand (O(current_secret) or O(secret_path)) is tried against the API. While it works the token is
    kept; when it doesn't, or when the file doesn't hold it, the token is removed and made anew.
  - Proxmox VE drops the access control entries of a token that is removed. Those of one that is made anew are granted
    again, as far as the login sees them.
  - Needs the privilege C(User.Modify) on one of the user's groups or on V(/access/groups), or a login as that user with
    its password; and C(Permissions.Modify) on the paths where something is granted again.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  state:
    description: Whether the token is to be there.
    type: str
    choices: [present, absent]
    default: present
  userid:
    description: The user, with its realm, for example V(root@pam).
    type: str
    required: true
  tokenid:
    description: Name of the token, without the user.
    type: str
    required: true
  comment:
    description: Note about the token.
    type: str
  expire:
    description: When the token expires, in seconds since 1970; V(0) for never.
    type: int
  privsep:
    description:
      - Whether the token has privileges of its own. If not, it has those of its user. Proxmox VE's default is yes.
    type: bool
  renew:
    description: Whether a token that exists is replaced in any case.
    type: bool
    default: false
  current_secret:
    description: The secret as far as it is known.
    type: str
  secret_path:
    description:
      - File on the controller that keeps the secret, as JSON with C(id) and C(secret), readable for its owner only.
        It is read to try the secret, and written when there is a new one.
      - With it the secret is not in the module's result.
    type: path
"""

EXAMPLES = r"""
- name: Provide a token, its secret in a private file
  homelab.pve.api_token:
    userid: root@pam
    tokenid: automation
    comment: for the automation
    privsep: false
    secret_path: "{{ token_file }}"

- name: Remove it
  homelab.pve.api_token:
    userid: root@pam
    tokenid: automation
    state: absent
"""

RETURN = r"""
full_tokenid:
  description: Full id of the token, as the connection options take it.
  type: str
  returned: success
  sample: root@pam!automation
token:
  description: The token, without its secret.
  type: dict
  returned: when the token exists
  sample: {comment: for the automation, expire: 0, privsep: false}
secret:
  description: The secret of a token that was made. Set C(no_log) on the task, or use O(secret_path).
  type: str
  returned: when a token was made and O(secret_path) is not set
secret_path:
  description: File the new secret was written to.
  type: str
  returned: when a token was made and O(secret_path) is set
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create token root@pam!automation"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Action, act
from ansible_collections.homelab.pve.plugins.module_utils.resources.api_token import TOKEN
from ansible_collections.homelab.pve.plugins.module_utils.token_secret import declare


def main() -> None:
    """Entry point."""
    act(Action(TOKEN.argument_spec(), declare, TOKEN.writes))


if __name__ == "__main__":
    main()
