# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of a state document: settings of the cluster and its nodes, and what is declared once for all of them."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind

ROWS: tuple[Kind, ...] = ()
