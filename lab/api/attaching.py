# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where ``pct exec``, ``enter``, ``push`` and ``pull`` get into a container: a Unix socket beside the API's.

A caller sends its three standard files with a request (SCM_RIGHTS), and a process of the container's gets them as they
are, so nothing is copied on the way, a terminal stays one, and it does not matter in which namespaces the API runs. The
request is a line of JSON, and so is the answer: ``{"code": 3}``, or ``{"error": "container '101' not running!"}``.
A caller that goes ends its command.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.api.container_power import ContainerPowerArea
from lab.api.fake import PveError
from lab.background import Background
from lab.guests.driver import Attachment, FileAttachment, GuestError

NAME = "attach.sock"
FILES = 3
BLOCK = 65536
# What one execve(2) may take on Linux is less than this.
LONGEST_REQUEST = 8 * 1024 * 1024
# Seconds for a request to arrive once its connection is there.
REQUEST_BOUND = 10.0


class RequestError(Exception):
    """A request that is none."""


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The request on a blocking connection, with the files that came along; the caller closes them."""
    files: list[int] = []
    text = b""
    try:
        while not text.endswith(b"\n"):
            part, more, _, _ = socket.recv_fds(connection, BLOCK, FILES)
            files += more
            text += part
            if not part or len(text) > LONGEST_REQUEST:
                raise RequestError("the request has no end")
        document = json.loads(text)
        if not isinstance(document, dict) or len(files) != FILES:
            raise RequestError("a request is an object and comes with three files")
    except BaseException:
        close_all(files)
        raise
    return document, files


def close_all(files: list[int]) -> None:
    """Close descriptors."""
    for descriptor in files:
        os.close(descriptor)


def attachment_of(document: Mapping[str, Any], files: list[int]) -> Attachment | FileAttachment:
    """What a request asks for. Raises KeyError for one that lacks something."""
    given = (files[0], files[1], files[2])
    if document["action"] == "command":
        return Attachment(
            given,
            tuple(map(str, document["argv"])),
            {str(name): str(value) for name, value in document["environment"].items()},
            str(document["folder"]),
            tuple(number for number in range(FILES) if number in document["terminals"]),
        )
    owner = (document.get("mode"), document.get("user"), document.get("group"))
    return FileAttachment(given, str(document["path"]), document["action"] == "write", *owner)


class AttachServer:
    """Serves the containers of one node."""

    def __init__(self, api: ContainerPowerArea, node: str) -> None:
        """``node``: whose containers there are."""
        self.api = api
        self.node = node
        self._tasks = Background()

    def start(self, listener: socket.socket) -> None:
        """Accept connections on a bound Unix socket, which is closed in the end."""
        listener.listen()
        listener.setblocking(False)
        self._tasks.start(self._accept(listener))

    async def stop(self) -> None:
        """Stop accepting, and end the commands."""
        await self._tasks.end()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                connection, _ = await loop.sock_accept(listener)
                self._tasks.start(self._serve(connection))

    async def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, ValueError, RequestError):
            connection.settimeout(REQUEST_BOUND)
            document, files = await asyncio.to_thread(receive, connection)
            connection.setblocking(False)
            answer = await self._answer(connection, document, files)
            await asyncio.get_running_loop().sock_sendall(connection, json.dumps(answer).encode() + b"\n")

    async def _answer(self, connection: socket.socket, document: Mapping[str, Any], files: list[int]) -> object:
        """Do what is asked, for as long as the caller is there."""
        try:
            work = asyncio.create_task(self._attach(int(document["vmid"]), attachment_of(document, files)))
            with watched(connection, work):
                return {"code": await work}
        except (GuestError, PveError) as error:
            return {"error": str(error)}
        except (KeyError, TypeError, AttributeError) as error:
            return {"error": f"the request cannot be read: {error!r}"}
        finally:
            close_all(files)

    async def _attach(self, vmid: int, attachment: Attachment | FileAttachment) -> int:
        guest = self.api.find_ct(self.node, vmid)
        if guest.status != "running":
            raise GuestError(self._not_running(vmid, attachment))
        return await self.api.driver.attach(vmid, attachment)

    @staticmethod
    def _not_running(vmid: int, attachment: Attachment | FileAttachment) -> str:
        """PVE/CLI/pct.pm has words of its own for each."""
        if isinstance(attachment, Attachment):
            return f"container '{vmid}' not running!"
        return "can only push files to a running CT" if attachment.write else "can only pull files from a running VM"


@contextmanager
def watched(connection: socket.socket, work: asyncio.Task[int]) -> Iterator[None]:
    """Cancel the work when the other side of the connection goes, or says anything more."""
    loop = asyncio.get_running_loop()
    loop.add_reader(connection, work.cancel)
    try:
        yield
    finally:
        loop.remove_reader(connection)


def socket_beside(api_socket: Path) -> Path:
    """Where the socket is, given the API's."""
    return api_socket.with_name(NAME)
