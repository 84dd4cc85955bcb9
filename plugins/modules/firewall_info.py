#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module firewall_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_info
short_description: Show a Proxmox VE firewall
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Shows the options, rules, aliases, IP sets and security groups of the cluster, a node, a guest, a vnet or a security
    group, as the modules that declare them take them.
  - Each level has its own of these. O(gather) says which; all have rules, all but a security group have options, the
    cluster and guests have aliases and IP sets, and the cluster has security groups.
  - Needs the privilege C(Sys.Audit) on V(/) or the node, C(VM.Audit) on the guest, or C(SDN.Audit) on the vnet.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  level:
    description: Whose firewall is shown.
    type: str
    choices: [cluster, node, guest, vnet, group]
    default: cluster
  node:
    description: The node, with O(level=node).
    type: str
  vmid:
    description: The guest, with O(level=guest).
    type: int
  vnet:
    description: The vnet, with O(level=vnet). Vnets have a firewall since Proxmox VE 8.3.
    type: str
  group:
    description: The security group, with O(level=group).
    type: str
  gather:
    description: What is shown. Without it, all that the level has.
    type: list
    elements: str
    choices: [options, rules, aliases, ipsets, groups, refs]
"""

EXAMPLES = r"""
- name: Look at the firewall of the cluster
  homelab.pve.firewall_info:
  register: found

- name: Show which networks have a name
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.cidr }}"
  loop: "{{ found.aliases }}"

- name: Look at the rules of a node
  homelab.pve.firewall_info:
    level: node
    node: father
    gather: [rules]
"""

RETURN = r"""
options:
  description: The options that are set, as M(homelab.pve.firewall_options) has them.
  type: dict
  returned: when gathered
  sample: {enable: true, policy_in: DROP}
rules:
  description: The rules in order, as M(homelab.pve.firewall_rule) has them.
  type: list
  elements: dict
  returned: when gathered
  sample: [{type: in, action: ACCEPT, macro: SSH, enable: true}]
aliases:
  description: The aliases by name, as M(homelab.pve.firewall_alias) has them.
  type: list
  elements: dict
  returned: when gathered
  sample: [{name: lan, cidr: 192.0.2.0/24, comment: the local network}]
ipsets:
  description: The IP sets by name with their members, as M(homelab.pve.firewall_ipset) has them.
  type: list
  elements: dict
  returned: when gathered
  sample: [{name: management, members: [{cidr: 192.0.2.0/24, nomatch: false, comment: office}]}]
groups:
  description: The security groups by name with their rules, as M(homelab.pve.firewall_group) has them.
  type: list
  elements: dict
  returned: when gathered
  sample: [{group: web, comment: web servers, rules: [{type: in, action: ACCEPT, macro: Web, enable: true}]}]
refs:
  description: What rules may name as C(source) and C(dest), a guest's own and the cluster's.
  type: list
  elements: dict
  returned: when gathered
  contains:
    type:
      description: V(alias) or V(ipset).
      type: str
    name:
      description: Its name.
      type: str
    ref:
      description: How a rule names it.
      type: str
    scope:
      description: Whose it is, V(dc) for the cluster's, V(guest), or V(sdn) for the software defined network.
      type: str
    comment:
      description: Note about it, if there is one.
      type: str
  sample: [{type: ipset, name: management, ref: +management, scope: dc}]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_info import INFO_OPTIONS, RULES, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info, RULES))


if __name__ == "__main__":
    main()
