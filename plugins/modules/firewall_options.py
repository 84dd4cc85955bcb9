#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module firewall_options."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_options
short_description: Declare the options of a Proxmox VE firewall
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Switches the firewall of the cluster, a node, a guest or a vnet on and off, and sets its policies and other options.
    What is not set is not managed. Setting Proxmox VE's default equals leaving an option unset.
  - A firewall that is switched on drops what no rule allows. The management network stays allowed; Proxmox VE takes
    it from the node's address and the IP set V(management).
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/) or the node, or C(VM.Audit) and C(VM.Config.Network) on
    the guest, or C(SDN.Audit) and C(SDN.Allocate) on the vnet.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  level:
    description: Whose firewall it is.
    type: str
    choices: [cluster, node, guest, vnet]
    default: cluster
  node:
    description: The node, with O(level=node).
    type: str
  vmid:
    description: The guest, with O(level=guest).
    type: int
  vnet:
    description: The vnet, with O(level=vnet).
    type: str
  enable:
    description:
      - Whether the firewall is on. The cluster's has to be on for any other to have an effect; a node's is on by
        default.
    type: bool
  policy_in:
    description:
      - What happens to traffic coming in that no rule is about. Proxmox VE's default is V(DROP). Of cluster and
        guest.
    type: str
    choices: [ACCEPT, REJECT, DROP]
  policy_out:
    description: The same for traffic going out. Proxmox VE's default is V(ACCEPT). Of cluster and guest.
    type: str
    choices: [ACCEPT, REJECT, DROP]
  policy_forward:
    description: The same for forwarded traffic. Proxmox VE's default is V(ACCEPT). Of cluster and vnet.
    type: str
    choices: [ACCEPT, DROP]
  ebtables:
    description: Whether there are ebtables rules. Of the cluster.
    type: bool
  log_ratelimit:
    description: Limit of the log, with C(enable), C(burst) and C(rate), or in Proxmox VE's form. Of the cluster.
    type: raw
  log_level_in:
    description: How much is logged of traffic coming in. Of node and guest.
    type: str
    choices: [emerg, alert, crit, err, warning, notice, info, debug, nolog]
  log_level_out:
    description: How much is logged of traffic going out. Of node and guest.
    type: str
    choices: [emerg, alert, crit, err, warning, notice, info, debug, nolog]
  log_level_forward:
    description: How much is logged of forwarded traffic. Of node and vnet.
    type: str
    choices: [emerg, alert, crit, err, warning, notice, info, debug, nolog]
  ndp:
    description: Whether neighbor discovery is allowed. Of node and guest.
    type: bool
  dhcp:
    description: Whether DHCP is allowed. Of a guest.
    type: bool
  ipfilter:
    description: Whether a network card may only use the addresses of its IP set C(ipfilter-netX). Of a guest.
    type: bool
  macfilter:
    description: Whether a network card may only use its own MAC address. Of a guest.
    type: bool
  radv:
    description: Whether the guest may advertise itself as a router. Of a guest.
    type: bool
  log_nf_conntrack:
    description: Whether connection tracking is logged. Of a node.
    type: bool
  nf_conntrack_allow_invalid:
    description: Whether packets that connection tracking finds invalid are let through. Of a node.
    type: bool
  nf_conntrack_helpers:
    description:
      - Protocols with a helper in connection tracking, for example V(ftp). An empty list stands for none. Of a
        node.
    type: list
    elements: str
  nf_conntrack_max:
    description: How many connections are tracked at most, V(32768) or more. Of a node.
    type: int
  nf_conntrack_tcp_timeout_established:
    description: Seconds an idle connection is tracked, V(7875) or more. Of a node.
    type: int
  nf_conntrack_tcp_timeout_syn_recv:
    description: Seconds a connection that is being made is tracked, from V(30) to V(60). Of a node.
    type: int
  nftables:
    description: Whether the firewall that is made of nftables is used. Of a node.
    type: bool
  nosmurfs:
    description: Whether smurf attacks are filtered. Of a node.
    type: bool
  smurf_log_level:
    description: How much is logged of them. Of a node.
    type: str
    choices: [emerg, alert, crit, err, warning, notice, info, debug, nolog]
  protection_synflood:
    description: Whether there is a limit for new connections of one address. Of a node.
    type: bool
  protection_synflood_burst:
    description: How many new connections may come at once. Of a node.
    type: int
  protection_synflood_rate:
    description: How many new connections may come per second. Of a node.
    type: int
  tcpflags:
    description: Whether combinations of TCP flags that can't be are filtered. Of a node.
    type: bool
  tcp_flags_log_level:
    description: How much is logged of them. Of a node.
    type: str
    choices: [emerg, alert, crit, err, warning, notice, info, debug, nolog]
"""

EXAMPLES = r"""
- name: Log what comes in to a node
  homelab.pve.firewall_options:
    level: node
    node: father
    log_level_in: info

- name: Let everything through that no rule is about
  homelab.pve.firewall_options:
    policy_in: ACCEPT
    log_ratelimit: {enable: true, rate: 5/second}
"""

RETURN = r"""
options:
  description: The options that are set, named as this module's.
  type: dict
  returned: success
  sample: {enable: true, policy_in: DROP}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["set policy_in of the firewall of the cluster"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_options import OPTIONS


def main() -> None:
    """Entry point."""
    run(OPTIONS)


if __name__ == "__main__":
    main()
