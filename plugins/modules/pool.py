#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module pool."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pool
short_description: Declare a resource pool of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a pool, with the guests and storages in it. What is not set is not managed; an empty
    value removes what is there.
  - Proxmox VE takes guests and storages that do not exist into a pool and never shows them; this module refuses them.
  - A pool that has members, or pools in it, is not removed.
  - Needs the privilege C(Pool.Allocate) on V(/pool/POOLID). Adding and taking out also needs C(VM.Allocate) and
    C(VM.Audit) on the guests and C(Datastore.Allocate) and C(Datastore.Audit) on the storages, moving a guest
    C(Pool.Allocate) on the other pool, and showing a pool C(Pool.Audit). Before Proxmox VE 8.1 every call needs the
    last.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  poolid:
    description: Id of the pool. A pool in another one has that one's id, a slash and a name, up to three levels.
      Before Proxmox VE 8.1 there are none in others.
    type: str
    required: true
  state:
    description: Whether the pool is to be there.
    type: str
    choices: [present, absent]
    default: present
  comment:
    description: Note about the pool.
    type: str
  vms:
    description: Ids of the VMs and containers in it, all of them. Order means nothing.
    type: list
    elements: int
  storage:
    description: Ids of the storages in it, all of them. Order means nothing.
    type: list
    elements: str
  allow_move:
    description: Whether O(vms) may be taken out of other pools. A guest is in one pool only.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Make a pool with a storage
  homelab.pve.pool:
    poolid: production
    comment: what has to run
    storage: [local]

- name: Make a pool in it
  homelab.pve.pool:
    poolid: production/web
    vms: []

- name: Remove the inner pool
  homelab.pve.pool:
    poolid: production/web
    state: absent

- name: Take everything out
  homelab.pve.pool:
    poolid: production
    vms: []
    storage: []

- name: Remove the pool
  homelab.pve.pool:
    poolid: production
    state: absent
"""

RETURN = r"""
pool:
  description: The pool and its members.
  type: dict
  returned: when the pool exists
  contains:
    poolid:
      description: Its id.
      type: str
    comment:
      description: Note about it, empty without one.
      type: str
    vms:
      description: Ids of the guests in it.
      type: list
    storage:
      description: Ids of the storages in it.
      type: list
  sample: {poolid: production, comment: what has to run, vms: [100, 101], storage: [local]}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create pool production", "add storage local to pool production"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.pool import POOL


def main() -> None:
    """Entry point."""
    run(POOL)


if __name__ == "__main__":
    main()
