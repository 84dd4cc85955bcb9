#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module sdn_zone."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sdn_zone
short_description: Declare a zone of the software defined network of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a zone. What is not set is not managed; an empty value removes what is there.
  - The options have Proxmox VE's own names, with underscores. Which of them a zone takes depends on its type.
  - What is declared is only pending until M(homelab.pve.sdn_apply) applies it. It is compared with the configuration
    as it is edited, so a second run changes nothing, applied or not.
  - Needs the privilege C(SDN.Allocate) on V(/sdn/zones).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
  - homelab.pve.sdn_lock
options:
  zone:
    description: Id of the zone, of 8 letters and digits at most.
    type: str
    required: true
  state:
    description: Whether the zone is to be configured. One that vnets are in can't be removed.
    type: str
    choices: [present, absent]
    default: present
  type:
    description: Kind of zone. Needed to create it; can't be changed.
    type: str
    choices: [simple, vlan, qinq, vxlan, evpn, faucet]
  nodes:
    description: Nodes that have the zone. An empty list stands for all. Order means nothing.
    type: list
    elements: str
  mtu:
    description: Largest packet, in bytes. Tunnels need 50 (vxlan) or 4 (qinq) bytes of what the network takes.
    type: int
  ipam:
    description: What keeps the zone's addresses, for example V(pve).
    type: str
  dns:
    description: Name server that the names of guests are written to.
    type: str
  reversedns:
    description: Name server for the reverse lookups.
    type: str
  dnszone:
    description: Domain of the names. Needs O(dns).
    type: str
  dhcp:
    description: Server that hands out the addresses of subnets. Empty for none.
    type: str
    choices: [dnsmasq, ""]
  bridge:
    description: Bridge of the nodes that the VLANs are on. A V(vlan) or V(qinq) zone needs it.
    type: str
  bridge_disable_mac_learning:
    description: Whether the bridge learns no MAC addresses by itself.
    type: bool
  tag:
    description: Outer VLAN of a V(qinq) zone, which needs it.
    type: int
  vlan_protocol:
    description: Protocol of the outer VLAN. Proxmox VE's default is V(802.1q).
    type: str
    choices: ["802.1q", "802.1ad"]
  peers:
    description: Addresses of the nodes, the ends of the tunnels. A V(vxlan) zone needs them, or O(fabric).
    type: list
    elements: str
  fabric:
    description: Fabric that says the ends of the tunnels. From Proxmox VE 9 on.
    type: str
  vxlan_port:
    description: UDP port of the tunnels. Proxmox VE's default is V(4789).
    type: int
  controller:
    description: Controller of an V(evpn) zone, which needs it.
    type: str
  vrf_vxlan:
    description: VXLAN that an V(evpn) zone routes in, which needs it.
    type: int
  mac:
    description: MAC address of the gateways of an V(evpn) zone. Proxmox VE makes one up.
    type: str
  exitnodes:
    description: Nodes that lead out of an V(evpn) zone.
    type: list
    elements: str
  exitnodes_primary:
    description: The one of them that is taken first.
    type: str
  exitnodes_local_routing:
    description: Whether an exit node itself can reach the guests.
    type: bool
  advertise_subnets:
    description: Whether whole subnets are announced, for guests that say nothing.
    type: bool
  disable_arp_nd_suppression:
    description: Whether requests for addresses go through the tunnels.
    type: bool
  rt_import:
    description: Further route targets that are imported, for example V(65000:100).
    type: list
    elements: str
  dp_id:
    description: Datapath of a V(faucet) zone.
    type: int
"""

EXAMPLES = r"""
- name: Declare a zone without a bridge
  homelab.pve.sdn_zone:
    zone: inner
    type: simple
    mtu: 1400

- name: Declare a zone of VLANs on one node
  homelab.pve.sdn_zone:
    zone: vlans
    type: vlan
    bridge: vmbr0
    nodes: [father]

- name: Let all nodes have it
  homelab.pve.sdn_zone:
    zone: vlans
    nodes: []

- name: Remove it
  homelab.pve.sdn_zone:
    zone: vlans
    state: absent
"""

RETURN = r"""
zone:
  description: The zone as it is edited. Options are named as this module's.
  type: dict
  returned: when the zone is configured
  sample: {zone: inner, type: simple, mtu: 1400}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create zone inner"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_zone import ZONE


def main() -> None:
    """Entry point."""
    run(ZONE)


if __name__ == "__main__":
    main()
