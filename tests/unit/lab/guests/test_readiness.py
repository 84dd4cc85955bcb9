# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a container with systemd is taken for booted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from lab.guests import readiness
from lab.guests.driver import GuestError

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def sockets() -> Iterator[Pair]:
    """Where it is told, and where it is heard."""
    told, heard = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.setblocking(False)
    with told, heard:
        yield told, heard


async def waited(heard: socket.socket, *init: str) -> int | None:
    """Wait for a guest with this init, then end that; how it had ended before."""
    process = await asyncio.create_subprocess_exec(*init)
    try:
        await readiness.awaited(heard, process)
        return process.returncode
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def test_it_is_up_when_it_says_so(sockets: Pair) -> None:
    told, heard = sockets
    told.send(b"X_SYSTEMD_UNIT_ACTIVE=basic.target")
    told.send(b"READY=1\nSTATUS=Ready.")
    assert asyncio.run(waited(heard, "sleep", "60")) is None


def test_an_end_is_no_boot(sockets: Pair) -> None:
    with pytest.raises(GuestError, match="init ended with 7 while it booted"):
        asyncio.run(waited(sockets[1], "sh", "-c", "exit 7"))


def test_one_that_never_says_so_is_left_to_it(sockets: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "BOUND", 0.01)
    assert asyncio.run(waited(sockets[1], "sleep", "60")) is None
