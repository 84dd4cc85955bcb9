#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module sdn_dns."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sdn_dns
short_description: Declare a name server of the software defined network of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a name server that the names of guests are written to (options C(dns) and C(reversedns)
    of M(homelab.pve.sdn_zone)). What is not set is not managed; an empty value removes what is there.
  - Proxmox VE asks the server before each change whether it takes the key, so it has to be reached by the node.
  - Proxmox VE tells the key to whoever may change it, so it is compared as anything else is. It is never shown.
  - One that a zone uses is not removed. That is seen where the login may see the zone.
  - What is declared holds at once; it does not wait for M(homelab.pve.sdn_apply).
  - Needs the privilege C(SDN.Allocate) on V(/sdn/dns).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
  - homelab.pve.sdn_lock
options:
  dns:
    description: Id of the name server, of letters and digits.
    type: str
    required: true
  state:
    description: Whether the name server is to be configured.
    type: str
    choices: [present, absent]
    default: present
  type:
    description: Kind of server. Needed to create it; can't be changed.
    type: str
    choices: [powerdns]
  url:
    description: Address of its API, for example V(https://dns.example/api/v1/servers/localhost). Needed to create it.
    type: str
  key:
    description: Key of its API. Needed to create it.
    type: str
  ttl:
    description: Seconds for which a record holds. Proxmox VE's default is 14400.
    type: int
  reversemaskv6:
    description: Length of the prefix the zone for reverse lookups of IPv6 addresses has, where it isn't the subnet's.
    type: int
  server_fingerprint:
    description: SHA-256 fingerprint of the server's certificate, where its authority is not known to the nodes.
    type: str
"""

EXAMPLES = r"""
- name: Declare the name server of the guests
  homelab.pve.sdn_dns:
    dns: names
    type: powerdns
    url: https://dns.example/api/v1/servers/localhost
    key: "{{ lookup('ansible.builtin.password', '/dev/null seed=example') }}"
    ttl: 300

- name: Remove it
  homelab.pve.sdn_dns:
    dns: names
    state: absent
"""

RETURN = r"""
dns:
  description: The name server, without its key. Options are named as this module's.
  type: dict
  returned: when the name server is configured
  sample: {dns: names, type: powerdns, url: "https://dns.example/api/v1/servers/localhost", ttl: 300}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create dns names"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_dns import DNS


def main() -> None:
    """Entry point."""
    run(DNS)


if __name__ == "__main__":
    main()
