#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node
short_description: Declare the settings of a Proxmox VE node, restart it, shut it down, wake it
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Declares DNS, the hosts file, the time zone, the options, the subscription key and the package repositories of a
    node. What is not set is not managed; an empty value removes what is there. Only what is set is read.
  - With O(state) other than V(present), restarts the node, shuts it down, or has another node wake it, and waits for
    that.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/nodes/NODE). O(hosts) needs C(Sys.Audit) on V(/); options
    such as O(description), O(wakeonlan) and O(acme) need both on V(/). O(state) needs C(Sys.PowerMgmt) on
    V(/nodes/NODE), and V(rebooted) C(Sys.Audit) there.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  node:
    description: Name of the node.
    type: str
    required: true
  state:
    description:
      - V(rebooted) restarts the node each time the task is run, after the settings were made.
      - V(off) shuts it down, V(on) has the node of the connection wake it by network; both take no settings. To be
        woken it needs O(wakeonlan), set before.
    type: str
    choices: [present, rebooted, "off", "on"]
    default: present
  search:
    description: The search domain of DNS. Proxmox VE needs one where name servers are set.
    type: str
  dns1:
    description: Address of the first name server.
    type: str
  dns2:
    description: Address of the second name server.
    type: str
  dns3:
    description: Address of the third name server.
    type: str
  hosts:
    description:
      - The whole file C(/etc/hosts). One without a line for the node with an address that others reach is refused, as
        Proxmox VE does not start with it.
    type: str
  timezone:
    description: The time zone, such as V(Europe/Vienna).
    type: str
  description:
    description: Notes about the node.
    type: str
  wakeonlan:
    description:
      - How it is woken by network, as PVE's text or as a dictionary with C(mac), C(bind-interface) and
        C(broadcast-address).
    type: raw
  startall_onboot_delay:
    description: Seconds until guests are started when the node is, from 0 to 300. Proxmox VE takes 0 without it.
    type: int
  ballooning_target:
    description: How much of the memory may be used before ballooning sets in, in per cent. Proxmox VE takes 80 without
      it.
    type: int
  acme:
    description:
      - Account and domains for a certificate by ACME, as PVE's text or as a dictionary with C(account) and C(domains).
        The domains are checked over HTTP. The certificate itself is ordered by M(homelab.pve.certificate).
    type: raw
  acmedomain0:
    description:
      - A further domain for the certificate and how it is checked, as PVE's text or as a dictionary with C(domain),
        C(plugin) and C(alias).
    type: raw
  acmedomain1:
    description: As O(acmedomain0).
    type: raw
  acmedomain2:
    description: As O(acmedomain0).
    type: raw
  acmedomain3:
    description: As O(acmedomain0).
    type: raw
  acmedomain4:
    description: As O(acmedomain0).
    type: raw
  acmedomain5:
    description: As O(acmedomain0).
    type: raw
  subscription_key:
    description: Key of the subscription. Proxmox VE checks it with Proxmox' server when it is set.
    type: str
  subscription_max_age:
    description:
      - Seconds for which the last check of the subscription's key counts. An older one is made again; does nothing
        without a key.
    type: int
  repositories:
    description: Package repositories that are to be enabled or disabled. Others stay as they are.
    type: list
    elements: dict
    suboptions:
      handle:
        description:
          - Handle of one that Proxmox provides, such as V(enterprise), V(no-subscription) or
            V(ceph-squid-no-subscription). It is added if it is to be enabled and isn't there.
        type: str
      path:
        description: File of another one.
        type: path
      index:
        description: Its place in the file, from 0.
        type: int
      enabled:
        description: Whether it is to be enabled.
        type: bool
        default: true
  wait_timeout:
    description: Seconds that restarting, shutting down or waking may take.
    type: float
    default: 600
"""

EXAMPLES = r"""
- name: Set time zone, name servers and notes
  homelab.pve.node:
    node: father
    timezone: Europe/Vienna
    search: example.com
    dns1: 192.0.2.53
    dns2: 2001:db8::53
    description: rack 7, second from above

- name: Use packages without a subscription
  homelab.pve.node:
    node: father
    repositories:
      - handle: no-subscription
      - handle: enterprise
        enabled: false
      - handle: ceph-squid-enterprise
        enabled: false

- name: Say how the node is woken, and for which domains it has a certificate
  homelab.pve.node:
    node: father
    wakeonlan: {mac: "BC:24:11:00:00:07"}
    acme: {account: default, domains: pve.example.com}

- name: Restart the node
  homelab.pve.node:
    node: father
    state: rebooted
"""

RETURN = r"""
settings:
  description: What was read, which is what the task set, by the names of the options.
  type: dict
  returned: success
  contains:
    search:
      description: The search domain.
      type: str
    dns1:
      description: The first name server.
      type: str
    dns2:
      description: The second name server.
      type: str
    dns3:
      description: The third name server.
      type: str
    hosts:
      description: The hosts file.
      type: str
    timezone:
      description: The time zone.
      type: str
    description:
      description: Notes about the node.
      type: str
    wakeonlan:
      description: How it is woken.
      type: dict
    startall_onboot_delay:
      description: Seconds until guests are started.
      type: int
    ballooning_target:
      description: When ballooning sets in, in per cent.
      type: int
    acme:
      description: Account and domains for a certificate.
      type: dict
    acmedomain0:
      description: A further domain. O(acmedomain1) to O(acmedomain5) alike.
      type: dict
    subscription:
      description: What is known of the subscription, without its key.
      type: dict
    standard_repositories:
      description: The repositories that Proxmox provides, with C(handle), C(name) and C(enabled).
      type: list
    repositories:
      description: Every repository that is configured, with C(path), C(index), C(enabled) and what it has.
      type: list
    power:
      description: Whether the node is up, V(on) or V(off).
      type: str
  sample: {search: example.com, dns1: 192.0.2.53, timezone: Europe/Vienna}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["set dns1, search of node father", "set timezone of node father"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.node import NODE


def main() -> None:
    """Entry point."""
    run(NODE)


if __name__ == "__main__":
    main()
