#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module hardware_mapping_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hardware_mapping_info
short_description: List the names for devices and directories of Proxmox VE's nodes
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists mappings of PCI devices, USB devices and directories. Every criterion that is set has to be met.
  - Needs the privilege C(Mapping.Audit), C(Mapping.Use) or C(Mapping.Modify) on V(/mapping/TYPE/ID); others are not
    seen.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  type:
    description: What they are names for.
    type: str
    choices: [pci, usb, dir]
  id:
    description: The name.
    type: str
  check_node:
    description: Node that is to say whether what the mappings name on it is there.
    type: str
"""

EXAMPLES = r"""
- name: Look whether the node has what it should have
  homelab.pve.hardware_mapping_info:
    check_node: father
  register: found

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ found.mappings | map(attribute='checks') | flatten | map(attribute='message') }}"
"""

RETURN = r"""
mappings:
  description:
    - The mappings, ordered by type and name, as M(homelab.pve.hardware_mapping) tells them; C(checks) is there with
      O(check_node), each with C(severity) and C(message).
  type: list
  elements: dict
  returned: success
  sample:
    - {type: dir, id: media, map: [{node: father, path: /srv/media}], checks: []}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.hardware_mapping import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
