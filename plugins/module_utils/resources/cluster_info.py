# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster is: its nodes, their links and votes, and what others need to join it (PVE::API2::ClusterConfig)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json, truth
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError

NOT_CLUSTERED = "node is not in a cluster"
STATUS = "/cluster/status"
LINKS = 8
INFO_OPTIONS: Options = {"node": {"type": "str"}}


@dataclass(frozen=True)
class Members:
    """A cluster, as ``/cluster/config/join`` tells it. ``asked`` is the node that was asked."""

    name: str
    asked: str
    nodes: Mapping[str, Values]
    totem: Values


def read_members(read: Reader) -> Members | None:
    """The cluster of the node that is asked, None when it is in none (424)."""
    try:
        info = read.get("/cluster/config/join")
    except PveError as error:
        if NOT_CLUSTERED in error.message:
            return None
        raise
    nodes = {str(row["name"]): row for row in info["nodelist"]}
    return Members(str(info["totem"]["cluster_name"]), str(info["preferred_node"]), nodes, info["totem"])


def is_quorate(read: Reader) -> bool:
    """Whether the node that is asked belongs to a cluster with a majority."""
    return quorate_in(read.get(STATUS) or [])


def quorate_in(rows: Sequence[Values]) -> bool:
    """The same from the cluster's status."""
    return any(row["type"] == "cluster" and truth(row.get("quorate", False)) for row in rows)


def links_of(entry: Values) -> list[str]:
    """A node's addresses, that of its first link first."""
    found = (entry.get(f"ring{number}_addr") for number in range(LINKS))
    return [str(address) for address in found if address]


def cluster(there: Members) -> dict[str, Json]:
    """A cluster with its nodes, in the words of the module cluster."""
    return {
        "clustername": there.name,
        "config_version": int(there.totem["config_version"]),
        "token_coefficient": int(there.totem.get("token_coefficient") or 0),
        "nodes": [node(name, there.nodes[name]) for name in sorted(there.nodes)],
    }


def node(name: str, entry: Values) -> dict[str, Json]:
    """One of its nodes. Address and fingerprint are what a node that joins is told as hostname and fingerprint."""
    return {
        "node": name,
        "nodeid": int(entry["nodeid"]),
        "votes": int(entry["quorum_votes"]),
        "links": links_of(entry),
        "address": entry.get("pve_addr"),
        "fingerprint": entry.get("pve_fp"),
    }


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module cluster_info."""
    rows, there = read.get(STATUS), read_members(read)
    online = {str(row["name"]): truth(row.get("online", False)) for row in rows if row["type"] == "node"}
    found = cluster(there) if there else None
    nodes = found.pop("nodes") if found else [_alone(row) for row in rows if row["type"] == "node"]
    shown = [{**item, "online": online.get(str(item["node"]), False)} for item in nodes]
    return {
        "changed": False,
        "cluster": found,
        "node": there.asked if there else next(str(row["name"]) for row in rows if row.get("local")),
        "quorate": quorate_in(rows) if there else True,
        "nodes": [item for item in shown if wish.get("node") in (None, item["node"])],
    }


def _alone(row: Values) -> dict[str, Json]:
    return {"node": row["name"], "nodeid": 0, "votes": None, "links": [], "address": row.get("ip"), "fingerprint": None}
