# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API over the node's Unix socket, by hand: http.client would take longer to import than the request takes."""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

SOCKET_VARIABLE = "HOMELAB_PVE_LAB_SOCKET"
SOCKET = "/run/homelab-pve-lab/api.sock"
REFUSED = 400
# An API that ended in the middle of an answer.
GONE = 500
NO_FILES = 503
NO_SUCH_FILE = errno.ENOENT
LAST_LINE = ("TASK OK", "TASK ERROR: ", "TASK WARNINGS: ")
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
        super().__init__(message, NO_SUCH_FILE if "does not exist" in message else 255)
        self.status, self.reason, self.errors = status, reason, dict(errors)


def _connect() -> socket.socket:
    """A connection to the API."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(os.environ.get(SOCKET_VARIABLE, SOCKET))
    except OSError as error:
        connection.close()
        raise no_files() from error
    return connection


def no_files() -> CommandError:
    """How PVE's commands end when the cluster's file system is down."""
    tries = [f"ipcc_send_rec[{number}] failed: Connection refused" for number in (1, 2, 3)]
    lines = [*tries, "Unable to load access control list: Connection refused"]
    return CommandError("\n".join(lines), errno.ECONNREFUSED)


def _exchange(request: bytes) -> tuple[int, str, bytes, bytes]:
    """Status, reason, head and body of the answer to a request."""
    chunks = []
    with _connect() as connection:
        try:
            connection.sendall(request)
            while chunk := connection.recv(BUFFER):
                chunks.append(chunk)
        except OSError as error:
            raise no_files() from error
    head, _, body = b"".join(chunks).partition(b"\r\n\r\n")
    status_line = head.partition(b"\r\n")[0].decode("latin-1")
    _, status, reason = (status_line + "  ").split(" ", 2)
    return int(status or GONE), reason.strip(), head, body


def _request(method: str, path: str, body: bytes = b"") -> bytes:
    lines = [
        f"{method} {quote(path, safe='/?&=%:,@!+')} HTTP/1.0",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def call(method: str, path: str, values: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - whatever the API answers
    """``data`` of an answer. Raises ApiError for a refusal, CommandError when there is no API."""
    place, body = f"/api2/json{path}", b""
    if method in ("POST", "PUT"):
        body = json.dumps(dict(values or {})).encode()
    elif values:
        place += "?" + urlencode(values, doseq=True)
    status, reason, head, answered = _exchange(_request(method, place, body))
    # Only the API's own answers are JSON; a refusal of the daemon itself has no body, or a plain text.
    answer = json.loads(answered) if b"json" in head else {}
    if status >= REFUSED:
        message = str(answer.get("message") or reason).strip()
        raise ApiError(status, reason, message, answer.get("errors") or {})
    return answer.get("data")


def local(name: str, values: object) -> Any:  # noqa: ANN401
    """What only the node's own commands may ask (lab/api/local_calls.py). Raises ApiError."""
    status, reason, _head, body = _exchange(_request("POST", f"/local/{name}", json.dumps(values).encode()))
    if status == NO_FILES:
        raise no_files()
    if status >= REFUSED:
        raise ApiError(500, reason, body.decode() or reason, {})
    return json.loads(body)


def describe(wanted: Sequence[tuple[str, str]]) -> list[dict[str, Any] | None]:
    """The schema of each method and path: ``path`` (what the path says), ``parameters``, ``returns``; None: no such."""
    found: list[dict[str, Any] | None] = local("describe", list(wanted))
    return found


def node() -> str:
    """Name of this node."""
    return socket.gethostname().partition(".")[0]


def is_upid(value: object) -> bool:
    """Whether an answer is a task's id."""
    return isinstance(value, str) and value.startswith("UPID:")


def follow(upid: str, write: Callable[[str], object]) -> str:
    """Wait for a task, handing on its log as it grows; its exit status: ``OK``, ``WARNINGS: 1``, or what went wrong."""
    base = f"/nodes/{upid.split(':')[1]}/tasks/{upid}"
    pause, shown = FIRST_PAUSE, 0
    while True:
        status = call("GET", f"{base}/status")
        lines = [line["t"] for line in call("GET", f"{base}/log", {"start": shown, "limit": 0})]
        ended = status["status"] == "stopped"
        # The last line says how the task ended; a log without a line says so in one.
        news = [] if lines == ["no content"] else [line for line in lines if not line.startswith(LAST_LINE)]
        for line in news:
            write(f"{line}\n")
        shown += len(news)
        if ended:
            return str(status["exitstatus"])
        _sleep(pause, base)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _sleep(seconds: float, task: str) -> None:
    """Wait; Ctrl-C stops the task, which then comes to its end."""
    try:
        time.sleep(seconds)
    except KeyboardInterrupt:
        call("DELETE", task)


def is_error(status: str) -> bool:
    """Whether a task's exit status means that it failed (status_is_error in PVE/UPID.pm)."""
    return status != "OK" and not status.startswith("WARNINGS: ")
