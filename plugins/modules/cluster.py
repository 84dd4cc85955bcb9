#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster
short_description: Make a cluster of Proxmox VE nodes, join it, take a node out
version_added: 0.2.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes a cluster of the node at O(host), has that node join a cluster, or takes another node out of its cluster.
    It ends when the node belongs to a quorate cluster.
  - While a node joins, its services are restarted and know nobody for some seconds, which is waited out. Its users,
    tokens, storages and pools are the cluster's afterwards, and its certificate is signed by the cluster's authority.
    So connect by O(ca_path) with both authorities in it, by O(transport=ssh), or run again with the new O(fingerprint).
  - What is set when a cluster is made or joined (links, ids, votes) can't be changed later and is refused. Proxmox VE
    has no way to leave a cluster; a node that was taken out has to be installed anew.
  - Making, joining and taking out is for V(root@pam) with its O(password) only; Proxmox VE lets no API token do it.
    Looking needs the privilege C(Sys.Audit) on V(/).
  - Needs C(Sys.Audit) on V(/), and the login V(root@pam) for what changes.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  state:
    description:
      - V(present) has the node be in the cluster O(clustername), and makes that of it where it is in none.
      - V(joined) has the node be in the cluster of O(hostname).
      - V(absent) has O(node) not be in the cluster of the node that is asked.
    type: str
    choices: [present, joined, absent]
    default: present
  clustername:
    description: Name of the cluster, 15 characters at most. Needed to make it.
    type: str
  links:
    description:
      - Addresses of the node for the cluster's networks, eight at most, as V(10.0.0.1) or V(10.0.0.1,priority=20). The
        first is link 0. Proxmox VE takes the address of the node's name where none is given.
    type: list
    elements: str
  nodeid:
    description: Number of the node in the cluster. Proxmox VE takes the lowest free one.
    type: int
  votes:
    description: Votes of the node. Proxmox VE assumes V(1).
    type: int
  token_coefficient:
    description: Milliseconds that corosync waits longer for a token with each node. For O(state=present).
    type: int
  hostname:
    description: Name or address of a node of the cluster to join, as the joining node reaches it.
    type: str
  peer_fingerprint:
    description:
      - SHA-256 fingerprint of that node's certificate, as M(homelab.pve.cluster_info) asked there returns it.
      - Needed to join.
    type: str
  peer_password:
    description: Password of V(root@pam) on that node. Needed to join.
    type: str
  node:
    description: Name of the node that leaves, for O(state=absent).
    type: str
  force:
    description:
      - With O(state=joined), join even if the node has guests, or the cluster has a node of its name already.
      - With O(state=absent), take the node out even if it is online.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait for the end.
    type: float
    default: 300
"""

EXAMPLES = r"""
- name: Make a cluster
  homelab.pve.cluster:
    # Instead of the token that is set for all modules, which Proxmox VE does not accept here.
    token_id: ""
    token_secret: ""
    user: root@pam
    password: "{{ root_password }}"
    clustername: home

- name: Look at it
  homelab.pve.cluster_info:
  register: home

- name: Be in the cluster already, by any of its addresses
  homelab.pve.cluster:
    state: joined
    hostname: "{{ home.nodes[0].address }}"
    peer_fingerprint: "{{ home.nodes[0].fingerprint }}"
    peer_password: "{{ root_password }}"

- name: Take out a node that is gone
  homelab.pve.cluster:
    state: absent
    node: broken
"""

RETURN = r"""
cluster:
  description: The cluster of the node.
  type: dict
  returned: when it is in one
  contains:
    clustername:
      description: Its name.
      type: str
    config_version:
      description: How often its configuration was changed.
      type: int
    token_coefficient:
      description: Milliseconds that corosync waits longer for a token with each node.
      type: int
    nodes:
      description: Its nodes, by name. Links and votes are named as this module's options.
      type: list
  sample:
    clustername: home
    config_version: 1
    token_coefficient: 125
    nodes: [{node: father, nodeid: 1, votes: 1, links: [192.0.2.10], address: 192.0.2.10, fingerprint: "AB:CD:..."}]
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["make cluster home of node father"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.cluster import CLUSTER


def main() -> None:
    """Entry point."""
    run(CLUSTER)


if __name__ == "__main__":
    main()
