#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module next_vmid."""

from __future__ import annotations

DOCUMENTATION = r"""
module: next_vmid
short_description: Show free vmids of a Proxmox VE cluster
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Shows the lowest free vmids of a range or of the cluster. It does not reserve them, so somebody else may have taken
    them before you do.
  - To make a guest with a free vmid leave out the vmid, and give M(homelab.pve.vm) or M(homelab.pve.container) a
    C(vmid_range) if it matters. They take the next one when somebody was quicker.
  - Needs no privilege beside the login. Vmids of guests that the login may not see are not free, either.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  vmid_range:
    description:
      - Lowest and highest vmid, both included.
      - Without it, from the one on that the cluster would take next (the datacenter's option C(next-id)).
    type: list
    elements: int
  count:
    description: How many are wanted, at most 1000.
    type: int
    default: 1
"""

EXAMPLES = r"""
- name: Ask for the cluster's next vmid
  homelab.pve.next_vmid:
  register: next

- name: Ask for three free ones of a range
  homelab.pve.next_vmid:
    vmid_range: [99900, 99999]
    count: 3
  register: three

- name: Show them
  ansible.builtin.debug:
    msg: "{{ next.vmid }}, {{ three.vmids }}"
"""

RETURN = r"""
vmid:
  description: The lowest free vmid.
  type: int
  returned: success
  sample: 99900
vmids:
  description: As many free vmids as wanted, the lowest first.
  type: list
  elements: int
  returned: success
  sample: [99900, 99901, 99903]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.next_vmid import OPTIONS, next_vmids


def main() -> None:
    """Entry point."""
    ask(Question(OPTIONS, next_vmids))


if __name__ == "__main__":
    main()
