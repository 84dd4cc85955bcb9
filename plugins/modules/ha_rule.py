#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ha_rule."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ha_rule
short_description: Declare a rule for high availability of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes rules that say on which nodes guests run, and which guests run together. What is not set
    is not managed; an empty comment removes what is there.
  - Guests have to be managed by high availability already, see M(homelab.pve.ha_resource).
  - Proxmox VE 8 has no rules, but groups, and the module uses these there. A rule about nodes is a group of its name,
    which the guests are put into; a rule about guests, and O(disable), are refused. RV(api) says which it was.
  - Needs the privileges C(Sys.Audit) and C(Sys.Console) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  rule:
    description: Name of the rule.
    type: str
    required: true
  state:
    description: Whether there is to be such a rule.
    type: str
    choices: [present, absent]
    default: present
  type:
    description: Kind of rule. Needed to create it; can't be changed.
    type: str
    choices: [node-affinity, resource-affinity]
  resources:
    description:
      - The guests, as V(vm:100) or V(ct:100). Needed to create it. Order means nothing.
      - A guest may be in one rule about nodes only, and a rule about guests needs two of them.
    type: list
    elements: str
  nodes:
    description:
      - Nodes the guests run on, each with a priority if it shall be another one than V(0), as in V(father:2). The
        guests run on those of the highest priority that are online.
      - For O(type=node-affinity), which needs them.
    type: list
    elements: str
  strict:
    description:
      - Whether the guests run on no other nodes, even if none of these is online. Proxmox VE assumes V(false).
      - For O(type=node-affinity).
    type: bool
  affinity:
    description:
      - Whether the guests are kept on the same node, V(positive), or on different ones, V(negative).
      - For O(type=resource-affinity), which needs it.
    type: str
    choices: [positive, negative]
  disable:
    description: Whether the rule is switched off.
    type: bool
  comment:
    description: A comment.
    type: str
"""

EXAMPLES = r"""
- name: Run the shop on a certain node
  homelab.pve.ha_rule:
    rule: shop
    type: node-affinity
    resources: [vm:104]
    nodes: [father:2]
    strict: true

- name: Switch the rule off for now
  homelab.pve.ha_rule:
    rule: shop
    disable: true

- name: Remove it
  homelab.pve.ha_rule:
    rule: shop
    state: absent
"""

RETURN = r"""
api:
  description: What was used, V(rules), or V(groups) on Proxmox VE 8.
  type: str
  returned: success
  sample: rules
ha_rule:
  description:
    - The rule. Options are named as this module's.
    - C(errors) is there when Proxmox VE does not follow the rule, and says why, by option.
  type: dict
  returned: when there is one
  sample: {rule: shop, type: node-affinity, resources: ["vm:104"], nodes: ["father:2"], strict: true}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["set nodes of HA rule shop"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_rule import HA_RULE


def main() -> None:
    """Entry point."""
    run(HA_RULE)


if __name__ == "__main__":
    main()
