#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module firewall_alias."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_alias
short_description: Declare an alias of the Proxmox VE firewall
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a name for an address or network, of the whole cluster or of one guest. What is not set
    is not managed; an empty value removes what is there.
  - Upper and lower case of a name are the same to Proxmox VE. It would remove an alias even if rules use it; here that
    is refused, as far as the login may see the rules. Looking at them asks for those of every node, guest, vnet and
    security group.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/), or C(VM.Audit) and C(VM.Config.Network) on the guest.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  name:
    description: Name of the alias.
    type: str
    required: true
  state:
    description: Whether the alias is to be there.
    type: str
    choices: [present, absent]
    default: present
  level:
    description: Whose alias it is.
    type: str
    choices: [cluster, guest]
    default: cluster
  vmid:
    description: The guest, with O(level=guest).
    type: int
  cidr:
    description: Address or network, for example V(192.0.2.0/24). Needed to create it.
    type: str
  comment:
    description: Note about the alias.
    type: str
"""

EXAMPLES = r"""
- name: Name the local network
  homelab.pve.firewall_alias:
    name: lan
    cidr: 192.0.2.0/24
    comment: the local network

- name: Remove the name
  homelab.pve.firewall_alias:
    name: lan
    state: absent
"""

RETURN = r"""
alias:
  description: The alias.
  type: dict
  returned: when the alias exists
  sample: {name: lan, cidr: 192.0.2.0/24, comment: the local network}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create alias lan"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_alias import ALIAS


def main() -> None:
    """Entry point."""
    run(ALIAS)


if __name__ == "__main__":
    main()
