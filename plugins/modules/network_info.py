#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module network_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_info
short_description: List the network interfaces of a Proxmox VE node
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists the interfaces of a node as they are configured, changes that wait included, and tells what waits. Every
    criterion that is set has to be met.
  - Needs no privilege beside a login; but bridges are seen with the privilege C(SDN.Audit) or C(SDN.Use) on
    V(/sdn/zones/localnetwork) only.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  node:
    description: Name of the node.
    type: str
    required: true
  iface:
    description: Name of the interface.
    type: str
  type:
    description: Kind of interface.
    type: str
    choices: [bridge, bond, eth, alias, vlan, OVSBridge, OVSBond, OVSPort, OVSIntPort]
"""

EXAMPLES = r"""
- name: Find the bridges of a node
  homelab.pve.network_info:
    node: father
    type: bridge
  register: network

- name: Show their names, and what waits to be applied
  ansible.builtin.debug:
    msg: "{{ network.interfaces | map(attribute='iface') }} {{ network.changes }}"
"""

RETURN = r"""
interfaces:
  description:
    - The interfaces, ordered by name. Options are named as those of M(homelab.pve.network_interface).
    - C(active) is whether it is up, C(exists) whether it is a card of the machine; C(method) and C(method6) are how it
      gets its addresses.
  type: list
  elements: dict
  returned: success
  sample:
    - {iface: vmbr0, type: bridge, cidr: 192.0.2.10/24, bridge_ports: [eno1], active: true, exists: false}
changes:
  description:
    - What waits to be applied, as a unified diff; empty when nothing does. Null when the connection is no
      C(transport=https), because Proxmox VE doesn't tell it otherwise.
  type: str
  returned: success
  sample: ""
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.network import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
