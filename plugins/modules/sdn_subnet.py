#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module sdn_subnet."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sdn_subnet
short_description: Declare a subnet of a virtual network of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a subnet of a vnet. What is not set is not managed; an empty value removes what is
    there.
  - What is declared is only pending until M(homelab.pve.sdn_apply) applies it. It is compared with the configuration
    as it is edited, so a second run changes nothing, applied or not.
  - One that overlaps with another subnet of the same zone is refused, as far as the login may see the zone's vnets.
  - Needs the privilege C(SDN.Allocate) on V(/sdn/zones/ZONE/VNET).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
  - homelab.pve.sdn_lock
options:
  vnet:
    description: The vnet the subnet is of.
    type: str
    required: true
  subnet:
    description: The network with its mask, for example V(10.50.0.0/24).
    type: str
    required: true
  state:
    description: Whether the subnet is to be configured.
    type: str
    choices: [present, absent]
    default: present
  gateway:
    description: Address of the gateway. In zones of the types simple and evpn, the nodes have it.
    type: str
  snat:
    description: Whether the nodes translate the guests' addresses towards the world.
    type: bool
  dhcp_range:
    description:
      - Ranges of addresses that are handed out, each with C(start-address) and C(end-address), as a dictionary or in
        Proxmox VE's form. They are all there are; an empty list stands for none. Order means nothing.
    type: list
    elements: raw
  dhcp_dns_server:
    description: Address of the name server that guests are told.
    type: str
  dnszoneprefix:
    description: What goes before the zone's domain in the names of guests.
    type: str
"""

EXAMPLES = r"""
- name: Declare a subnet
  homelab.pve.sdn_subnet:
    vnet: inside
    subnet: 10.50.0.0/24
    gateway: 10.50.0.1
    snat: true

- name: Hand out addresses
  homelab.pve.sdn_subnet:
    vnet: inside
    subnet: 10.50.0.0/24
    dhcp_range:
      - {start-address: 10.50.0.100, end-address: 10.50.0.199}

- name: Remove it
  homelab.pve.sdn_subnet:
    vnet: inside
    subnet: 10.50.0.0/24
    state: absent
"""

RETURN = r"""
subnet:
  description: The subnet as it is edited, with its id. Options are named as this module's.
  type: dict
  returned: when the subnet is configured
  sample: {subnet: 10.50.0.0/24, id: inner-10.50.0.0-24, vnet: inside, gateway: 10.50.0.1, snat: true}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create subnet 10.50.0.0/24"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_subnet import SUBNET


def main() -> None:
    """Entry point."""
    run(SUBNET)


if __name__ == "__main__":
    main()
