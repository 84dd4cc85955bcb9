#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module preflight."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check that a Proxmox VE host is ready for work
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Looks at name resolution, port, certificate, login and privileges, and at the template, storages, bridge and vmid
    range that the work needs.
  - Fails at the end with every check that failed and what mends it. The checks are in the result then, too.
  - Needs the privileges C(VM.Audit) on the template and C(Datastore.Audit) on the storages, to see them.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  node:
    description: Node to check storages and the bridge on. The default is the node of the O(template), or the only node.
    type: str
  template:
    description: Name or vmid of a template that has to exist.
    type: str
  bridge:
    description: Bridge that has to exist.
    type: str
  storages:
    description:
      - Storages that have to exist, each as a name or as a dictionary with C(name) and C(content), the list of content
        types it has to take.
    type: list
    elements: raw
  vmid_range:
    description: Lowest and highest vmid of a range that has to have a free one.
    type: list
    elements: int
  privileges:
    description:
      - Privileges the login has to have, as lists by path. The default is what making and removing guests needs.
    type: dict
"""

EXAMPLES = r"""
- name: Check before the work begins
  homelab.pve.preflight:
    template: debian-12
    bridge: vmbr0
    vmid_range: [99900, 99999]
    storages:
      - local-lvm
      - name: local
        content: [import, snippets]
    privileges:
      /vms: [VM.Allocate, VM.Clone]
"""

RETURN = r"""
checks:
  description: The checks in the order they were made.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: What was checked.
      type: str
    status:
      description: V(ok), V(failed), or V(skipped) because an earlier check failed.
      type: str
    message:
      description: What was found.
      type: str
    remedy:
      description: What mends it. Empty unless the check failed.
      type: str
  sample:
    - {name: port, status: ok, message: 192.0.2.10 answers on port 8006, remedy: ""}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.preflight import OPTIONS, preflight


def main() -> None:
    """Entry point."""
    ask(Question(OPTIONS, preflight))


if __name__ == "__main__":
    main()
