#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module acme_account."""

from __future__ import annotations

DOCUMENTATION = r"""
module: acme_account
short_description: Declare an account at a certificate authority
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Registers an account by ACME, changes its addresses, and deactivates it for good. Nodes order their certificates
    with it.
  - Proxmox VE asks the authority for each of these, so the node that is connected to has to reach it.
  - Needs no privilege but a login as V(root@pam) with its password, or a way over SSH; Proxmox VE refuses everybody
    else, tokens of V(root@pam) included.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  name:
    description: Name of the account.
    type: str
    default: default
  state:
    description: Whether the account is to be there. V(absent) deactivates it at the authority, too.
    type: str
    choices: [present, absent]
    default: present
  contact:
    description: Addresses for messages of the authority. Needed to register the account. Order means nothing.
    type: list
    elements: str
  directory:
    description:
      - Address of the authority's directory. Proxmox VE's default is Let's Encrypt. Can't be changed.
    type: str
  tos_url:
    description:
      - Address of the authority's terms of service, which says that you agree to them. Most authorities want that. It
        is only used to register the account.
    type: str
  eab_kid:
    description: Id of the key for external account binding. It is only used to register the account.
    type: str
  eab_hmac_key:
    description: Key for external account binding. It is only used to register the account.
    type: str
"""

EXAMPLES = r"""
- name: Register an account
  homelab.pve.acme_account:
    # Instead of the token that is set for all modules, which Proxmox VE does not accept here.
    token_id: ""
    token_secret: ""
    user: root@pam
    password: "{{ root_password }}"
    name: staging
    contact: [admin@example.com]
    directory: https://acme-staging-v02.api.letsencrypt.org/directory
    tos_url: https://letsencrypt.org/documents/LE-SA-v1.5-February-24-2025.pdf

- name: Deactivate it
  homelab.pve.acme_account:
    token_id: ""
    token_secret: ""
    user: root@pam
    password: "{{ root_password }}"
    name: staging
    state: absent
"""

RETURN = r"""
acme_account:
  description:
    - The account, without secrets. Options are named as this module's; C(location) is its address at the authority,
      C(status) what the authority says of it.
  type: dict
  returned: when the account exists
  sample:
    contact: [admin@example.com]
    directory: https://acme-staging-v02.api.letsencrypt.org/directory
    location: https://acme-staging-v02.api.letsencrypt.org/acme/acct/1
    status: valid
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create acme_account staging"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.acme_account import ACME_ACCOUNT


def main() -> None:
    """Entry point."""
    run(ACME_ACCOUNT)


if __name__ == "__main__":
    main()
