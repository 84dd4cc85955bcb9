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
  - Makes the configuration of zones, vnets, subnets, controllers and fabrics as it is edited the running one, on all
    nodes, and waits for the end. Does nothing when nothing waits to be applied.
  - Proxmox VE reloads the network of each node. What a node's reload says goes to the task's log only; a reload that
    fails there does not fail the task.
  - Can lock the configuration, so that nobody else edits or applies it meanwhile; all modules that edit it take the
    lock's token. From Proxmox VE 9 on.
  - Name servers and managers of addresses hold at once, so nothing of them waits.
  - Only what the login may see is looked at.
  - Needs the privilege C(SDN.Allocate) on V(/sdn), which has to hold for all zones and controllers below.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
  - homelab.pve.sdn_lock
options:
  state:
    description:
      - V(applied) makes what is edited run.
      - V(rolled_back) takes back what is edited and not applied yet. From Proxmox VE 9 on.
      - V(locked) locks the configuration and returns the lock's token; V(unlocked) releases the lock. Whether it is
        held can't be seen, so each counts as a change each time, and locking what is locked fails. Register the task
        that locks, give C(lock_token) of its result to the tasks that edit, and at last to the one that applies, which
        releases the lock.
    type: str
    choices: [applied, rolled_back, locked, unlocked]
    default: applied
  force:
    description:
      - Whether it is applied even if nothing is seen to wait. That counts as a change each time. With
        O(state=unlocked), whether a lock is broken whose token is lost.
    type: bool
    default: false
  allow_pending:
    description: Whether it may be locked while changes wait that others have made.
    type: bool
    default: false
  release_lock:
    description: Whether the lock of O(lock_token) is released when the changes are applied or taken back.
    type: bool
    default: true
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
lock_token:
  description: Token of the lock, for O(lock_token) of all modules that edit the software defined network.
  type: str
  returned: with O(state=locked), but in check mode
  sample: 3e3c1a1c-0c49-4f0c-8f0e-1d2b8b1a2f3d
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["apply the changes of zone inner"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import act
from ansible_collections.homelab.pve.plugins.module_utils.sdn_apply import APPLY


def main() -> None:
    """Entry point."""
    act(APPLY)


if __name__ == "__main__":
    main()
