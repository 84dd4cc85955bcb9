#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module notification_matcher."""

from __future__ import annotations

DOCUMENTATION = r"""
module: notification_matcher
short_description: Declare which notifications of Proxmox VE go where
version_added: 0.2.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a matcher of the notification system. What is not set is not managed; an empty value
    removes what is there. A matcher without conditions matches everything.
  - What Proxmox VE brings itself, V(default-matcher), can be changed, and is set back where it is to be absent.
  - Needs the privilege C(Mapping.Modify) on V(/mapping/notifications).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  name:
    description: Name of the matcher. Endpoints and matchers share their names.
    type: str
    required: true
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  target:
    description: Names of the endpoints that get what matches. Order means nothing.
    type: list
    elements: str
  mode:
    description: Whether all conditions have to hold or any of them. Proxmox VE assumes V(all).
    type: str
    choices: [all, any]
  match_severity:
    description:
      - Severities, of V(info), V(notice), V(warning), V(error) and V(unknown). Any of them will do.
    type: list
    elements: str
  match_field:
    description:
      - Conditions on what a notification says about itself, as V(exact:type=vzdump,replication) or
        V(regex:hostname=^node.*$). Order means nothing.
    type: list
    elements: str
  match_calendar:
    description: Times of a notification, as V(mon..fri 8-17). Order means nothing.
    type: list
    elements: str
  invert_match:
    description: Whether it is the other way round, so that what does not match goes to the targets.
    type: bool
  comment:
    description: A comment.
    type: str
  disable:
    description: Whether the matcher is switched off.
    type: bool
"""

EXAMPLES = r"""
- name: Mail what goes wrong with backups
  homelab.pve.notification_matcher:
    name: backups
    match_field: ["exact:type=vzdump"]
    match_severity: [warning, error]
    target: [mail-to-root]

- name: Mail nothing else
  homelab.pve.notification_matcher:
    name: default-matcher
    disable: true

- name: Set back what Proxmox VE brings itself
  homelab.pve.notification_matcher:
    name: default-matcher
    state: absent
"""

RETURN = r"""
notification_matcher:
  description: The matcher. Options are named as this module's.
  type: dict
  returned: when it is there
  sample: {name: backups, match_field: ["exact:type=vzdump"], match_severity: ["error,warning"], mode: all}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create notification matcher backups"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.notification_matcher import NOTIFICATION_MATCHER


def main() -> None:
    """Entry point."""
    run(NOTIFICATION_MATCHER)


if __name__ == "__main__":
    main()
