#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module sdn_vnet."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sdn_vnet
short_description: Declare a virtual network of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a vnet of the software defined network. What is not set is not managed; an empty value
    removes what is there.
  - What is declared is only pending until M(homelab.pve.sdn_apply) applies it. It is compared with the configuration
    as it is edited, so a second run changes nothing, applied or not.
  - Needs the privilege C(SDN.Allocate) on V(/sdn/zones/ZONE), of the zone it is in and of the one it moves to. Without
    C(VM.Audit), guests on a vnet that is to be removed are not seen.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
  - homelab.pve.sdn_lock
options:
  vnet:
    description:
      - Id of the vnet, of 8 letters and digits at most. Once applied, it is a bridge of this name on the nodes.
    type: str
    required: true
  state:
    description: Whether the vnet is to be configured. One with subnets, or that guests' cards are on, can't be removed.
    type: str
    choices: [present, absent]
    default: present
  zone:
    description: Zone the vnet is in. Needed to create it. With subnets it can't be changed.
    type: str
  tag:
    description:
      - VLAN or VXLAN of the vnet. Zones of the types vlan, vxlan and evpn need it, V(simple) ones refuse it.
    type: int
  alias:
    description: Note about the vnet.
    type: str
  vlanaware:
    description: Whether guests may use VLANs in it. Then it takes no subnets.
    type: bool
  isolate_ports:
    description: Whether guests of a node see each other only through the gateway. From Proxmox VE 8.3 on.
    type: bool
"""

EXAMPLES = r"""
- name: Declare a vnet
  homelab.pve.sdn_vnet:
    vnet: inside
    zone: inner
    alias: net of the test machines

- name: Keep its guests apart
  homelab.pve.sdn_vnet:
    vnet: inside
    isolate_ports: true

- name: Remove it
  homelab.pve.sdn_vnet:
    vnet: inside
    state: absent
"""

RETURN = r"""
vnet:
  description: The vnet as it is edited. Options are named as this module's.
  type: dict
  returned: when the vnet is configured
  sample: {vnet: inside, zone: inner, alias: net of the test machines}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create vnet inside"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_vnet import VNET


def main() -> None:
    """Entry point."""
    run(VNET)


if __name__ == "__main__":
    main()
