# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serving an API from a thread of this process, for tests and for a lab without guests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from lab.api.certificates import Pair
from lab.api.control import ControlError
from lab.api.population import Member, populate
from lab.api.server import LabApi
from lab.control_client import Controlled
from lab.errors import LabError

T = TypeVar("T")
CALL_TIMEOUT = 30.0


class Served:
    """An API on an event loop of its own."""

    def __init__(self, api: LabApi, loop: asyncio.AbstractEventLoop) -> None:
        """Keep the API and the loop it runs on."""
        self.api = api
        self.loop = loop

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the API's loop and return what it returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(CALL_TIMEOUT)


@contextmanager
def serve(api: LabApi, certificate: Pair) -> Iterator[Served]:
    """Serve ``api`` from a thread until the block ends."""
    served = Served(api, asyncio.new_event_loop())
    thread = threading.Thread(target=served.loop.run_forever, name="lab-api", daemon=True)
    thread.start()
    try:
        served.call(api.start(str(certificate.certificate), str(certificate.key)))
        yield served
        served.call(api.stop())
    finally:
        served.loop.call_soon_threadsafe(served.loop.stop)
        thread.join(CALL_TIMEOUT)
        served.loop.close()


@dataclass(frozen=True)
class ServedLab(Controlled):
    """What a client needs to talk to a served API, and what a test needs to look behind it."""

    served: Served
    ca_path: Path
    token_id: str
    token_secret: str = field(repr=False)
    password: str = field(repr=False)
    user: str = "root@pam"
    door: str = ""

    def at(self, node: str) -> ServedLab:
        """The same lab, reached at another node's address."""
        return replace(self, door=node)

    @property
    def api(self) -> LabApi:
        """The API itself: its state may be read, and changed through :meth:`call`."""
        return self.served.api

    @property
    def host(self) -> str:
        """Address it listens on."""
        return self.api.doors_of(self.node)[0].host

    @property
    def port(self) -> int:
        """Port it listens on."""
        return self.api.doors_of(self.node)[0].port

    @property
    def node(self) -> str:
        """Name of the node that is reached."""
        return self.door or self.api.node

    @property
    def url(self) -> str:
        """``https://host:port``."""
        return f"https://{self.host}:{self.port}"

    def options(self) -> dict[str, Any]:
        """Connection options of the collection's modules, with the token."""
        return {
            "host": self.host,
            "port": self.port,
            "token_id": self.token_id,
            "token_secret": self.token_secret,
            "ca_path": str(self.ca_path),
        }

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the API's event loop."""
        return self.served.call(coroutine)

    def control(self, method: str, path: str, document: object = None) -> Any:  # noqa: ANN401 - JSON
        """Ask the API itself, on its loop. Raises LabError with what it says when it refuses."""
        path, _, query = path.partition("?")
        try:
            return self.call(self.api.controlled(method, path, dict(parse_qsl(query)), document))
        except ControlError as error:
            raise LabError(str(error)) from error

    def populate(self, guests: int = 10_000, nodes: int = 16, seed: int = 1) -> list[Member]:
        """Give the cluster so many nodes and guests, the same ones for the same seed."""
        return self.call(populate(self.api, guests, nodes, seed))
