#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module firewall_group."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_group
short_description: Declare a security group of the Proxmox VE firewall
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes, renames and removes a security group with its rules. What is not set is not managed; an empty value
    removes what is there. A rule is declared as a whole. The module M(homelab.pve.firewall_rule) keeps rules as well,
    and can merge them with others.
  - A group is removed with its rules. Proxmox VE would remove it even if rules elsewhere use it; here that is refused,
    as far as the login may see the rules. Looking at them asks for those of every node, guest and vnet.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  group:
    description: Name of the group.
    type: str
    required: true
  state:
    description: Whether the group is to be there.
    type: str
    choices: [present, absent]
    default: present
  comment:
    description: Note about the group, in one line.
    type: str
  rename:
    description:
      - The name the group has had so far. With a group of that name, and none of the new one, it is renamed. Proxmox VE
        then changes the rules of cluster, nodes and guests that use it, those of vnets not.
    type: str
  key:
    description:
      - What a rule is known by. V(content) is all but C(enable), C(log) and C(comment); V(comment) needs a comment in
        every rule. Of several that are there the first one is kept.
    type: str
    choices: [content, comment]
    default: content
  rules:
    description: All rules of the group, the first one first. Others are removed.
    type: list
    elements: dict
    suboptions:
      type:
        description:
          - Direction of the traffic. A security group has no rules of another one, which is what V(group) stands for.
        type: str
        choices: [in, out, forward, group]
        required: true
      action:
        description:
          - V(ACCEPT), V(DROP) or V(REJECT). C(type=forward) has no V(REJECT).
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
          - Network interface. Rules of a security group have none; the rule that uses the group may have one.
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
- name: Say what a web server lets in
  homelab.pve.firewall_group:
    group: web
    comment: web servers
    rules:
      - {type: in, action: ACCEPT, proto: tcp, dport: "80,443"}
      - {type: in, action: ACCEPT, macro: SSH, source: 192.0.2.0/24}

- name: Call it by another name
  homelab.pve.firewall_group:
    group: webserver
    rename: web

- name: Remove the group
  homelab.pve.firewall_group:
    group: webserver
    state: absent
"""

RETURN = r"""
group:
  description: The group, with its rules in order.
  type: dict
  returned: when the group exists
  contains:
    group:
      description: Its name.
      type: str
    comment:
      description: Note about it, empty without one.
      type: str
    rules:
      description: Its rules, in order, each as an entry of O(rules) without what is unset.
      type: list
      elements: dict
  sample: {group: web, comment: web servers, rules: [{type: in, action: ACCEPT, macro: SSH, enable: true}]}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create security group web", "add rule in ACCEPT SSH"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_group import GROUP


def main() -> None:
    """Entry point."""
    run(GROUP)


if __name__ == "__main__":
    main()
