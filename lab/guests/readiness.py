# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a container's systemd says that it has booted: it tells the manager of containers, as services tell it.

Source: https://systemd.io/CONTAINER_INTERFACE, "Advanced Integration"; sd_notify(3).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from asyncio.subprocess import Process
from collections.abc import Iterator
from pathlib import Path

from lab.guests.driver import GuestError
from lab.guests.entrypoint import NOTIFY_SOCKET

READY = b"READY=1"
BOUND = 20.0
"""Seconds after which a container that still boots is left to it: on Proxmox VE nobody waits at all."""

_MESSAGE_SIZE = 4096


@contextlib.contextmanager
def listening(pid: int) -> Iterator[socket.socket]:
    """The socket that is told, in the root of the guest with this init."""
    path = Path(f"/proc/{pid}/root{NOTIFY_SOCKET}")
    path.parent.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.bind(str(path))
        notices.setblocking(False)
        yield notices


async def awaited(notices: socket.socket, init: Process) -> None:
    """Wait until the guest is up, but not forever. Raises GuestError when it ends instead."""
    ready, ended = asyncio.create_task(_ready(notices)), asyncio.create_task(init.wait())
    try:
        await asyncio.wait({ready, ended}, timeout=BOUND, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            raise GuestError(f"the container's init ended with {ended.result()} while it booted")
    finally:
        ready.cancel()
        ended.cancel()


async def _ready(notices: socket.socket) -> None:
    while READY not in (await asyncio.get_running_loop().sock_recv(notices, _MESSAGE_SIZE)).splitlines():
        pass
