#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module sdn_fabric_node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sdn_fabric_node
short_description: Declare a node of a fabric of the software defined network of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Puts a node into a fabric, changes how it takes part in it, and takes it out. What is not set is not managed; an
    empty value removes what is there.
  - What is declared is only pending until M(homelab.pve.sdn_apply) applies it. It is compared with the configuration
    as it is edited, so a second run changes nothing, applied or not.
  - Fabrics are there from Proxmox VE 9 on.
  - Needs the privileges C(SDN.Allocate) on V(/sdn/fabrics/FABRIC) and C(Sys.Modify) on V(/nodes/NODE).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
  - homelab.pve.sdn_lock
options:
  fabric_id:
    description: Id of the fabric.
    type: str
    required: true
  node_id:
    description: Name of the node.
    type: str
    required: true
  state:
    description: Whether the node is to be in the fabric.
    type: str
    choices: [present, absent]
    default: present
  protocol:
    description: The fabric's protocol. It is looked up where it isn't set; it can't be another one.
    type: str
    choices: [openfabric, ospf]
  ip:
    description: IPv4 address of the node in the fabric. Needed where the fabric has C(ip_prefix).
    type: str
  ip6:
    description: IPv6 address of the node in the fabric. Needed where the fabric has C(ip6_prefix).
    type: str
  interfaces:
    description:
      - Interfaces of the node that lead into the fabric, as dictionaries or as Proxmox VE writes them. Each has
        C(name), and can have C(ip), C(ip6) (addresses with the length of their prefix) and, with V(openfabric),
        C(hello_multiplier). Order means nothing.
    type: list
    elements: raw
"""

EXAMPLES = r"""
- name: Put a node into the fabric
  homelab.pve.sdn_fabric_node:
    fabric_id: spine
    node_id: father
    ip: 198.51.100.1
    interfaces:
      - name: eno1
      - name: vmbr0
        hello_multiplier: 5

- name: Take it out
  homelab.pve.sdn_fabric_node:
    fabric_id: spine
    node_id: father
    state: absent
"""

RETURN = r"""
fabric_node:
  description: The node as it is edited. Options are named as this module's.
  type: dict
  returned: when the node is in the fabric
  sample: {fabric_id: spine, node_id: father, protocol: openfabric, ip: 198.51.100.1, interfaces: [{name: eno1}]}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create fabric node spine/father"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_fabric_node import NODE


def main() -> None:
    """Entry point."""
    run(NODE)


if __name__ == "__main__":
    main()
