#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module node_service."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_service
short_description: Start, stop, restart or reload a service of a Proxmox VE node
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Starts and stops the services that Proxmox VE tells about, and waits for that. Whether they start with the node is
    not managed.
  - Services that Proxmox VE needs to answer are not stopped. One that is not installed is refused.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/nodes/NODE).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  node:
    description: Name of the node.
    type: str
    required: true
  service:
    description: Name of the service.
    type: str
    choices:
      - chrony
      - corosync
      - cron
      - ksmtuned
      - lxcfs
      - postfix
      - proxmox-firewall
      - pve-cluster
      - pve-firewall
      - pve-ha-crm
      - pve-ha-lrm
      - pve-lxc-syscalld
      - pvedaemon
      - pvefw-logger
      - pveproxy
      - pvescheduler
      - pvestatd
      - qmeventd
      - spiceproxy
      - sshd
      - syslog
      - systemd-journald
      - systemd-timesyncd
    required: true
  state:
    description: V(restarted) and V(reloaded) act each time the task is run.
    type: str
    choices: [started, stopped, restarted, reloaded]
    required: true
  wait_timeout:
    description: Seconds it may take.
    type: float
    default: 120
"""

EXAMPLES = r"""
- name: Have no SPICE proxy
  homelab.pve.node_service:
    node: father
    service: spiceproxy
    state: stopped

- name: Have cron run
  homelab.pve.node_service:
    node: father
    service: cron
    state: started

- name: Restart the API's proxy
  homelab.pve.node_service:
    node: father
    service: pveproxy
    state: restarted
"""

RETURN = r"""
service:
  description: The service.
  type: dict
  returned: success
  contains:
    service:
      description: Its name.
      type: str
    desc:
      description: What it is.
      type: str
    state:
      description: Its state in detail, such as V(running) or V(dead).
      type: str
    active_state:
      description: Its state, such as V(active), V(inactive) or V(failed).
      type: str
    unit_state:
      description: Whether it starts with the node, such as V(enabled), V(disabled) or V(masked).
      type: str
  sample: {service: cron, state: running, active_state: active, unit_state: enabled}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["restart service pveproxy of node father"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.node_service import NODE_SERVICE


def main() -> None:
    """Entry point."""
    run(NODE_SERVICE)


if __name__ == "__main__":
    main()
