# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the API with the collection's client and tells the answers as JSON. Also runs by itself, on a node.

It then reads ``{"connection": {...}, "calls": [[method, path, parameters], ...]}`` and needs nothing but the collection
and proxmoxer on Python's path.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.homelab.pve.plugins.module_utils.api import Client, Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, TaskFailedError
from ansible_collections.homelab.pve.plugins.module_utils.tasks import is_upid, wait_for_task

TASK_BOUND = 60.0


def answers(connection: Mapping[str, Any], calls: Sequence[Sequence[Any]]) -> list[Any]:
    """What the API answers to each call, one after the other: data or why not."""
    client = connect(Connection(**connection))
    try:
        return [answer(client, *call) for call in calls]
    finally:
        client.close()


def answer(client: Client, method: str, path: str, values: Mapping[str, Any]) -> Any:
    """The data of an answer, of a task how it ended, of a refusal its status, words and complaints by parameter."""
    try:
        data = client.request(method, path, values)
        return wait_for_task(client, data, TASK_BOUND).exitstatus if is_upid(data) else data
    except TaskFailedError as error:
        return {"failed task": error.exitstatus}
    except PveError as error:
        return {"refused": error.status, "words": error.message.rstrip("."), "complaints": error.errors}


def main() -> None:
    """Answer what is asked on standard input."""
    asked = json.load(sys.stdin)
    json.dump(answers(asked["connection"], asked["calls"]), sys.stdout)


if __name__ == "__main__":
    main()
