# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of a state document: VMs and containers."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import VM
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind

ROWS: tuple[Kind, ...] = (Kind("vms", VM, ("vmid",), after=("storage", "pools", "network"), per_node=True),)
