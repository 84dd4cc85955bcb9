#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module ha_status_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ha_status_info
short_description: Show what high availability of Proxmox VE does
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Shows whether the cluster is quorate, who manages high availability, and how far each guest is from what is asked
    of it.
  - Needs the privilege C(Sys.Audit) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  sid:
    description: The guest to show, as V(vm:100), V(ct:100) or just its vmid. Without it all are shown.
    type: str
  node:
    description: Node whose guests are shown.
    type: str
"""

EXAMPLES = r"""
- name: Look at high availability
  homelab.pve.ha_status_info:
  register: ha

- name: Stop without quorum, or if a guest is in trouble
  ansible.builtin.assert:
    that:
      - ha.quorate
      - ha.resources | selectattr('state', 'in', ['error', 'fence', 'recovery']) | length == 0
"""

RETURN = r"""
quorate:
  description: Whether the node that was asked belongs to a majority.
  type: bool
  returned: success
  sample: true
manager:
  description: The node whose manager decides. Null as long as high availability was never used.
  type: dict
  returned: success
  contains:
    node:
      description: Its name.
      type: str
    status:
      description: In Proxmox VE's words.
      type: str
    timestamp:
      description: Its last sign of life, in seconds since 1970.
      type: int
  sample: {node: father, status: "father (active, Fri Nov 20 12:01:19 2026)", timestamp: 1795176079}
armed_state:
  description: V(armed), V(standby), V(disarming) or V(disarmed). Null where Proxmox VE does not tell.
  type: str
  returned: success
  sample: armed
nodes:
  description: The nodes' own managers, ordered by name.
  type: list
  elements: dict
  returned: success
  contains:
    node:
      description: Name of the node.
      type: str
    status:
      description: In Proxmox VE's words.
      type: str
    timestamp:
      description: Its last sign of life, in seconds since 1970.
      type: int
  sample:
    - {node: father, status: "father (idle, watchdog standby, Fri Nov 20 12:39:04 2026)", timestamp: 1795178344}
resources:
  description:
    - The guests that are managed, ordered by id. C(state) is what the manager does with the guest, C(request_state)
      what is asked for, and C(crm_state) the manager's own word for it. The others are as in
      M(homelab.pve.ha_resource).
  type: list
  elements: dict
  returned: success
  sample:
    - sid: vm:104
      node: father
      state: started
      request_state: started
      crm_state: started
      status: vm:104 (father, started)
      max_restart: 1
      max_relocate: 1
      failback: true
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_status import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
