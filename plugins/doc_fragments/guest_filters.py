# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say which guests are meant."""

from __future__ import annotations


class ModuleDocFragment:
    """``homelab.pve.guest_filters`` for the criteria, ``homelab.pve.guest_filters.info`` for what info modules add."""

    DOCUMENTATION = r"""
options:
  name_pattern:
    description: Shell pattern for the name, with C(*), C(?) and C([]). Upper and lower case differ.
    type: str
  vmid_range:
    description: Lowest and highest vmid, both included.
    type: list
    elements: int
  tags:
    description: Tags a guest has to carry, all of them.
    type: list
    elements: str
  pool:
    description: Pool the guest has to be a member of.
    type: str
  node:
    description: Node the guest has to be on.
    type: str
  status:
    description: State the guest has to be in.
    type: str
    choices: [running, stopped]
"""

    INFO = r"""
options:
  vmid:
    description: Ids of the guests. Those that no such guest has are in RV(missing).
    type: list
    elements: int
  include_templates:
    description: Whether templates are shown too.
    type: bool
    default: true
  max_parallel:
    description: How many guests are asked about at once.
    type: int
    default: 8
"""
