#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module sdn_fabric."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sdn_fabric
short_description: Declare a fabric of the software defined network of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a fabric, the network in which nodes find the ways to each other by a routing protocol.
    Its nodes are declared with M(homelab.pve.sdn_fabric_node). What is not set is not managed; an empty value removes
    what is there.
  - What is declared is only pending until M(homelab.pve.sdn_apply) applies it. It is compared with the configuration
    as it is edited, so a second run changes nothing, applied or not.
  - Fabrics are there from Proxmox VE 9 on. Its protocols C(wireguard) and C(bgp) came later, and are not covered.
  - Needs the privileges C(SDN.Allocate) on V(/sdn/fabrics), and C(Sys.Modify) on V(/nodes/NODE) of the nodes a fabric
    that is removed still has.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
  - homelab.pve.sdn_lock
options:
  id:
    description: Id of the fabric, of 8 letters, digits and dashes at most.
    type: str
    required: true
  state:
    description: Whether the fabric is to be configured. One that goes away takes its nodes with it.
    type: str
    choices: [present, absent]
    default: present
  protocol:
    description: Routing protocol. Needed to create it; can't be changed.
    type: str
    choices: [openfabric, ospf]
  ip_prefix:
    description: IPv4 network that the nodes' addresses are in. It may not overlap with another fabric's.
    type: str
  ip6_prefix:
    description: IPv6 network that the nodes' addresses are in. OSPF takes none.
    type: str
  hello_interval:
    description: Seconds between two greetings, from 1 to 600, with V(openfabric).
    type: float
  csnp_interval:
    description: Seconds between two lists of what a node knows, from 1 to 600, with V(openfabric).
    type: float
  area:
    description:
      - Area of V(ospf), a number or of the form of an IPv4 address. V(ospf) needs one that no other fabric has.
    type: str
"""

EXAMPLES = r"""
- name: Declare a fabric
  homelab.pve.sdn_fabric:
    id: spine
    protocol: openfabric
    ip_prefix: 198.51.100.0/24
    hello_interval: 3

- name: Use the protocol's own interval
  homelab.pve.sdn_fabric:
    id: spine
    hello_interval: 1

- name: Remove it with its nodes
  homelab.pve.sdn_fabric:
    id: spine
    state: absent
"""

RETURN = r"""
fabric:
  description: The fabric as it is edited. Options are named as this module's.
  type: dict
  returned: when the fabric is configured
  sample: {id: spine, protocol: openfabric, ip_prefix: 198.51.100.0/24, hello_interval: 3.0}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create fabric spine"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_fabric import FABRIC


def main() -> None:
    """Entry point."""
    run(FABRIC)


if __name__ == "__main__":
    main()
