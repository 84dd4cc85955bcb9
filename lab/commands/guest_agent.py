# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``qm guest``: commands of the guest agent, and programs it runs in the guest."""

from __future__ import annotations

import sys
import time
from typing import Any

from lab.commands import client, output
from lab.commands.client import ApiError, CommandError
from lab.commands.command import Answered
from lab.commands.options import Values

# Seconds ``qm guest exec`` waits for the command unless told otherwise.
EXEC_TIMEOUT = 30.0
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5
LARGEST_INPUT = 1024**2
# Commands of the agent without parameters (PVE/API2/Qemu/Agent.pm of qemu-server).
TELLING = (
    "get-fsinfo",
    "get-host-name",
    "get-memory-block-info",
    "get-memory-blocks",
    "get-osinfo",
    "get-time",
    "get-timezone",
    "get-users",
    "get-vcpus",
    "info",
    "network-get-interfaces",
)
DOING = (
    "fsfreeze-freeze",
    "fsfreeze-status",
    "fsfreeze-thaw",
    "fstrim",
    "ping",
    "shutdown",
    "suspend-disk",
    "suspend-hybrid",
    "suspend-ram",
)
COMMANDS = frozenset({*TELLING, *DOING})


def agent_result(answered: Answered) -> str:
    """The result as indented JSON; nothing for an empty one."""
    return result_text(answered.data)


def result_text(data: Any) -> str:  # noqa: ANN401 - whatever the agent answers
    """``$print_agent_result`` of PVE/CLI/qm.pm."""
    result = data["result"] if isinstance(data, dict) and data.get("result") is not None else data
    if isinstance(result, dict | list):
        return "" if result == {} else output.as_pretty_json(result) + "\n"
    text = "" if result is None else str(result).rstrip("\n")
    return f"{text}\n" if text.strip() else ""


def guest_cmd(values: Values) -> str:
    """``qm guest cmd VMID COMMAND``: commands that tell are GETs, commands that do are POSTs."""
    name = str(values["command"])
    if name not in COMMANDS:
        choices = ", ".join(sorted(COMMANDS))
        text = f"value '{name}' does not have a value in the enumeration '{choices}'"
        raise ApiError(400, "", "Parameter verification failed.", {"command": text})
    method = "POST" if name in DOING else "GET"
    return result_text(client.call(method, f"/nodes/{client.node()}/qemu/{values['vmid']}/agent/{name}"))


def guest_exec(values: Values) -> str:
    """``qm guest exec VMID -- COMMAND``: start it, wait for it, print what the agent tells."""
    base = f"/nodes/{client.node()}/qemu/{values['vmid']}/agent"
    if "timeout" in values and not values.get("synchronous", 1):
        raise ApiError(400, "", "Parameter verification failed.", {"synchronous": "needs to be set for 'timeout'"})
    parameters: Values = {"command": values.get("extra-args") or []}
    if values.get("pass-stdin"):
        parameters["input-data"] = _piped()
    started = client.call("POST", f"{base}/exec", parameters)
    if not values.get("synchronous", 1):
        return result_text(started)
    return result_text(_wait(base, started, float(values.get("timeout", EXEC_TIMEOUT))))


def _piped() -> str:
    text = sys.stdin.read(LARGEST_INPUT + 1)
    if len(text) > LARGEST_INPUT:
        raise CommandError("'input-data' (STDIN) is limited to 1 MiB, aborting")
    return text


def _wait(base: str, started: dict[str, Any], timeout: float) -> dict[str, Any]:
    """How the command ended; its process id when it did not within so many seconds (0: for ever)."""
    deadline, pause = time.monotonic() + timeout, FIRST_PAUSE
    while timeout == 0 or time.monotonic() < deadline:
        status: dict[str, Any] = client.call("GET", f"{base}/exec-status", {"pid": started["pid"]})
        if status.get("exited"):
            return status
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    sys.stderr.write("timeout reached, returning pid\n")
    return started
