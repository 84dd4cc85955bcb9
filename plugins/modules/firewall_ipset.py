#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module firewall_ipset."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_ipset
short_description: Declare an IP set of the Proxmox VE firewall
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a set of addresses, of the whole cluster or of one guest, with its members. What is not
    set is not managed; an empty value removes what is there.
  - New members are added before surplus ones are removed.
  - Proxmox VE would remove a set even if rules use it; here that is refused, as far as the login may see the rules.
    Looking at them asks for those of every node, guest, vnet and security group.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/), or C(VM.Audit) and C(VM.Config.Network) on the guest.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  name:
    description: Name of the set. The set V(management) of the cluster may always reach the nodes.
    type: str
    required: true
  state:
    description: Whether the set is to be there. It is removed with its members.
    type: str
    choices: [present, absent]
    default: present
  level:
    description: Whose set it is.
    type: str
    choices: [cluster, guest]
    default: cluster
  vmid:
    description: The guest, with O(level=guest).
    type: int
  comment:
    description: Note about the set.
    type: str
  members:
    description: All members of the set. Others are removed. Order means nothing.
    type: list
    elements: dict
    suboptions:
      cidr:
        description:
          - Address, network or alias, for example V(192.0.2.0/24) or V(dc/lan). Proxmox VE drops the host bits of a
            network and takes no prefix of length zero.
        type: str
        required: true
      nomatch:
        description: Whether it is left out of the set though another member covers it.
        type: bool
      comment:
        description: Note about the member.
        type: str
"""

EXAMPLES = r"""
- name: Say from where the nodes may be managed
  homelab.pve.firewall_ipset:
    name: management
    comment: administrators
    members:
      - cidr: 192.0.2.0/24
        comment: office
      - cidr: 192.0.2.66
        nomatch: true

- name: Empty the set
  homelab.pve.firewall_ipset:
    name: management
    members: []

- name: Remove it
  homelab.pve.firewall_ipset:
    name: management
    state: absent
"""

RETURN = r"""
ipset:
  description: The set, with its members ordered by address.
  type: dict
  returned: when the set exists
  contains:
    name:
      description: Name of the set.
      type: str
    comment:
      description: Note about it.
      type: str
    members:
      description: Its members.
      type: list
      elements: dict
  sample: {name: management, members: [{cidr: 192.0.2.0/24, nomatch: false, comment: office}]}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create ipset management", "add 192.0.2.0/24 to ipset management"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_ipset import IPSET


def main() -> None:
    """Entry point."""
    run(IPSET)


if __name__ == "__main__":
    main()
