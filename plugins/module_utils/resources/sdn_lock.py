# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of the software defined network: with its token only may anything be edited while somebody holds it.

From Proxmox VE 9 on (PVE::Network::SDN, lock_sdn_config). Each write takes the parameter ``lock-token``.
"""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Values

LOCKED: Options = {"lock_token": {"type": "str", "no_log": True}}
PASSED = {"lock_token": "lock-token"}

HELD: Values = {
    "invalid lock token": (
        "Somebody holds the lock of the software defined network. Wait until it is released, or give its lock_token; "
        "sdn_apply with state: unlocked and force: true breaks a lock whose token is lost."
    )
}
"""Advice for what PVE says to a write without the token."""
