#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module sdn_controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sdn_controller
short_description: Declare a controller of the software defined network of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a controller of routes. What is not set is not managed; an empty value removes what is
    there.
  - There is one controller of the type V(evpn) in a cluster; those of the types V(bgp) and V(isis) are a node's each.
  - What is declared is only pending until M(homelab.pve.sdn_apply) applies it. It is compared with the configuration
    as it is edited, so a second run changes nothing, applied or not.
  - Needs the privilege C(SDN.Allocate) on V(/sdn/controllers).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
  - homelab.pve.sdn_lock
options:
  controller:
    description: Id of the controller.
    type: str
    required: true
  state:
    description: Whether the controller is to be configured. One that a zone uses can't be removed.
    type: str
    choices: [present, absent]
    default: present
  type:
    description: Kind of controller. Needed to create it; can't be changed.
    type: str
    choices: [evpn, bgp, isis, faucet]
  asn:
    description: Number of the autonomous system. V(evpn) and V(bgp) controllers need it.
    type: int
  peers:
    description: Addresses of the other routers. Order means nothing.
    type: list
    elements: str
  fabric:
    description: Fabric that says the peers of an V(evpn) controller. From Proxmox VE 9 on.
    type: str
  node:
    description: The node of a V(bgp) or V(isis) controller, which needs it.
    type: str
  ebgp:
    description: Whether peers are of another autonomous system.
    type: bool
  ebgp_multihop:
    description: How many hops such peers may be away.
    type: int
  loopback:
    description: Interface whose address stands for the node.
    type: str
  bgp_multipath_as_path_relax:
    description: Whether paths through different systems of the same length count as equal.
    type: bool
  isis_domain:
    description: Name of the IS-IS domain.
    type: str
  isis_ifaces:
    description: Interfaces IS-IS is spoken on. Order means nothing.
    type: list
    elements: str
  isis_net:
    description: Network entity title of the node.
    type: str
"""

EXAMPLES = r"""
- name: Declare the controller of tunnels between the nodes
  homelab.pve.sdn_controller:
    controller: routes
    type: evpn
    asn: 65000
    peers: [192.0.2.10, 192.0.2.11]

- name: Remove it
  homelab.pve.sdn_controller:
    controller: routes
    state: absent
"""

RETURN = r"""
controller:
  description: The controller as it is edited. Options are named as this module's.
  type: dict
  returned: when the controller is configured
  sample: {controller: routes, type: evpn, asn: 65000, peers: [192.0.2.10, 192.0.2.11]}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create controller routes"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_controller import CONTROLLER


def main() -> None:
    """Entry point."""
    run(CONTROLLER)


if __name__ == "__main__":
    main()
