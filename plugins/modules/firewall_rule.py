#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module firewall_rule."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_rule
short_description: Declare the rules of a Proxmox VE firewall
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes, moves and removes the rules of the cluster, a node, a guest, a vnet or a security group. Their order
    is that of the list.
  - A rule is known by what it matches or by its comment, not by its position. Each is declared as a whole, so an
    option that is not set is removed from the rule.
  - What is new is written before what is surplus is removed, with as few writes as can be. A new rule comes to the top
    first, as Proxmox VE puts it there, and is moved to its place then.
  - The first write fits only the rules that the plan was made from. Later ones look again, right before, whether the
    rule is still where it was, as somebody else may change the rules at the same time.
  - A rule that names an alias, IP set, security group or macro that is not there is refused before anything is
    written. To see the cluster's aliases and IP sets, the login needs C(Sys.Audit) on V(/), or C(VM.Audit) on the
    guest; without that, it is left to Proxmox VE to refuse the rule.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/) or the node, or C(VM.Audit) and C(VM.Config.Network) on
    the guest, or C(SDN.Audit) and C(SDN.Allocate) on the vnet.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  level:
    description: Whose rules they are.
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
    description: The vnet, with O(level=vnet). Vnets have rules since Proxmox VE 8.3.
    type: str
  group:
    description: The security group, with O(level=group). It has to exist.
    type: str
  mode:
    description:
      - With V(replace) other rules are removed. With V(merge) they stay, in their order, and a new rule comes right
        after the one it follows in the list, the first ones to the top.
    type: str
    choices: [replace, merge]
    default: replace
  key:
    description:
      - What a rule is known by. V(content) is all but C(enable), C(log) and C(comment); V(comment) needs a comment in
        every rule. Of several that are there the first one is kept.
    type: str
    choices: [content, comment]
    default: content
  rules:
    description: The rules, the first one first. An empty list with O(mode=replace) removes all.
    type: list
    elements: dict
    required: true
    suboptions:
      type:
        description:
          - Direction of the traffic, or V(group) for the rules of a security group. Guests have no V(forward), vnets
            neither V(in) nor V(out), security groups no V(group).
        type: str
        choices: [in, out, forward, group]
        required: true
      action:
        description:
          - V(ACCEPT), V(DROP) or V(REJECT), or the name of the security group. C(type=forward) has no V(REJECT).
        type: str
        required: true
      enable:
        description: Whether the rule is in force.
        type: bool
        default: true
      macro:
        description: Name of a macro, for example V(SSH).
        type: str
      iface:
        description:
          - Network interface; of a guest, its network card, for example V(net0). Vnets and security groups have none.
        type: str
      source:
        description:
          - Where the traffic comes from, an address, a network, a list of both, a range such as
            V(192.0.2.1-192.0.2.9), an alias, or an IP set with V(+) in front. V(dc/) before the name is for the
            cluster's, V(guest/) for the guest's own, V(sdn/) for an IP set of the software defined network.
        type: str
      dest:
        description: The same for where it goes.
        type: str
      proto:
        description: Protocol, for example V(tcp).
        type: str
      sport:
        description: Ports the traffic comes from. Needs C(proto).
        type: str
      dport:
        description: Ports the traffic goes to, for example V(80,443) or V(8000:8100). Needs C(proto).
        type: str
      icmp_type:
        description: Type of ICMP, for example V(echo-request). Needs C(proto) V(icmp) or V(ipv6-icmp).
        type: str
      log:
        description: How much is logged.
        type: str
        choices: [emerg, alert, crit, err, warning, notice, info, debug, nolog]
      comment:
        description: Note about the rule, in one line.
        type: str
"""

EXAMPLES = r"""
- name: Let SSH and the web in, and nothing else
  homelab.pve.firewall_rule:
    level: node
    node: father
    rules:
      - {type: in, action: ACCEPT, macro: SSH, source: 192.0.2.0/24, comment: administrators}
      - {type: in, action: ACCEPT, proto: tcp, dport: "8006"}

- name: See that one rule is there, whatever else is
  homelab.pve.firewall_rule:
    mode: merge
    rules:
      - {type: in, action: ACCEPT, proto: icmp, icmp_type: echo-request}

- name: Remove all rules of the node
  homelab.pve.firewall_rule:
    level: node
    node: father
    rules: []
"""

RETURN = r"""
rules:
  description: All rules there are, in order, each as an entry of O(rules) without what is unset.
  type: list
  elements: dict
  returned: success
  sample: [{type: in, action: ACCEPT, macro: SSH, enable: true}]
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["add rule in ACCEPT SSH"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_rule import RULES


def main() -> None:
    """Entry point."""
    run(RULES)


if __name__ == "__main__":
    main()
