# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work of the module api: a read, a request that acts, or a declaration."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import reconcile
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.module import result
from ansible_collections.homelab.pve.plugins.module_utils.resources.api_declaration import (
    CALL,
    DECLARATION,
    checked_path,
    encode,
)


def work(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
    """The module's result."""
    if params.get("method") == "GET":
        sent = {key: encode(value) for key, value in params["params"].items()}
        return {"changed": False, "data": client.get(checked_path(params), sent)}
    resource = CALL if params.get("method") else DECLARATION
    outcome = reconcile(resource, params, client, dry_run=dry_run, timeout=params["wait_timeout"])
    answer = next((answer for answer in outcome.answers if answer is not None), None)
    return {**result(resource, outcome), **({} if answer is None else {"answer": answer})}
