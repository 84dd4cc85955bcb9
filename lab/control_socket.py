# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a running lab's control endpoint, over its Unix socket."""

from __future__ import annotations

import http.client
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import father
from lab.control_client import Controlled
from lab.entering import running
from lab.errors import LabError

_TIMEOUT = 10.0


@dataclass(frozen=True)
class SocketControl(Controlled):
    """The control endpoint behind a socket; without one, that of the lab which runs."""

    path: Path | None = None

    def control(self, method: str, path: str, document: object = None) -> Any:  # noqa: ANN401 - JSON
        """Ask. Raises LabError with what the endpoint says when it refuses, or why it does not answer."""
        connection = _UnixConnection(self.path or father.control_socket(running().state_dir))
        body = None if document is None else json.dumps(document)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise LabError(f"The control endpoint of the lab does not answer: {error}") from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise LabError(answer.get("message") or f"{method} {path}: {response.status} {response.reason}")
        return answer


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, whose path may be longer than the 107 bytes of an address."""

    def __init__(self, path: Path) -> None:
        super().__init__("lab", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        """Connect through the directory's descriptor, which makes the address short."""
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(_TIMEOUT)
            self.sock.connect(f"/proc/self/fd/{directory}/{self._path.name}")
        finally:
            os.close(directory)
