#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module hardware_mapping."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hardware_mapping
short_description: Declare a name for devices or directories of Proxmox VE's nodes
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a mapping, that is one name for PCI devices, USB devices or directories that differ from
    node to node. What is not set is not managed; an empty value removes what is there.
  - A guest uses it with C(mapping=ID) in its C(hostpci) or C(usb), or with C(dirid=ID) in its C(virtiofs) option.
    One that a guest uses is not removed, as far as the login sees the guests; Proxmox VE itself would remove it.
  - The first releases of Proxmox VE 8 know no mappings of directories.
  - Needs the privilege C(Mapping.Modify) on V(/mapping/TYPE/ID), and on V(/mapping/TYPE) to create it.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  type:
    description: What it is a name for.
    type: str
    required: true
    choices: [pci, usb, dir]
  id:
    description: The name.
    type: str
    required: true
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  map:
    description:
      - The devices or directories, each a dictionary or Proxmox VE's property string, and all there are to be. Needed
        to create it. Their order means nothing.
      - Each has C(node). A directory has C(path); a PCI device C(path), C(id), and C(iommugroup) and C(subsystem-id)
        where it has them; a USB device C(id), and C(path) for a certain port.
    type: list
    elements: raw
  description:
    description: Description.
    type: str
  mdev:
    description: Whether the PCI devices offer mediated devices.
    type: bool
  live_migration_capable:
    description: Whether a guest with one of the PCI devices may be migrated while it runs.
    type: bool
"""

EXAMPLES = r"""
- name: Name a directory for virtiofs
  homelab.pve.hardware_mapping:
    type: dir
    id: media
    map:
      - {node: father, path: /srv/media}

- name: Name a stick that is in any port
  homelab.pve.hardware_mapping:
    type: usb
    id: dongle
    description: Zigbee
    map:
      - {node: father, id: "10c4:ea60"}

- name: Remove the name
  homelab.pve.hardware_mapping:
    type: usb
    id: dongle
    state: absent
"""

RETURN = r"""
hardware_mapping:
  description: The mapping. Options are named as this module's.
  type: dict
  returned: when it is there
  sample: {map: [{node: father, path: /srv/media}]}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["create hardware_mapping dir media"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.hardware_mapping import HARDWARE_MAPPING


def main() -> None:
    """Entry point."""
    run(HARDWARE_MAPPING)


if __name__ == "__main__":
    main()
