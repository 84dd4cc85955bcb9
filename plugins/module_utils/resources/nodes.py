# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nodes say about themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConnectionError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources import certificate, node_repositories, node_service
from ansible_collections.homelab.pve.plugins.module_utils.resources.node_settings import PARTS, shown

UPDATE: Mapping[str, str] = {
    "package": "Package",
    "version": "Version",
    "old_version": "OldVersion",
    "origin": "Origin",
}
"""What is told of a package that can be updated, and PVE's name of it."""


def _services(rows: Json) -> dict[str, Json]:
    return {"services": [node_service.result(row)["service"] for row in rows]}


def _certificates(rows: Json) -> dict[str, Json]:
    return {"certificates": [{"filename": row.get("filename"), **certificate.shown(row)} for row in rows]}


def _updates(rows: Json) -> dict[str, Json]:
    return {"updates": [{name: row.get(key) for name, key in UPDATE.items()} for row in rows]}


LISTS: Mapping[str, tuple[str, Callable[[Json], dict[str, Json]]]] = {
    "repositories": ("apt/repositories", node_repositories.shown),
    "services": ("services", _services),
    "certificates": ("certificates/info", _certificates),
    "updates": ("apt/update", _updates),
}
"""Part -> path below the node, and what is told of the answer."""

SETTINGS = tuple(part.path for part in PARTS)
INFO_OPTIONS: Options = {
    "node": {"type": "str"},
    "parts": {"type": "list", "elements": "str", "choices": [*SETTINGS, *LISTS], "default": []},
}


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module node_info. A node that doesn't answer is listed as such and hides no other."""
    rows = sorted(read.get("/nodes"), key=lambda row: str(row["node"]))
    found = [row for row in rows if wish.get("node") in (None, row["node"])]
    if wish.get("node") and not found:
        known = ", ".join(str(row["node"]) for row in rows)
        raise RefusedError(f"There is no node '{wish['node']}'. Nodes are {known}.")
    places = _places(read)
    parts = wish.get("parts") or ()
    nodes = [{**_node(read, row, parts), **places.get(str(row["node"]), NOWHERE)} for row in found]
    return {"changed": False, "version": read.get("/version")["version"], "nodes": nodes}


NOWHERE: dict[str, Json] = {"ip": None, "local": None}


def _places(read: Reader) -> dict[str, dict[str, Json]]:
    """Address of every node, and whether it is the one that answers; empty where the login may not ask."""
    try:
        rows = read.get("/cluster/status")
    except (PveError, ConnectionError):
        return {}
    nodes = [row for row in rows if row["type"] == "node"]
    return {str(row["name"]): {"ip": row.get("ip"), "local": bool(row.get("local"))} for row in nodes}


def _node(read: Reader, row: Values, parts: Sequence[str]) -> dict[str, Json]:
    known = {"node": row["node"], "status": row.get("status", "unknown"), "reachable": False, "error": None}
    if row.get("status") == "offline":
        return {**known, "error": "the cluster says that it is offline"}
    try:
        status = read.get(url("/nodes/{}/status", row["node"]))
    except (PveError, ConnectionError) as error:
        return {**known, "error": str(error)}
    told = {**known, "reachable": True, **_figures(status)}
    try:
        return {**told, **_parts(read, str(row["node"]), parts)}
    except (PveError, ConnectionError) as error:
        return {**told, "error": str(error)}


def _parts(read: Reader, node: str, parts: Sequence[str]) -> dict[str, Json]:
    """The parts that are asked for: settings as the module node has them, and lists."""
    answers = {part: read.get(url("/nodes/{}/{}", node, part)) or {} for part in SETTINGS if part in parts}
    found: dict[str, Json] = {"settings": shown(answers)} if answers else {}
    for part in (part for part in LISTS if part in parts):
        path, told = LISTS[part]
        found |= told(read.get(f"{url('/nodes/{}', node)}/{path}"))
    return found


def _figures(status: Values) -> dict[str, Json]:
    """The part of a node's status that people ask for."""
    return {
        "pveversion": status.get("pveversion"),
        "kernel": status.get("kversion"),
        "uptime": status.get("uptime"),
        "cpus": (status.get("cpuinfo") or {}).get("cpus"),
        "loadavg": status.get("loadavg"),
        "memory": status.get("memory"),
        "rootfs": status.get("rootfs"),
    }
