#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module sdn_apply."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sdn_apply
short_description: Apply or take back changes of the software defined network of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes the configuration of zones, vnets, subnets and controllers as it is edited the running one, on all nodes,
    and waits for the end. Does nothing when nothing waits to be applied.
  - Proxmox VE reloads the network of each node. What a node's reload says goes to the task's log only; a reload that
    fails there does not fail the task.
  - Fabrics, name servers and managers of addresses are not looked at; O(force) applies in any case.
  - Only what the login may see is looked at.
  - Needs the privilege C(SDN.Allocate) on V(/sdn), which has to hold for all zones and controllers below.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  state:
    description:
      - V(applied) makes what is edited run.
      - V(rolled_back) takes back what is edited and not applied yet. From Proxmox VE 9 on.
    type: str
    choices: [applied, rolled_back]
    default: applied
  force:
    description: Whether it is applied even if nothing is seen to wait. That counts as a change each time.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait for all nodes.
    type: float
    default: 600
"""

EXAMPLES = r"""
- name: Apply the software defined network
  homelab.pve.sdn_apply:
"""

RETURN = r"""
pending:
  description: What waits to be applied afterwards, by kind and name, as V(new), V(changed) or V(deleted).
  type: dict
  returned: success
  sample: {}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["apply the changes of zone inner"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_apply import SDN


def main() -> None:
    """Entry point."""
    run(SDN)


if __name__ == "__main__":
    main()
