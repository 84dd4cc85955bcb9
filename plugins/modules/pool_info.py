#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module pool_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pool_info
short_description: List the resource pools of Proxmox VE
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists the pools with the guests and storages in them.
  - Members that no longer exist are not told by Proxmox VE.
  - Needs the privilege C(Pool.Audit) on the pools; others are not seen.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  poolid:
    description: Id of the pool. Without it all are listed.
    type: str
"""

EXAMPLES = r"""
- name: List the pools
  homelab.pve.pool_info:
  register: found

- name: Show which guests are in one
  ansible.builtin.debug:
    msg: "{{ item.poolid }}: {{ item.vms | join(', ') }}"
  loop: "{{ found.pools }}"
"""

RETURN = r"""
pools:
  description: The pools, ordered by id.
  type: list
  elements: dict
  returned: success
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
  sample:
    - {poolid: production, comment: what has to run, vms: [100, 101], storage: [local]}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.pool import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
