#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module cluster_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Show a cluster of Proxmox VE, its nodes, and how to join it
version_added: 0.2.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Shows the cluster of the node that is asked, whether it is quorate, and its nodes with links, votes and what another
    node needs to join. A node that is in no cluster is alone in the list.
  - Needs the privilege C(Sys.Audit) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  node:
    description: Name of the node to list. Without it all are listed.
    type: str
"""

EXAMPLES = r"""
- name: Look at the cluster
  homelab.pve.cluster_info:
  register: found

- name: Stop where a node is missing
  ansible.builtin.assert:
    that:
      - found.quorate
      - found.nodes | rejectattr('online') | length == 0
"""

RETURN = r"""
cluster:
  description: The cluster. Null where the node is in none.
  type: dict
  returned: success
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
  sample: {clustername: home, config_version: 3, token_coefficient: 125}
node:
  description: Name of the node that was asked.
  type: str
  returned: success
  sample: father
quorate:
  description: Whether the node that was asked belongs to a majority. True of a node alone.
  type: bool
  returned: success
  sample: true
nodes:
  description: The nodes, by name.
  type: list
  elements: dict
  returned: success
  contains:
    node:
      description: Its name.
      type: str
    nodeid:
      description: Its number, 0 of a node alone.
      type: int
    votes:
      description: Its votes. Null of a node alone.
      type: int
    links:
      description: Its addresses in the cluster's networks, that of link 0 first.
      type: list
    address:
      description: Its address; hostname of M(homelab.pve.cluster).
      type: str
    fingerprint:
      description: Fingerprint of its certificate; peer_fingerprint of M(homelab.pve.cluster). Null of a node alone.
      type: str
    online:
      description: Whether the node that was asked sees it.
      type: bool
  sample:
    - node: father
      nodeid: 1
      votes: 1
      links: [192.0.2.10]
      address: 192.0.2.10
      fingerprint: "AB:CD:..."
      online: true
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.cluster_info import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
