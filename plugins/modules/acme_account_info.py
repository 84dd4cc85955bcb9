#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module acme_account_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: acme_account_info
short_description: List the accounts at certificate authorities
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists accounts, which takes one request for each.
  - Needs no privilege but a login as V(root@pam) with its password, or a way over SSH; Proxmox VE refuses everybody
    else, tokens of V(root@pam) included.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  name:
    description: Name of the account.
    type: str
"""

EXAMPLES = r"""
- name: Look at the accounts
  homelab.pve.acme_account_info:
    # Instead of the token that is set for all modules, which Proxmox VE does not accept here.
    token_id: ""
    token_secret: ""
    user: root@pam
    password: "{{ root_password }}"
  register: found

- name: Show where they are
  ansible.builtin.debug:
    msg: "{{ found.accounts | items2dict(key_name='name', value_name='directory') }}"
"""

RETURN = r"""
accounts:
  description: The accounts, ordered by name, as M(homelab.pve.acme_account) tells them.
  type: list
  elements: dict
  returned: success
  sample:
    - {name: default, contact: [admin@example.com], directory: "https://acme-v02.api.letsencrypt.org/directory"}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.acme_account import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
