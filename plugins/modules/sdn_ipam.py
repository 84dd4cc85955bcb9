#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module sdn_ipam."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sdn_ipam
short_description: Declare a manager of addresses of the software defined network of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes what keeps the addresses of zones (option C(ipam) of M(homelab.pve.sdn_zone)). What is
    not set is not managed; an empty value removes what is there.
  - Proxmox VE asks a netbox or phpipam before each change whether it takes the token, so it has to be reached by the
    node. The one named V(pve) is built in.
  - Proxmox VE tells the token to whoever may change it, so it is compared as anything else is. It is never shown.
  - One that a zone uses is not removed. That is seen where the login may see the zone.
  - What is declared holds at once; it does not wait for M(homelab.pve.sdn_apply).
  - Needs the privilege C(SDN.Allocate) on V(/sdn/ipams).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
  - homelab.pve.sdn_lock
options:
  ipam:
    description: Id of it, of letters and digits.
    type: str
    required: true
  state:
    description: Whether it is to be configured.
    type: str
    choices: [present, absent]
    default: present
  type:
    description: Kind of manager. Needed to create it; can't be changed.
    type: str
    choices: [netbox, phpipam, pve]
  url:
    description: Address of its API. V(netbox) and V(phpipam) need it.
    type: str
  token:
    description: Token of its API. V(netbox) and V(phpipam) need it.
    type: str
  section:
    description: Number of the section of a V(phpipam), which needs it.
    type: int
  server_fingerprint:
    description: SHA-256 fingerprint of the server's certificate, where its authority is not known to the nodes.
    type: str
"""

EXAMPLES = r"""
- name: Keep addresses in a netbox
  homelab.pve.sdn_ipam:
    ipam: addresses
    type: netbox
    url: https://netbox.example/api
    token: "{{ lookup('ansible.builtin.password', '/dev/null seed=example') }}"

- name: Remove it
  homelab.pve.sdn_ipam:
    ipam: addresses
    state: absent
"""

RETURN = r"""
ipam:
  description: It as it is configured, without its token. Options are named as this module's.
  type: dict
  returned: when it is configured
  sample: {ipam: addresses, type: netbox, url: "https://netbox.example/api"}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create ipam addresses"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_ipam import IPAM


def main() -> None:
    """Entry point."""
    run(IPAM)


if __name__ == "__main__":
    main()
