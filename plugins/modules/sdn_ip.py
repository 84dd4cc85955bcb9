#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module sdn_ip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sdn_ip
short_description: Declare an address of a guest in a virtual network of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Reserves an address of a vnet for a card, which then gets it by DHCP, and releases it. Proxmox VE reserves one by
    itself for each card of a guest in a zone that hands addresses out; with this module it is a certain one.
  - Proxmox VE tells only the addresses that it keeps itself, so the zone needs C(ipam=pve) (M(homelab.pve.sdn_zone)).
  - It holds at once, but only in a subnet that is applied (M(homelab.pve.sdn_apply)); elsewhere Proxmox VE would do
    nothing without a word, so it is refused.
  - An address that another card has is not taken away from it. An address of the same family that the card has in the
    vnet is given up for the new one, where the zone hands addresses out (C(dhcp)).
  - Needs the privilege C(SDN.Allocate) on V(/sdn/zones/ZONE), of the zone the vnet is in.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  vnet:
    description: Id of the vnet.
    type: str
    required: true
  ip:
    description: The address.
    type: str
    required: true
  mac:
    description: MAC address of the card that is to have it. Needed to reserve it.
    type: str
  state:
    description: Whether the address is to be reserved.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Reserve an address for a card
  homelab.pve.sdn_ip:
    vnet: inside
    ip: 198.51.100.20
    mac: BC:24:11:00:00:01

- name: Give the card another one
  homelab.pve.sdn_ip:
    vnet: inside
    ip: 198.51.100.21
    mac: BC:24:11:00:00:01

- name: Release it
  homelab.pve.sdn_ip:
    vnet: inside
    ip: 198.51.100.21
    state: absent
"""

RETURN = r"""
address:
  description: The address as it is kept. C(vmid) is the guest whose card it is, where Proxmox VE knows it.
  type: dict
  returned: when the address is reserved
  sample: {vnet: inside, zone: inner, subnet: 198.51.100.0/24, ip: 198.51.100.20, mac: "BC:24:11:00:00:01"}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["reserve 198.51.100.20 of vnet inside for BC:24:11:00:00:01"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_ip import ADDRESS


def main() -> None:
    """Entry point."""
    run(ADDRESS)


if __name__ == "__main__":
    main()
