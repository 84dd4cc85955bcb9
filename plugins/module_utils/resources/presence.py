# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether guests, storages and nodes that something is to name are there. PVE itself takes any name in many places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import find


def check_guests(read: Reader, vmids: Sequence[int]) -> Mapping[int, Mapping[str, Json]]:
    """The guests' rows of ``/cluster/resources``. Raises RefusedError for one that is missing, or hidden."""
    if not vmids:
        return {}
    rows = {int(row["vmid"]): row for row in read.get("/cluster/resources", {"type": "vm"}) or [] if "vmid" in row}
    for vmid in vmids:
        if vmid not in rows:
            find(read, vmid)  # says whether there is none, or whether the login may not see it
    return {vmid: rows[vmid] for vmid in vmids if vmid in rows}


def check_storages(read: Reader, names: Sequence[str]) -> None:
    """Raise RefusedError for a storage that is missing, or hidden."""
    known = {str(row["storage"]) for row in read.get("/storage")} if names else set()
    missing = [name for name in names if name not in known]
    if missing:
        raise RefusedError(
            f"Storage '{missing[0]}' does not exist, or the login has no Datastore.Audit on /storage/{missing[0]}. "
            "Check the name; the module storage_info lists the storages the login may see."
        )


def check_nodes(read: Reader, names: Sequence[str], option: str = "nodes") -> None:
    """Raise RefusedError for a node that the cluster doesn't have; all logins may see the nodes' names."""
    known = sorted(str(row["node"]) for row in read.get("/nodes")) if names else []
    missing = [name for name in names if name not in known]
    if missing:
        raise RefusedError(
            f"There is no node '{missing[0]}' in the cluster; its nodes are {', '.join(known)}. Check the option "
            f"{option}."
        )
