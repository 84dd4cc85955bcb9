#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module network_apply."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_apply
short_description: Apply or drop waiting changes of a Proxmox VE node's network
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Applies the changes of a node's network that wait, for example those of M(homelab.pve.network_interface), or drops
    them. Does nothing when none waits. The diff shows the lines of the configuration file.
  - Proxmox VE takes nothing back by itself when the node can't be reached afterwards. With O(rollback_after), a process
    on the node brings the files of before back, and applies them, unless the module confirms over a new connection that
    it reached the node again. What waited waits again then. The process is started over SSH as root, and needs
    C(python3) on the node. A node that restarts meanwhile keeps the change.
  - Proxmox VE tells over HTTPS only whether changes wait. With O(transport=ssh) and O(transport=local), the files of
    the node that is connected to are compared instead, so it has to be O(node).
  - Needs the privilege C(Sys.Modify) on V(/nodes/NODE).
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
      - V(applied) and V(reverted) apply or drop the changes that wait.
      - V(confirmed) keeps a change that an earlier task applied with O(rollback_after) and O(transport=local). There
        the module runs on the node itself, so only a further task that Ansible brings there proves that it is reached.
    type: str
    choices: [applied, reverted, confirmed]
    default: applied
  rollback_after:
    description:
      - Seconds within which the change has to be applied and the node reached again, or it is taken back. Without it,
        or with V(0), nothing is taken back.
      - Needs O(ssh_host) with O(transport=https).
    type: float
  ssh_host:
    description:
      - Address of the node for SSH, with O(transport=https). The options O(ssh_user), O(ssh_port), O(ssh_key_path),
        O(ssh_known_hosts) and O(ssh_config) hold for it.
    type: str
  regenerate_frr:
    description:
      - Whether the configuration of FRR is written anew for the software defined network. Without it, Proxmox VE does
        so if that uses FRR. Proxmox VE 8 doesn't know it.
    type: bool
  wait_timeout:
    description: Seconds applying may take.
    type: float
    default: 120
"""

EXAMPLES = r"""
- name: Declare a bridge
  homelab.pve.network_interface:
    node: father
    iface: vmbr1
    type: bridge
    autostart: true

- name: Apply it; the node takes it back unless it is reached again within a minute
  homelab.pve.network_apply:
    node: father
    rollback_after: 60
    ssh_host: "{{ pve_host }}"
    ssh_port: "{{ ansible_port }}"
    ssh_key_path: "{{ ansible_ssh_private_key_file }}"
    ssh_known_hosts: "{{ pve_known_hosts }}"

- name: Apply what else waits, and trust in it
  homelab.pve.network_apply:
    node: father

- name: Drop what somebody began and did not apply
  homelab.pve.network_apply:
    node: father
    state: reverted
"""

RETURN = r"""
changes:
  description: What still waits, as a unified diff; in check mode, what would be applied or dropped. Empty for nothing.
  type: str
  returned: success
  sample: ""
rollback:
  description:
    - What became of the way back. V(none) when none was armed, so nothing takes the change back, V(confirmed) when the
      node was reached again, V(armed) when it has yet to be confirmed.
  type: str
  returned: success
  sample: confirmed
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["apply the waiting changes of node father's network"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import act
from ansible_collections.homelab.pve.plugins.module_utils.network_apply import APPLY


def main() -> None:
    """Entry point."""
    act(APPLY)


if __name__ == "__main__":
    main()
