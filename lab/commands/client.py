# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API over the node's Unix socket, by hand: http.client would take longer to import than the request takes."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

SOCKET_VARIABLE = "HOMELAB_PVE_LAB_SOCKET"
SOCKET = "/run/homelab-pve-lab/api.sock"
REFUSED = 400
BUFFER = 65536
# Seconds between two looks at a task: short at first, then longer.
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.5


class CommandError(Exception):
    """What a command ends with: the text goes to standard error, the code to the shell."""

    def __init__(self, message: str, code: int = 255) -> None:
        """PVE's commands end with 255 where they have no better idea: Perl's die."""
        super().__init__(message)
        self.code = code


class ApiError(CommandError):
    """An answer with an error status."""

    def __init__(self, status: int, reason: str, message: str, errors: Mapping[str, str]) -> None:
        """Take the answer apart; a missing file's error number is what Perl's die leaves as the exit code."""
        super().__init__(message, 2 if "does not exist" in message else 255)
        self.status, self.reason, self.errors = status, reason, dict(errors)


def _exchange(request: bytes) -> bytes:
    path = os.environ.get(SOCKET_VARIABLE, SOCKET)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(path)
        except OSError as error:
            raise CommandError(
                f"ipcc_send_rec failed: {error.strerror} ({path}); is the node's API running?"
            ) from error
        connection.sendall(request)
        chunks = []
        while chunk := connection.recv(BUFFER):
            chunks.append(chunk)
    return b"".join(chunks)


def _request(method: str, path: str, values: Mapping[str, Any]) -> bytes:
    body = b""
    if method in ("POST", "PUT"):
        body = json.dumps(dict(values)).encode()
    elif values:
        path += "?" + urlencode(values, doseq=True)
    lines = [
        f"{method} /api2/json{quote(path, safe='/?&=%:,@!+')} HTTP/1.0",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def call(method: str, path: str, values: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - whatever the API answers
    """``data`` of an answer. Raises ApiError for a refusal, CommandError when there is no API."""
    head, _, body = _exchange(_request(method, path, values or {})).partition(b"\r\n\r\n")
    status_line = head.partition(b"\r\n")[0].decode("latin-1")
    _, status, reason = (status_line + "  ").split(" ", 2)
    # Only the API's own answers are JSON; a refusal of the daemon itself has no body, or a plain text.
    answer = json.loads(body) if b"json" in head else {}
    if int(status) >= REFUSED:
        message = str(answer.get("message") or reason).strip()
        raise ApiError(int(status), reason.strip(), message, answer.get("errors") or {})
    return answer.get("data")


def node() -> str:
    """Name of this node."""
    return socket.gethostname().partition(".")[0]


def is_upid(value: object) -> bool:
    """Whether an answer is a task's id."""
    return isinstance(value, str) and value.startswith("UPID:")


def finish(upid: str) -> tuple[str, list[str]]:
    """Wait for a task; its exit status and its log without the last line."""
    base = f"/nodes/{upid.split(':')[1]}/tasks/{upid}"
    pause = FIRST_PAUSE
    while (status := call("GET", f"{base}/status"))["status"] != "stopped":
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    lines = [line["t"] for line in call("GET", f"{base}/log", {"limit": 0})]
    return str(status["exitstatus"]), lines[:-1]
