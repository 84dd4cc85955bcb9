#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module node_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_info
short_description: Show the nodes of a Proxmox VE cluster
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Shows version and state of the cluster's nodes. A node that does not answer is listed with the reason and hides no
    other.
  - Fails when the host of the connection itself does not answer.
  - Needs the privilege C(Sys.Audit) on the nodes; one without it is listed with the reason. O(parts) with V(hosts) or
    V(config) needs C(Sys.Audit) on V(/), and with V(updates) C(Sys.Modify) on the nodes.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  node:
    description: Name of the node to show. Without it all are shown.
    type: str
  parts:
    description: What is shown of each node, too. Takes a request for each part and node.
    type: list
    elements: str
    choices: [dns, hosts, time, config, subscription, repositories, services, certificates, updates]
    default: []
"""

EXAMPLES = r"""
- name: Look at all nodes
  homelab.pve.node_info:
  register: cluster

- name: Stop if one is down
  ansible.builtin.assert:
    that: cluster.nodes | rejectattr('reachable') | length == 0

- name: Look at settings, repositories and services of one
  homelab.pve.node_info:
    node: father
    parts: [dns, time, config, repositories, services]
"""

RETURN = r"""
version:
  description: Version of Proxmox VE on the host that was asked.
  type: str
  returned: success
  sample: 9.1.1
nodes:
  description: The nodes, ordered by name.
  type: list
  elements: dict
  returned: success
  contains:
    node:
      description: Name of the node.
      type: str
    status:
      description: State as the cluster knows it, V(online), V(offline) or V(unknown).
      type: str
    reachable:
      description: Whether the node answered.
      type: bool
    error:
      description: Why it didn't, or what could not be read of it.
      type: str
    ip:
      description: Its address as the cluster has it. Null without the privilege C(Sys.Audit) on C(/).
      type: str
    local:
      description: Whether it is the node that was asked. Null without the privilege C(Sys.Audit) on C(/).
      type: bool
    pveversion:
      description: Version of its manager package.
      type: str
    kernel:
      description: Version of its kernel.
      type: str
    uptime:
      description: Seconds since it started.
      type: int
    cpus:
      description: Its number of CPUs.
      type: int
    loadavg:
      description: Its load over 1, 5 and 15 minutes.
      type: list
      elements: str
    memory:
      description: Its memory in bytes.
      type: dict
    rootfs:
      description: Its root file system in bytes.
      type: dict
    settings:
      description: Settings by the names of the options of M(homelab.pve.node), as far as O(parts) asks for them.
      type: dict
    standard_repositories:
      description: The package repositories that Proxmox provides, with C(handle), C(name) and C(enabled).
      type: list
    repositories:
      description: Every repository that is configured, with C(path), C(index), C(enabled) and what it has.
      type: list
    services:
      description: The services, as M(homelab.pve.node_service) returns them.
      type: list
    certificates:
      description: The certificates of the API, as M(homelab.pve.certificate) returns them, with C(filename).
      type: list
    updates:
      description: Packages that can be updated, with C(package), C(version), C(old_version) and C(origin).
      type: list
  sample:
    - {node: father, status: online, reachable: true, error: null, ip: 192.0.2.10, local: true, uptime: 86400, cpus: 4}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.nodes import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
