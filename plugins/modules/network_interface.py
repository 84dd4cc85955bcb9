#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module network_interface."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_interface
short_description: Declare a network interface of a Proxmox VE node
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a bridge, bond, VLAN, alias, card or Open vSwitch interface in the configuration of a
    node's network. What is not set is not managed; an empty value, or 0 for a number, removes what is there.
  - The change waits until the node's network configuration is applied or the node restarts.
  - What can't be right is refused before anything is changed, in check mode, too. That is a second default gateway, a
    port another interface uses or that isn't there, an interface that would stand on itself, an address in another
    interface's network, a bond without interfaces, a VLAN on nothing, and the removal of an interface another one
    stands on, or of a bridge that guests' cards are on.
  - Proxmox VE takes Open vSwitch's kinds only where the package C(openvswitch-switch) is installed on the node.
  - An interface with an address by DHCP or router advertisements can be changed only together with a static address,
    because Proxmox VE's API knows no other kind and would end it.
  - PVE's parameters C(address) and C(netmask) are O(cidr) here, and C(comments6) is O(comments), which is what Proxmox
    VE reads it back as.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/nodes/NODE). Without C(SDN.Audit) on
    V(/sdn/zones/localnetwork), conflicts with bridges are not seen beforehand; without C(VM.Audit), guests on a bridge.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  node:
    description: Name of the node.
    type: str
    required: true
  iface:
    description:
      - Name of the interface, for example V(vmbr1), V(bond0), V(vmbr1.100), V(vlan100) or V(eno1).
    type: str
    required: true
  state:
    description: Whether the interface is to be configured. A card of the machine is listed without configuration, too.
    type: str
    choices: [present, absent]
    default: present
  type:
    description: Kind of interface. Needed to create it; can't be changed.
    type: str
    choices: [bridge, bond, eth, alias, vlan, OVSBridge, OVSBond, OVSPort, OVSIntPort]
  cidr:
    description: IPv4 address with the length of its prefix.
    type: str
  gateway:
    description: Default gateway for IPv4. A node has one.
    type: str
  cidr6:
    description: IPv6 address with the length of its prefix.
    type: str
  gateway6:
    description: Default gateway for IPv6. A node has one.
    type: str
  allow_overlap:
    description: Whether the address may be in the network of another interface, as for multipath storage.
    type: bool
    default: false
  mtu:
    description: Largest packet in bytes, from 1280 to 65520. V(0) for the default.
    type: int
  autostart:
    description: Whether it comes up when the node starts. Ports of Open vSwitch always do, with their bridge.
    type: bool
  comments:
    description: Comment, several lines if need be.
    type: str
  bridge_ports:
    description: Interfaces that are ports of the bridge. Order means nothing.
    type: list
    elements: str
  bridge_vlan_aware:
    description: Whether the bridge looks at VLAN tags.
    type: bool
  bridge_vids:
    description: VLANs and ranges of VLANs a VLAN-aware bridge lets through. An empty list stands for V(2-4094).
    type: list
    elements: str
  slaves:
    description: Interfaces a bond is made of. Order means nothing.
    type: list
    elements: str
  bond_mode:
    description: How a bond uses its interfaces. Those that end in V(slb) and V(tcp) are Open vSwitch's.
    type: str
    choices:
      - balance-rr
      - active-backup
      - balance-xor
      - broadcast
      - 802.3ad
      - balance-tlb
      - balance-alb
      - balance-slb
      - lacp-balance-slb
      - lacp-balance-tcp
  bond_primary:
    description: Interface that is used as long as it is up, with O(bond_mode=active-backup).
    type: str
  bond_xmit_hash_policy:
    description: What decides on the interface, with O(bond_mode=balance-xor) and O(bond_mode=802.3ad).
    type: str
    choices: [layer2, layer2+3, layer3+4]
  vlan_id:
    description: Number of the VLAN, where the name doesn't say it.
    type: int
  vlan_raw_device:
    description: Interface the VLAN is on, where the name doesn't say it.
    type: str
  ovs_bridge:
    description: Bridge of an Open vSwitch interface or bond.
    type: str
  ovs_ports:
    description:
      - Ports of an Open vSwitch bridge. Order means nothing. Ports and bonds that name the bridge in O(ovs_bridge) are
        among them anyway.
    type: list
    elements: str
  ovs_bonds:
    description: Interfaces an Open vSwitch bond is made of. Order means nothing.
    type: list
    elements: str
  ovs_options:
    description: Further options of Open vSwitch.
    type: str
  ovs_tag:
    description: VLAN of an Open vSwitch interface, from 1 to 4094. V(0) for none.
    type: int
"""

EXAMPLES = r"""
- name: Make a bridge for guests that talk to each other
  homelab.pve.network_interface:
    node: father
    iface: vmbr1
    type: bridge
    cidr: 198.51.100.1/24
    autostart: true
    bridge_vlan_aware: true
    comments: guests

- name: Give the node an address in one of its VLANs
  homelab.pve.network_interface:
    node: father
    iface: vmbr1.100
    type: vlan
    cidr: 203.0.113.1/24
    autostart: true

- name: Let the bridge take certain VLANs only
  homelab.pve.network_interface:
    node: father
    iface: vmbr1
    bridge_vids: [100, 200-210]

- name: Remove the VLAN
  homelab.pve.network_interface:
    node: father
    iface: vmbr1.100
    state: absent
"""

RETURN = r"""
interface:
  description: The interface as it is configured, waiting changes included. Options are named as this module's.
  type: dict
  returned: when the interface is configured
  sample: {iface: vmbr1, type: bridge, cidr: 198.51.100.1/24, autostart: true, bridge_ports: []}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["set cidr of interface vmbr1"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.network_interface import NETWORK_INTERFACE


def main() -> None:
    """Entry point."""
    run(NETWORK_INTERFACE)


if __name__ == "__main__":
    main()
