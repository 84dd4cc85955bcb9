# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say which existing guest is meant."""

from __future__ import annotations


class ModuleDocFragment:
    """Read by ``extends_documentation_fragment: [homelab.pve.guest]``; the options are ``guests.GUEST_OPTIONS``."""

    DOCUMENTATION = r"""
options:
  vmid:
    description: Id of the guest. Its node is found. Give either this or O(name).
    type: int
  name:
    description: Name of the guest, instead of O(vmid). Two guests of that name are refused.
    type: str
"""
