# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Doors: where a node's API is reached, be it at an address or at the Unix socket of the node's own commands.

A door belongs to a node and lasts as long as the node does. The API behind it may change: a node that joins a cluster
is served by that cluster's API from then on, as after the restart of its daemons. What the network sees of a node's
state is the door's: closed, connections are refused; hung, they are accepted and nobody answers.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Middleware

from lab.api.fake import Next
from lab.api.gate import BACKLOG, GatedSite
from lab.api.nodes import HUNG, OFF, REFUSING, NodesArea

if TYPE_CHECKING:
    from lab.api.server import LabApi

# Seconds that a request in flight has when a door closes.
SHUTDOWN_TIMEOUT = 1.0

Opener = Callable[[], socket.socket]
"""Returns a socket that listens. A door calls it again when it opens again: a node that was off may have a new one."""


class Port:
    """An opener of TCP sockets that has the same port every time, and keeps it while the door is closed."""

    def __init__(self, host: str, port: int = 0) -> None:
        """Take an address and a port; 0 asks the system for a free one. Raises OSError when it is taken."""
        self._kept = self._bound(host, port)
        self.address: tuple[str, int] = self._kept.getsockname()[:2]

    @staticmethod
    def _bound(host: str, port: int) -> socket.socket:
        bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            # Two sockets that say so may have one port, as long as only one of them listens (socket(7)).
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((host, port))
        except OSError:
            bound.close()
            raise
        return bound

    def __call__(self) -> socket.socket:
        """A socket that listens there."""
        listener = self._bound(*self.address)
        listener.listen(BACKLOG)
        return listener

    def close(self) -> None:
        """Let go of the port."""
        self._kept.close()


class Door:
    """A node's listening API."""

    def __init__(self, node: str, opener: Opener, tls: ssl.SSLContext | None = None) -> None:
        """Take what listens; without ``tls`` it is one of the Unix sockets, which have none."""
        self.node, self.tls = node, tls
        self.api: LabApi | None = None
        self._opener = opener
        self._listener: socket.socket | None = opener()
        self._name = self._listener.getsockname()
        self._runner: web.AppRunner | None = None
        self._site: web.BaseSite | None = None
        self._awake = asyncio.Event()

    @property
    def host(self) -> str:
        """The address, or the path of a Unix socket."""
        return str(self._name if isinstance(self._name, str) else self._name[0])

    @property
    def port(self) -> int:
        """The port; 0 of a Unix socket."""
        return 0 if isinstance(self._name, str) else int(self._name[1])

    # ----------------------------------------------------------------- serving

    async def attach(self, api: LabApi) -> None:
        """Serve the node's requests from ``api``. Who connects in between waits; requests in flight get an answer."""
        await self._detach()
        if self.api is not None:
            self.api.doors.remove(self)
        self.api = api
        api.doors.append(self)
        api.loop = asyncio.get_running_loop()
        await self.follow(api.node_state(self.node))

    async def follow(self, state: str) -> None:
        """Be as the node's state says."""
        is_local = isinstance(self._name, str)
        # The node's own commands need no proxy daemon.
        if state == OFF or (state == REFUSING and not is_local):
            await self.shut()
        elif state == HUNG and not is_local:
            await self.hang()
        else:
            await self._serve()

    async def shut(self) -> None:
        """Refuse connections, and end those there are."""
        await self._detach()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def hang(self) -> None:
        """Accept connections, and say nothing until the door serves again; requests in flight wait too."""
        self._awake.clear()
        if self._listener is None:
            self._listener = self._opener()
        if self._site is not None:
            await self._site.stop()
            self._site = None

    async def close(self) -> None:
        """Listen no more, and leave the API."""
        await self.shut()
        if isinstance(self._opener, Port):
            self._opener.close()
        if self.api is not None:
            self.api.doors.remove(self)
            self.api = None

    async def _serve(self) -> None:
        self._awake.set()
        if self._runner is None:
            self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT)
            await self._runner.setup()
        if self._listener is None:
            self._listener = self._opener()
            self._name = self._listener.getsockname()
        if self._site is None:
            # aiohttp closes the socket it is given: the door keeps listening with its own.
            self._site = GatedSite(self._runner, self._listener.dup(), tls=self.tls, waiting=self._connection_delay)
            await self._site.start()

    def _connection_delay(self) -> float:
        return self.api.connection_delay(self.node) if self.api else 0.0

    async def _detach(self) -> None:
        self._awake.set()
        self._site = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _application(self) -> web.Application:
        if self.api is None:
            raise RuntimeError(f"the door of {self.node} has no API to serve")
        application = self.api.application()
        application.middlewares.insert(0, self._passing())
        return application

    def _passing(self) -> Middleware:
        """What every request passes first: it waits while the door hangs, and its node is the reached one."""

        @web.middleware
        async def pass_door(request: web.Request, handler: Next) -> web.StreamResponse:
            await self._awake.wait()
            with NodesArea.through_door(self.node):
                return await handler(request)

        return pass_door


class DoorArea(NodesArea):
    """Mixin: the doors this API is reached at."""

    def __init__(self, **options: object) -> None:
        """Start without a door."""
        super().__init__(**options)
        self.doors: list[Door] = []

    def doors_of(self, node: str) -> list[Door]:
        """A node's doors."""
        return [door for door in self.doors if door.node == node]

    async def node_state_changed(self, name: str, before: str, after: str) -> None:
        """The doors of a node are as its state says."""
        await super().node_state_changed(name, before, after)
        for door in self.doors_of(name):
            await door.follow(after)

    async def close_doors(self) -> None:
        """Close them all."""
        for door in list(self.doors):
            await door.close()
