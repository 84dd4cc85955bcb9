# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of check that a policy may name."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.homelab.pve.plugins.module_utils.state.policy import Check
from ansible_collections.homelab.pve.plugins.module_utils.state.policy_estate import ESTATE_CHECKS
from ansible_collections.homelab.pve.plugins.module_utils.state.policy_guests import GUEST_CHECKS

CHECKS: Mapping[str, Check] = {check.name: check for check in (*GUEST_CHECKS, *ESTATE_CHECKS)}
