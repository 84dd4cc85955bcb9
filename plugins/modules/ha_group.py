#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ha_group."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ha_group
short_description: Declare a group of nodes that guests of high availability run on
version_added: 0.2.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a group of high availability, and has guests in it. What is not set is not managed; an
    empty comment removes what is there.
  - Proxmox VE 9 has no groups, but rules, and the module uses these there. A group is a rule about nodes of its name,
    which needs O(resources); O(nofailback) is refused. RV(api) says which it was. M(homelab.pve.ha_rule) can do all
    that rules can.
  - Guests have to be managed by high availability already, see M(homelab.pve.ha_resource).
  - Needs the privileges C(Sys.Audit) and C(Sys.Console) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  group:
    description: Name of the group.
    type: str
    required: true
  state:
    description: Whether there is to be such a group. Proxmox VE 8 keeps one with guests in it.
    type: str
    choices: [present, absent]
    default: present
  nodes:
    description:
      - Its nodes, each with a priority if it shall be another one than V(0), as in V(father:2). The guests run on those
        of the highest priority that are online. Needed to create it.
    type: list
    elements: str
  restricted:
    description: Whether the guests run on no other nodes, even if none of these is online. Proxmox VE assumes V(false).
    type: bool
  nofailback:
    description:
      - Whether the guests stay where they are when a node of higher priority comes back. Proxmox VE assumes V(false).
      - From Proxmox VE 9 on it is O(homelab.pve.ha_resource#module:failback).
    type: bool
  comment:
    description: A comment.
    type: str
  resources:
    description:
      - The guests in it, as V(vm:100) or V(ct:100); others are taken out. Order means nothing. A guest is in one group
        only.
      - Needed to create it on Proxmox VE 9.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Run the shop on certain nodes, on any Proxmox VE
  homelab.pve.ha_group:
    group: shop
    nodes: [father:2]
    restricted: true
    resources: [vm:104]

- name: Remove it
  homelab.pve.ha_group:
    group: shop
    state: absent
"""

RETURN = r"""
api:
  description: What was used, V(groups), or V(rules) from Proxmox VE 9 on.
  type: str
  returned: success
  sample: groups
ha_group:
  description: The group. Options are named as this module's. Guests are told where they were asked for.
  type: dict
  returned: when there is one
  sample: {group: shop, nodes: ["father:2"], restricted: true, resources: ["vm:104"]}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create HA group shop", "put vm:104 into HA group shop"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_group import HA_GROUP


def main() -> None:
    """Entry point."""
    run(HA_GROUP)


if __name__ == "__main__":
    main()
