#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module sdn_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sdn_info
short_description: Show the software defined network of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists zones, vnets, subnets, controllers and fabrics as they are edited, and tells what of it waits to be applied;
    and name servers, managers of addresses, and the addresses that Proxmox VE keeps itself.
  - C(state) of each is V(applied), or V(new), V(changed) or V(deleted) when it waits for M(homelab.pve.sdn_apply).
    What is deleted is listed as it is running, except for subnets of a vnet that is deleted, too.
  - Needs the privilege C(SDN.Audit) or C(SDN.Allocate) on V(/sdn/zones/ZONE), V(/sdn/zones/ZONE/VNET),
    V(/sdn/controllers/CONTROLLER), V(/sdn/fabrics/FABRIC), V(/sdn/dns/DNS) and V(/sdn/ipams/IPAM), for the nodes of a
    fabric C(Sys.Audit) or C(Sys.Modify) on V(/nodes/NODE), too; what the login may not see is left out.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options: {}
"""

EXAMPLES = r"""
- name: Look at the software defined network
  homelab.pve.sdn_info:
  register: sdn

- name: Show what waits to be applied
  ansible.builtin.debug:
    msg: "{{ (sdn.zones + sdn.vnets + sdn.subnets + sdn.controllers) | rejectattr('state', 'eq', 'applied') }}"
"""

RETURN = r"""
zones:
  description: The zones, ordered by id. Options are named as those of M(homelab.pve.sdn_zone).
  type: list
  elements: dict
  returned: success
  sample:
    - {zone: inner, type: simple, mtu: 1400, state: applied}
vnets:
  description: The vnets, ordered by id. Options are named as those of M(homelab.pve.sdn_vnet).
  type: list
  elements: dict
  returned: success
  sample:
    - {vnet: inside, zone: inner, state: changed}
subnets:
  description: The subnets, ordered by vnet. Options are named as those of M(homelab.pve.sdn_subnet).
  type: list
  elements: dict
  returned: success
  sample:
    - {subnet: 10.50.0.0/24, id: inner-10.50.0.0-24, vnet: inside, gateway: 10.50.0.1, state: new}
controllers:
  description: The controllers, ordered by id. Options are named as those of M(homelab.pve.sdn_controller).
  type: list
  elements: dict
  returned: success
  sample:
    - {controller: routes, type: evpn, asn: 65000, state: applied}
fabrics:
  description:
    - The fabrics, ordered by id. Options are named as those of M(homelab.pve.sdn_fabric). None before version 9.
  type: list
  elements: dict
  returned: success
  sample:
    - {id: spine, protocol: openfabric, ip_prefix: 198.51.100.0/24, state: applied}
fabric_nodes:
  description: Their nodes, ordered by fabric and name. Options are named as those of M(homelab.pve.sdn_fabric_node).
  type: list
  elements: dict
  returned: success
  sample:
    - {fabric_id: spine, node_id: father, protocol: openfabric, ip: 198.51.100.1, interfaces: [], state: applied}
dns:
  description:
    - The name servers, ordered by id, without their keys. Options are named as those of M(homelab.pve.sdn_dns).
  type: list
  elements: dict
  returned: success
  sample:
    - {dns: names, type: powerdns, url: "https://dns.example/api/v1/servers/localhost"}
ipams:
  description:
    - The managers of addresses, ordered by id, without their tokens. Options are named as those of
      M(homelab.pve.sdn_ipam).
  type: list
  elements: dict
  returned: success
  sample:
    - {ipam: pve, type: pve}
addresses:
  description: The addresses that Proxmox VE keeps itself, as M(homelab.pve.sdn_ip) returns them, ordered by vnet.
  type: list
  elements: dict
  returned: success
  sample:
    - {vnet: inside, zone: inner, subnet: 10.50.0.0/24, ip: 10.50.0.1, gateway: 1}
pending:
  description: Whether anything of it waits to be applied.
  type: bool
  returned: success
  sample: true
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_info import info


def main() -> None:
    """Entry point."""
    ask(Question({}, info))


if __name__ == "__main__":
    main()
