# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of tasks: one by its UPID, or those of all nodes that meet some criteria."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    OutcomeUnknownError,
    PveError,
    RefusedError,
)
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together
from ansible_collections.homelab.pve.plugins.module_utils.tasks import UPID, status_at_end, task_log

OPTIONS: Options = {
    "upid": {"type": "str"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 600},
    "node": {"type": "str"},
    "vmid": {"type": "int"},
    "type": {"type": "str"},
    "user": {"type": "str"},
    "since": {"type": "int"},
    "until": {"type": "int"},
    "errors": {"type": "bool", "default": False},
    "running": {"type": "bool", "default": False},
    "limit": {"type": "int", "default": 50},
    "log": {"type": "bool", "default": False},
    "log_lines": {"type": "int", "default": 50},
    "max_parallel": {"type": "int", "default": 8},
}

RULES: Mapping[str, Sequence[Json]] = {
    "mutually_exclusive": [("upid", option) for option in ("node", "vmid", "type", "user", "since", "until")],
}

FILTERS = {"vmid": "vmid", "type": "typefilter", "user": "userfilter", "since": "since", "until": "until"}
"""Our option -> PVE's parameter (API schema, ``/nodes/{node}/tasks``)."""

NO_TASK = re.compile(r"no such task")


def info(client: Client, wish: Values) -> dict[str, Json]:
    """Answer of the module task_info."""
    _check(wish)
    if wish.get("upid"):
        found = one(client, wish["upid"], wish["wait_timeout"] if wish["wait"] else None)
        return {"changed": False, "tasks": [_with_log(client, found, wish)], "unreachable": []}
    nodes = [wish["node"]] if wish.get("node") else _nodes(client)
    answers = together(lambda node: _listed(client, node, wish), nodes, wish["max_parallel"])
    rows = [row for answer in answers if not isinstance(answer, str) for row in answer]
    newest = sorted(rows, key=lambda row: (-row["starttime"], row["upid"]))[: wish["limit"]]
    return {
        "changed": False,
        "tasks": together(lambda row: _with_log(client, row, wish), newest, wish["max_parallel"]),
        "unreachable": [
            {"node": node, "error": answer}
            for node, answer in zip(nodes, answers, strict=True)
            if isinstance(answer, str)
        ],
    }


def _check(wish: Values) -> None:
    upid = wish.get("upid")
    if upid is not None:
        check_upid(upid)
    if wish["wait"] and not upid:
        raise ConfigError("Option 'wait': give the upid of the task to wait for.")
    if wish["errors"] and wish["running"]:
        raise ConfigError("Options 'errors' and 'running': a task that runs has not failed yet. Give one of them.")
    for option in ("limit", "log_lines"):
        if wish[option] < 1:
            raise ConfigError(f"Option '{option}': {wish[option]} is less than 1.")


def check_upid(upid: str) -> None:
    """Raise ConfigError for what is no id of a task."""
    if not UPID.match(upid):
        raise ConfigError(
            f"Option 'upid': '{upid}' is no id of a task. One looks like "
            "UPID:father:0000AB12:00CD34EF:65000000:qmstart:104:root@pam:"
        )


def path_of(upid: str) -> str:
    """Where the API has a task: on the node that its id names."""
    return url("/nodes/{}/tasks/{}", upid.split(":")[1], upid)


def one(read: Reader, upid: str, wait: float | None = None) -> dict[str, Json]:
    """The task of a UPID, at its end if that is awaited (seconds). Raises RefusedError when there is none."""
    base = path_of(upid)
    try:
        status = read.get(f"{base}/status") if wait is None else status_at_end(read, base, upid, wait)
    except PveError as error:
        if not NO_TASK.search(str(error.errors) + error.message):
            raise
        raise RefusedError(
            f"There is no task {upid}, or its log is gone: Proxmox VE keeps those of the last tasks only. "
            "Check the UPID."
        ) from error
    return task(status)


def _nodes(read: Reader) -> list[str]:
    return sorted(str(row["node"]) for row in read.get("/nodes"))


def _listed(read: Reader, node: str, wish: Values) -> list[dict[str, Json]] | str:
    """The tasks of one node, or why it doesn't tell. Whoever names the node wants to know at once."""
    given = {parameter: wish[option] for option, parameter in FILTERS.items() if wish.get(option) is not None}
    source = "active" if wish["running"] else "all"
    params = {**given, "errors": wish["errors"] or None, "limit": wish["limit"], "source": source}
    try:
        rows = [task(row) for row in read.get(url("/nodes/{}/tasks", node), params) or []]
    except (PveError, OutcomeUnknownError) as error:
        if wish.get("node"):
            raise
        return str(error)
    return [row for row in rows if _wanted(row, wish)]


def _wanted(row: Values, wish: Values) -> bool:
    """PVE counts a running task as one with errors, and one that has just ended as active (PVE::API2::Tasks)."""
    running = row["status"] == "running"
    return running if wish["running"] else not (running and wish["errors"])


def task(row: Values) -> dict[str, Json]:
    """A task as a list tells it (``status`` is how it ended), or its own status (``exitstatus`` is)."""
    said = str(row.get("exitstatus") or row.get("status") or "running")
    ended = None if said.lower() == "running" else said
    return {
        "upid": str(row["upid"]),
        "node": str(row["node"]),
        "type": str(row["type"]),
        "id": str(row.get("id") or ""),
        "user": str(row["user"]),
        "tokenid": row.get("tokenid") or None,
        "starttime": int(row["starttime"]),
        "endtime": int(row["endtime"]) if row.get("endtime") else None,
        "status": "stopped" if ended else "running",
        "exitstatus": ended,
        "failed": ended is not None and not re.match(r"OK$|WARNINGS", ended),
    }


def _with_log(read: Reader, row: dict[str, Json], wish: Values) -> dict[str, Json]:
    if not wish["log"]:
        return row
    return {**row, "log": list(task_log(read, path_of(row["upid"])))[-wish["log_lines"] :]}
