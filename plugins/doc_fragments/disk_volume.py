# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of what is made on whole disks of a node."""

from __future__ import annotations


class ModuleDocFragment:
    """``homelab.pve.disk_volume``."""

    DOCUMENTATION = r"""
options:
  node:
    description: Name of the node.
    type: str
    required: true
  name:
    description: Its name, and that of the storage if there is to be one.
    type: str
    required: true
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  add_storage:
    description:
      - Whether a storage of the same name is made with it, for this node. Has an effect only when it is made; a storage
        for what is there already is declared with M(homelab.pve.storage).
    type: bool
  cleanup_config:
    description:
      - Whether the storages on it are removed with it, or the node is taken out of their
        O(homelab.pve.storage#module:nodes) if there are others. Used by O(state=absent).
    type: bool
  cleanup_disks:
    description:
      - Whether the disks are wiped, so that they can be used again. Used by O(state=absent).
    type: bool
  force:
    description:
      - Whether it is removed together with the data on it. Otherwise O(state=absent) fails where there is some.
    type: bool
    default: false
  wait_timeout:
    description: Seconds making or removing it may take.
    type: float
    default: 600
"""
