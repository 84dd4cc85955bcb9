#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module tfa_entry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tfa_entry
short_description: Declare a second factor of a user of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Adds, changes and removes second factors of a user. Proxmox VE names each itself, so one is meant by O(type) and
    O(description), or by O(id).
  - One-time passwords and recovery keys can be added without the user being there; V(yubico) with what the key types.
    V(webauthn) and V(u2f) take the user and the device, so they can only be changed and removed.
  - A user who is locked out for wrong second factors is unlocked by M(homelab.pve.user).
  - Proxmox VE takes no token for this. Only V(root@pam) may change its own second factors.
  - Needs the privilege C(User.Modify) on one of the user's groups or on V(/access/groups), or a login as that user; a
    login other than V(root@pam) gives its password (O(password)) once more.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  userid:
    description: The user, with its realm, for example V(alice@pve).
    type: str
    required: true
  state:
    description: Whether it is to be there. V(absent) removes all that are meant, which are all of the user's if nothing
      says which.
    type: str
    choices: [present, absent]
    default: present
  id:
    description: Proxmox VE's name of it. Not for a new one.
    type: str
  type:
    description: Kind of the second factor. Needed to add one.
    type: str
    choices: [totp, recovery, u2f, webauthn, yubico]
  description:
    description:
      - What the user calls it. Needed to add one, with the exception of V(recovery), of which there is one set. With
        O(id) it is what is to be called so.
    type: str
  enable:
    description: Whether it may be used. What is added is enabled.
    type: bool
  totp:
    description:
      - URI of a one-time password, V(otpauth://totp/NAME?secret=BASE32), to add it. It is not compared later, because
        Proxmox VE does not tell it.
    type: str
  value:
    description:
      - To add V(yubico), what the key types. For V(totp) it is worked out.
    type: str
"""

EXAMPLES = r"""
- name: Give the user one-time passwords
  homelab.pve.tfa_entry:
    # Instead of the token that is set for all modules, which Proxmox VE does not accept here.
    token_id: ""
    token_secret: ""
    user: root@pam
    password: "{{ root_password }}"
    userid: alice@pve
    type: totp
    description: phone
    totp: "otpauth://totp/alice?secret={{ vault_totp_secret | default('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ') }}"

- name: Take all second factors from a user who lost them
  homelab.pve.tfa_entry:
    token_id: ""
    token_secret: ""
    user: root@pam
    password: "{{ root_password }}"
    userid: alice@pve
    state: absent
"""

RETURN = r"""
entries:
  description: All second factors of the user.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Proxmox VE's name of it.
      type: str
    type:
      description: Its kind.
      type: str
    description:
      description: What the user calls it.
      type: str
    created:
      description: When it was added, in seconds since 1970.
      type: int
    enable:
      description: Whether it may be used.
      type: bool
  sample:
    - {id: 3f2b1c9a-5e0d-4c57-9d0a-0d8f6c1f2e11, type: totp, description: phone, created: 1763740800, enable: true}
recovery:
  description: Recovery keys that were added. Proxmox VE tells them once. Set C(no_log) on the task.
  type: list
  elements: str
  returned: when recovery keys were added
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["add second factor totp phone of user alice@pve"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.tfa_entry import TFA_ENTRY


def main() -> None:
    """Entry point."""
    run(TFA_ENTRY)


if __name__ == "__main__":
    main()
