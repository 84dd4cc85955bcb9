# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The software defined network applied, taken back, locked or unlocked; a lock's token is in its answer only."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import reconcile
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.module import Action, result
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_apply import SDN


def work(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
    """What the module does."""
    outcome = reconcile(SDN, params, client, dry_run=dry_run, timeout=params["wait_timeout"])
    token = {"lock_token": outcome.answers[0]} if params["state"] == "locked" and outcome.answers else {}
    return {**result(SDN, outcome), **token}


APPLY = Action(SDN.argument_spec(), work, SDN.writes)
