#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module state."""

from __future__ import annotations

DOCUMENTATION = r"""
module: state
short_description: Declare a whole Proxmox VE server as one document
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Plans and applies a document of everything that a server or a cluster is to have. In check mode it is the plan.
  - Needs the privileges of the modules behind what the document declares.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  files:
    description: Documents, YAML or JSON. A later one stands above an earlier one.
    type: list
    elements: path
    default: []
  document:
    description: A document in the task itself, above all O(files).
    type: dict
  node:
    description: The node that is meant where the documents name none.
    type: str
  only:
    description: Kinds that are looked at. Without it, all.
    type: list
    elements: str
  prune:
    description: Kinds of which what no document has is removed.
    type: list
    elements: str
    default: []
  max_parallel:
    description: How many things are dealt with at a time.
    type: int
    default: 8
"""

EXAMPLES = r"""
- name: Declare a server
  homelab.pve.state:
    document:
      groups:
        - groupid: operators
"""

RETURN = r"""
actions:
  description: What was, or would be, done about each thing.
  type: list
  elements: dict
  returned: always
summary:
  description: How many of each action.
  type: dict
  returned: always
errors:
  description: What failed, in words.
  type: list
  elements: str
  returned: always
current_hash:
  description: SHA-256 of what is there of everything that the plan is about.
  type: str
  returned: always
desired_hash:
  description: SHA-256 of what the documents say.
  type: str
  returned: always
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import act
from ansible_collections.homelab.pve.plugins.module_utils.state.work import STATE


def main() -> None:
    """Entry point."""
    act(STATE)


if __name__ == "__main__":
    main()
