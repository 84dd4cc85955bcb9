#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module vm_discover."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_discover
short_description: Find guests of a Proxmox VE cluster
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Finds guests on all nodes with one request. Every criterion that is set has to be met.
  - Containers and templates are left out unless asked for.
  - Needs the privilege C(VM.Audit) on the guests; those it is missing for are not seen.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
  - homelab.pve.guest_filters
options:
  include_containers:
    description: Whether containers are found too.
    type: bool
    default: false
  include_templates:
    description: Whether templates are found too.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Find the nested nodes this automation made
  homelab.pve.vm_discover:
    name_pattern: nested-pve*
    vmid_range: [99900, 99999]
    tags: [homelab-pve]
  register: nested

- name: Show them
  ansible.builtin.debug:
    msg: "{{ nested.vms | map(attribute='vmid') }}"
"""

RETURN = r"""
vms:
  description: The guests found, ordered by vmid.
  type: list
  elements: dict
  returned: success
  contains:
    vmid:
      description: Id of the guest.
      type: int
    name:
      description: Name of the guest.
      type: str
    node:
      description: Node it is on.
      type: str
    status:
      description: State as the cluster knows it, which may be some seconds old. A new guest is V(unknown) at first.
      type: str
    type:
      description: V(qemu) or V(lxc).
      type: str
    template:
      description: Whether it is a template.
      type: bool
    tags:
      description: Its tags.
      type: list
      elements: str
    pool:
      description: Its pool, if any.
      type: str
  sample:
    - {vmid: 99900, name: nested-pve, node: father, status: running, type: qemu, template: false, tags: [homelab-pve]}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import DISCOVER_OPTIONS, discover


def main() -> None:
    """Entry point."""
    ask(Question(DISCOVER_OPTIONS, discover))


if __name__ == "__main__":
    main()
