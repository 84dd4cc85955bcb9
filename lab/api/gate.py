# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a connection meets before the TLS handshake: nothing, a wait, or the way to where TLS is spoken.

asyncio shakes hands as soon as it has accepted a connection. Here a connection is accepted without TLS, and given to
asyncio's own TLS protocol when its time has come and its first byte is that of a handshake.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from typing import cast

from aiohttp import web

BACKLOG = 1024
# The first byte of a TLS handshake; what a request of HTTP begins with; how much of it is read at most.
HANDSHAKE = b"\x16"
METHOD = re.compile(rb"[A-Z]+( |$)")
HEAD_END = b"\r\n\r\n"
LONGEST_HEAD = 8192
REQUEST_WORDS = 3
# Seconds until a client that says nothing is given up.
SILENCE = 60.0

Waiting = Callable[[], float]
"""Seconds that the connection which was just made is to wait."""


class Gate(asyncio.Protocol):
    """One connection until it is known what it speaks: TLS, or HTTP that is sent to where TLS is spoken."""

    def __init__(self, serve: Callable[[], asyncio.BaseProtocol], tls: ssl.SSLContext, waiting: Waiting) -> None:
        """Take what makes the protocol that serves the connection, and how long it waits."""
        self._serve, self._tls, self._waiting = serve, tls, waiting
        self._timer: asyncio.TimerHandle | None = None
        self._said = b""
        self._late = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Listen to the client now, or later."""
        self._connection = cast("asyncio.Transport", transport)
        seconds = self._waiting()
        if not seconds:
            self._listen()
            return
        self._late = True
        # The transport of older releases (Python 3.11.2) begins to read all the same: what comes is only kept.
        self._connection.pause_reading()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._listen_late)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget a connection that ended before it said what it is."""
        if self._timer is not None:
            self._timer.cancel()

    def _listen_late(self) -> None:
        self._late = False
        self._listen()
        self._connection.resume_reading()
        self._look()

    def _listen(self) -> None:
        """Give up who says nothing for as long as asyncio waits for a handshake."""
        self._timer = asyncio.get_running_loop().call_later(SILENCE, self._connection.abort)

    def data_received(self, data: bytes) -> None:
        """Look at what comes first, once it is time."""
        self._said += data
        if not self._late:
            self._look()

    def _look(self) -> None:
        if not self._said:
            return
        if self._said.startswith(HANDSHAKE):
            self._begin_tls()
        elif not METHOD.match(self._said) or len(self._said) > LONGEST_HEAD:
            self._connection.abort()
        elif HEAD_END in self._said:
            self._connection.write(redirect(self._said))
            self._connection.close()

    def _begin_tls(self) -> None:
        loop = cast("asyncio.BaseEventLoop", asyncio.get_running_loop())
        if self._timer is not None:
            self._timer.cancel()
        serving, shaken = cast("asyncio.Protocol", self._serve()), loop.create_future()
        # A handshake that fails is the client's affair; asked for or not, its error is not to be told by the loop.
        shaken.add_done_callback(lambda done: done.cancelled() or done.exception())
        secured = SSLProtocol(loop, serving, self._tls, shaken, server_side=True)
        self._connection.set_protocol(secured)
        secured.connection_made(self._connection)
        pass_on(self._said, secured)


def pass_on(data: bytes, protocol: asyncio.BufferedProtocol) -> None:
    """Hand over what was read before the protocol was there."""
    while data:
        buffer = memoryview(protocol.get_buffer(len(data)))
        taken = min(len(buffer), len(data))
        buffer[:taken] = data[:taken]
        protocol.buffer_updated(taken)
        data = data[taken:]


def redirect(head: bytes) -> bytes:
    """The answer to plain HTTP: the same address with TLS; a request that names no host is told so.

    Source: pve-http-server, PVE/APIServer/AnyEvent.pm; pve-behaviour: plain HTTP on the TLS port is 301.
    """
    line, *fields = head.partition(HEAD_END)[0].decode("latin-1").split("\r\n")
    target = line.split(" ")[1] if line.count(" ") == REQUEST_WORDS - 1 else "/"
    host = next(
        (value.strip() for name, _, value in (field.partition(":") for field in fields) if name.lower() == "host"), ""
    )
    status = f"301 Moved Permanently\r\nLocation: https://{host}{target}" if host else "400 Bad Request"
    return f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode("latin-1")


class GatedSite(web.SockSite):
    """A listening socket of aiohttp whose connections pass a gate."""

    def __init__(
        self, runner: web.AppRunner, sock: socket.socket, *, tls: ssl.SSLContext | None, waiting: Waiting
    ) -> None:
        """Take the socket; one without TLS has no gate."""
        super().__init__(runner, sock, ssl_context=tls, backlog=BACKLOG)
        self._tls, self._waiting = tls, waiting

    async def start(self) -> None:
        """Listen."""
        server = self._runner.server
        if self._tls is None or server is None:
            await super().start()
            return
        tls = self._tls
        await web.BaseSite.start(self)
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Gate(server, tls, self._waiting), sock=self._sock, backlog=self._backlog
        )
