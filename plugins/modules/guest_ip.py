#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module guest_ip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: guest_ip
short_description: Wait for a guest's address
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Asks a VM's agent (or Proxmox VE, for a container) for the guest's addresses until one fits every criterion that is
    set. Loopback and link-local addresses never fit.
  - Waits for a guest that is stopped or still boots. Fails after O(wait_timeout) seconds and says what the last answer
    was. Fails at once when waiting won't help, because the VM has no agent configured or the login lacks a privilege.
  - Needs the privilege C(VM.Audit) on the guest, and for a VM also C(VM.GuestAgent.Audit) (before Proxmox VE 9,
    C(VM.Monitor)).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.guest
  - homelab.pve.attributes.reads
options:
  interface:
    description: Name of the interface inside the guest, for example V(eth0).
    type: str
  mac:
    description: MAC address of the guest's network card. The safest criterion when the guest has bridges of its own.
    type: str
  nic:
    description:
      - Network card of the guest's configuration, for example V(net0), whose MAC address is meant. Instead of O(mac).
    type: str
  subnet:
    description: Network the address has to be in, for example V(192.0.2.0/24).
    type: str
  family:
    description: Kind of address. A O(subnet) decides by itself.
    type: str
    choices: [ipv4, ipv6, any]
    default: ipv4
  wait_timeout:
    description: Seconds to wait.
    type: float
    default: 300
"""

EXAMPLES = r"""
- name: Wait for the address on the first network card
  homelab.pve.guest_ip:
    vmid: 99900
    mac: "{{ provisioned.nics.net0.mac }}"
    subnet: 192.0.2.0/24
    wait_timeout: 120
  register: address

- name: Wait for an address that any host of a network can reach
  homelab.pve.guest_ip:
    name: web
    subnet: 192.0.2.0/24

- name: Show it
  ansible.builtin.debug:
    var: address.ip
"""

RETURN = r"""
ip:
  description: The address.
  type: str
  returned: success
  sample: 192.0.2.57
prefix:
  description: Length of its network's prefix.
  type: int
  returned: success
  sample: 24
interface:
  description: Interface of the guest that has it.
  type: str
  returned: success
  sample: eth0
mac:
  description: That interface's MAC address.
  type: str
  returned: success
  sample: BC:24:11:00:00:01
vmid:
  description: Id of the guest.
  type: int
  returned: success
  sample: 99900
name:
  description: Name of the guest.
  type: str
  returned: success
  sample: web
node:
  description: Node the guest is on.
  type: str
  returned: success
  sample: father
"""

from ansible_collections.homelab.pve.plugins.module_utils.guest_address import (
    ADDRESS_OPTIONS,
    ADDRESS_RULES,
    guest_address,
)
from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask


def main() -> None:
    """Entry point."""
    ask(Question(ADDRESS_OPTIONS, guest_address, ADDRESS_RULES))


if __name__ == "__main__":
    main()
