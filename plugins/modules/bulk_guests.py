#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module bulk_guests."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bulk_guests
short_description: Start, stop, suspend or migrate many guests of Proxmox VE at once
version_added: 0.2.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Brings VMs and containers into one state with a single task of Proxmox VE, which respects their order of startup,
    and waits for it. Guests that are in the state already are left alone. Templates are no guests here.
  - A guest that fails is a failure of the module, which names it; the others are done.
  - Guests that are named are seen to by a bulk action of the cluster, from Proxmox VE 9.1 on. Before, and with O(node),
    the nodes' own are used, which have fewer options.
  - A state that changed in the last seconds by other hands may not be seen yet, as the list of guests is that old.
  - Needs the privileges C(VM.Audit) and C(VM.PowerMgmt) on the guests, C(VM.Migrate) for O(state=migrated).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  state:
    description:
      - What the guests are to be. V(stopped) shuts them down. V(suspended) suspends VMs to disk, and leaves those alone
        that do not run. V(migrated) has them on O(target).
    type: str
    choices: [started, stopped, suspended, migrated]
    required: true
  vms:
    description: Ids of the guests.
    type: list
    elements: int
  node:
    description: Node whose guests are meant, all of them, instead of O(vms).
    type: str
  target:
    description: Node for O(state=migrated), which needs it.
    type: str
  max_workers:
    description: How many guests are seen to at once.
    type: int
  guest_timeout:
    description: Seconds that a guest may take to shut down, or with O(vms) to start.
    type: int
  force_stop:
    description: Whether a guest that does not shut down in time is switched off. Proxmox VE assumes V(true).
    type: bool
  statestorage:
    description: Storage for the memory of VMs that are suspended. With O(vms) only.
    type: str
  online:
    description:
      - Whether VMs are migrated as they run, and containers restarted. The module assumes V(true). With O(vms) only;
        the action of a node always does so.
    type: bool
  with_local_disks:
    description: Whether disks on storages of the node are copied to the target.
    type: bool
  wait_timeout:
    description: Seconds to wait for the end.
    type: float
    default: 1800
"""

EXAMPLES = r"""
- name: Start the guests of the shop
  homelab.pve.bulk_guests:
    state: started
    vms: [104, 105]

- name: Stop all guests of a node
  homelab.pve.bulk_guests:
    state: stopped
    node: father
    guest_timeout: 60
"""

RETURN = r"""
guests:
  description: The guests that were meant, by id. C(status) may be some seconds old.
  type: list
  elements: dict
  returned: success
  sample: [{vmid: 104, name: web, node: father, status: running, type: qemu, template: false, tags: [], pool: null}]
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["start vm 104 (web), vm 105 (db)"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.bulk_guests import BULK_GUESTS


def main() -> None:
    """Entry point."""
    run(BULK_GUESTS)


if __name__ == "__main__":
    main()
