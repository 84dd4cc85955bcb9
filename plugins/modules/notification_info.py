#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module notification_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: notification_info
short_description: Show where Proxmox VE sends which notifications
version_added: 0.2.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists the endpoints and matchers of the notification system, those that Proxmox VE brings itself included.
  - Needs the privilege C(Mapping.Audit) on V(/mapping/notifications).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  name:
    description: Name of the endpoint or matcher. Without it all are listed.
    type: str
  type:
    description: Kind of what is listed.
    type: str
    choices: [sendmail, smtp, gotify, webhook, matcher]
"""

EXAMPLES = r"""
- name: Look at the notification system
  homelab.pve.notification_info:
  register: found

- name: Show who gets what
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.target | default([]) | join(', ') }}"
  loop: "{{ found.matchers }}"
"""

RETURN = r"""
endpoints:
  description: Endpoints by name, without secrets. Options are named as in M(homelab.pve.notification_endpoint).
  type: list
  elements: dict
  returned: success
  sample: [{name: mail-to-root, type: sendmail, mailto_user: [root@pam]}]
matchers:
  description: Matchers by name. Options are named as in M(homelab.pve.notification_matcher).
  type: list
  elements: dict
  returned: success
  sample: [{name: default-matcher, mode: all, target: [mail-to-root]}]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.notification_matcher import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
