# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the node's request log through the control endpoint of its API."""

from __future__ import annotations

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any

from lab import father, layout
from lab.entering import running
from lab.errors import LabError

_CONTROL_TIMEOUT = 10.0


def requests(*, reset: bool = False, writes: bool = False) -> list[dict[str, Any]]:
    """The node's request log (method, path, status, whether it wrote); ``reset`` empties it afterwards."""
    query = "?writes=1" if writes else ""
    answer: list[dict[str, Any]] = json.loads(_control("GET", f"/requests{query}"))
    if reset:
        _control("DELETE", "/requests")
    return answer


def _control(method: str, path: str) -> bytes:
    """One call of the node API's control endpoint. Raises LabError when it does not answer with success."""
    present = running()
    connection = _UnixConnection(father.control_socket(present.state_dir))
    try:
        connection.request(method, path)
        response = connection.getresponse()
        body = response.read()
    except OSError as error:
        raise LabError(f"The control endpoint of {layout.FATHER} does not answer: {error}") from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise LabError(f"{method} {path} at {layout.FATHER}: {response.status} {response.reason}")
    return body


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, whose path may be longer than the 107 bytes of an address."""

    def __init__(self, path: Path) -> None:
        super().__init__("lab", timeout=_CONTROL_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        """Connect through the directory's descriptor, which makes the address short."""
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(_CONTROL_TIMEOUT)
            self.sock.connect(f"/proc/self/fd/{directory}/{self._path.name}")
        finally:
            os.close(directory)
