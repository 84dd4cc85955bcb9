# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option of all modules that edit the software defined network."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragment homelab.pve.sdn_lock."""

    DOCUMENTATION = r"""
options:
  lock_token:
    description:
      - Token of the lock of the software defined network, as M(homelab.pve.sdn_apply) returns it. While the lock is
        held, only writes with the token are taken. From Proxmox VE 9 on.
    type: str
"""
