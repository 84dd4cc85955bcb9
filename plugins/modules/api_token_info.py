#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module api_token_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: api_token_info
short_description: List the API tokens of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists API tokens. Every criterion that is set has to be met. Nobody can read their secrets.
  - Needs the privilege C(User.Modify) or C(Sys.Audit) on V(/access/groups); without it only the tokens of the login's
    own user, and of users in groups on which it has one of them, are seen.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  userid:
    description: The user, with its realm.
    type: str
  tokenid:
    description: Name of the token, without the user.
    type: str
"""

EXAMPLES = r"""
- name: Look at the administrator's tokens
  homelab.pve.api_token_info:
    userid: root@pam
  register: found

- name: Show when they expire
  ansible.builtin.debug:
    msg: "{{ found.tokens | items2dict(key_name='full_tokenid', value_name='expire') }}"
"""

RETURN = r"""
tokens:
  description: The tokens, ordered by full id, as M(homelab.pve.api_token) tells them.
  type: list
  elements: dict
  returned: success
  sample:
    - {full_tokenid: root@pam!automation, userid: root@pam, tokenid: automation, expire: 0, privsep: false}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.access_info import TOKEN_OPTIONS, tokens


def main() -> None:
    """Entry point."""
    ask(Question(TOKEN_OPTIONS, tokens))


if __name__ == "__main__":
    main()
