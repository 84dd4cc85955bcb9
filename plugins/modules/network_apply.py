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
  - Proxmox VE takes nothing back by itself when the node can't be reached afterwards.
  - Proxmox VE tells over HTTPS only whether changes wait, so the other transports can't be used.
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
    description: Whether the changes that wait are to be applied or dropped.
    type: str
    choices: [applied, reverted]
    default: applied
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

- name: Apply it
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
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["apply the waiting changes of node father's network"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.network import NETWORK_APPLY


def main() -> None:
    """Entry point."""
    run(NETWORK_APPLY)


if __name__ == "__main__":
    main()
