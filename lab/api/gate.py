# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a connection meets before the TLS handshake: nothing, or a wait.

asyncio shakes hands as soon as it has accepted a connection. Here a connection is accepted without TLS, and given to
asyncio's own TLS protocol when its time has come.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from typing import cast

from aiohttp import web

BACKLOG = 1024

Waiting = Callable[[], float]
"""Seconds that the connection which was just made is to wait."""


class Gate(asyncio.Protocol):
    """One connection until its handshake begins."""

    def __init__(self, serve: Callable[[], asyncio.BaseProtocol], tls: ssl.SSLContext, waiting: Waiting) -> None:
        """Take what makes the protocol that serves the connection, and how long it waits."""
        self._serve, self._tls, self._waiting = serve, tls, waiting
        self._opening: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake now, or later."""
        connection = cast("asyncio.Transport", transport)
        seconds = self._waiting()
        if not seconds:
            self._open(connection)
            return
        connection.pause_reading()
        self._opening = asyncio.get_running_loop().call_later(seconds, self._open_late, connection)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget a connection that ended while it waited."""
        if self._opening is not None:
            self._opening.cancel()

    def _open_late(self, connection: asyncio.Transport) -> None:
        self._open(connection)
        connection.resume_reading()

    def _open(self, connection: asyncio.Transport) -> None:
        loop = cast("asyncio.BaseEventLoop", asyncio.get_running_loop())
        serving, shaken = cast("asyncio.Protocol", self._serve()), loop.create_future()
        # A handshake that fails is the client's affair; asked for or not, its error is not to be told by the loop.
        shaken.add_done_callback(lambda done: done.cancelled() or done.exception())
        secured = SSLProtocol(loop, serving, self._tls, shaken, server_side=True)
        connection.set_protocol(secured)
        secured.connection_made(connection)


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
