# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults between the lab and its clients: slow, missing and damaged answers.

A request first waits for every latency that concerns it; then the first other fault that strikes answers it. Times
are the client's own, not those of the lab's clock: it is the client's timeouts that they are to meet.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web

from lab.api.fake import UNAUTHORIZED, Next, PveError
from lab.api.faults import Active, Asked, Faults, RequestFault
from lab.api.faults_kinds import ConnectionLatency, Drop, Fail, Garbage, Hang, Latency, LoseAnswer, Reset, SlowBody
from lab.api.nodes import NodesArea
from lab.api.requestlog import api_path
from lab.background import Background

# pveproxy has no body for what it refuses itself, nor for a node it cannot reach (../golden auth, cluster-3node).
WITHOUT_BODY = frozenset({UNAUTHORIZED, 595, 596, 599})
# How often a request that hangs looks whether it is to go on hanging, and a slow body sends something; seconds.
PULSE = 0.05
NOISE = b"\x15\x03\x01\x00\x02\x02\x50 not a line of HTTP \xff\xfe\r\n\r\n"
LINGER_NOT = struct.pack("ii", 1, 0)
PAGE = (
    "<html>\r\n<head><title>{status} {phrase}</title></head>\r\n<body>\r\n<center><h1>{status} {phrase}</h1></center>"
    "\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(frozen=True)
class Struck:
    """A request that a fault strikes. ``carry_out`` answers it as it would be without."""

    request: web.Request
    fault: Any
    in_force: Callable[[], bool]
    carry_out: Callable[[], Awaitable[web.StreamResponse]]
    later: Callable[[float], Awaitable[None]]

    def end_connection(self, answer: bytes = b"") -> web.StreamResponse:
        """Close the connection, in order when these bytes go first. What is returned finds it closed."""
        transport = self.request.transport
        if transport and answer:
            transport.write(answer)
            transport.close()
        elif transport:
            # TLS would first say goodbye and wait for the other side's; a process that ends does not.
            transport.abort()
        return web.Response()

    def reset_connection(self) -> web.StreamResponse:
        """Close the connection with a RST: what was to be sent is thrown away (socket(7), SO_LINGER)."""
        transport = self.request.transport
        if transport:
            connection = transport.get_extra_info("socket")
            if connection is not None and connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            transport.abort()
        return web.Response()

    def client_is_gone(self) -> bool:
        """Whether there is nobody left to answer."""
        return self.request.transport is None or self.request.transport.is_closing()


async def drop(struck: Struck) -> web.StreamResponse:
    """Close the connection."""
    await struck.request.read()
    return struck.end_connection()


async def reset(struck: Struck) -> web.StreamResponse:
    """Reset the connection."""
    await struck.request.read()
    return struck.reset_connection()


async def hang(struck: Struck) -> web.StreamResponse:
    """Wait until the fault is over or the client has given up."""
    while struck.in_force() and not struck.client_is_gone():
        await asyncio.sleep(PULSE)
    return struck.end_connection()


def error_answer(fault: Fail) -> web.Response:
    """The error in PVE's shape."""
    reason = fault.message.splitlines()[0] if fault.message else ""
    if fault.status in WITHOUT_BODY:
        return web.Response(status=fault.status, reason=reason)
    errors = dict(item.partition("=")[::2] for item in fault.errors)
    body = {"data": None, "message": f"{fault.message}\n"} | ({"errors": errors} if errors else {})
    return web.json_response(body, status=fault.status, reason=reason)


async def fail(struck: Struck) -> web.StreamResponse:
    """Answer with the error."""
    await struck.request.read()
    return error_answer(struck.fault)


async def lose_answer(struck: Struck) -> web.StreamResponse:
    """Carry the request out, or don't, and let the client not know."""
    fault: LoseAnswer = struck.fault
    if not fault.before:
        await struck.request.read()
        await struck.later(fault.seconds)
    if not fault.status:
        return struck.end_connection()
    return web.Response(status=fault.status, reason="Connection timed out")


def head(status: int, reason: str | None, length: int) -> bytes:
    """The head of an answer that is written past aiohttp, which would get its length right."""
    lines = (f"HTTP/1.1 {status} {reason or ''}", "Content-Type: application/json;charset=UTF-8")
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


def page(status: int) -> web.Response:
    """What a proxy in front of PVE says of itself."""
    text = PAGE.format(status=status, phrase="Bad Gateway" if status == 502 else "Proxy")  # noqa: PLR2004
    return web.Response(status=status, text=text, content_type="text/html")


async def garbage(struck: Struck) -> web.StreamResponse:
    """Answer with something that is no answer."""
    fault: Garbage = struck.fault
    answer = web.json_response({"data": None}) if fault.before else await struck.carry_out()
    body = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""
    if fault.form == "html":
        return page(fault.status)
    if fault.form == "json":
        return web.Response(status=answer.status, body=body[: max(len(body) // 2, 1)], content_type="application/json")
    if fault.form == "length":
        return struck.end_connection(head(answer.status, answer.reason, len(body) + 1000) + body)
    return struck.end_connection(NOISE)


async def slow_body(struck: Struck) -> web.StreamResponse:
    """Send the body bit by bit, as long as the fault is in force."""
    answer = await struck.carry_out()
    if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
        return answer
    stream = web.StreamResponse(status=answer.status, reason=answer.reason, headers=answer.headers)
    stream.content_length = len(answer.body)
    await stream.prepare(struck.request)
    size = max(1, int(struck.fault.rate * PULSE))
    for start in range(0, len(answer.body), size):
        await stream.write(answer.body[start : start + size])
        if struck.in_force():
            await asyncio.sleep(size / struck.fault.rate)
    return stream


ANSWERS: Mapping[type[RequestFault], Callable[[Struck], Awaitable[web.StreamResponse]]] = {
    Drop: drop,
    Reset: reset,
    Hang: hang,
    Garbage: garbage,
    Fail: fail,
    SlowBody: slow_body,
    LoseAnswer: lose_answer,
}
# Those whose request is carried out by fakepve's own path, which notes it in the log.
LOGGED_BY_THEMSELVES = (Garbage, SlowBody, LoseAnswer)


class WireArea(NodesArea):
    """Mixin: the faults in force, and those of requests."""

    def __init__(self, **options: object) -> None:
        """Start without faults."""
        super().__init__(**options)
        self.faults = Faults()
        self._late = Background()

    @web.middleware
    async def _observe(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """Answer, unless a fault has its way."""
        if not self.faults.of_requests:
            return await super()._observe(request, handler)
        asked = self._asked_of(request)
        concerned = [(active, fault) for active, fault in self.faults.of_requests if fault.concerns(asked)]
        delays = [
            fault.seconds + active.chance.uniform(0, fault.jitter)
            for active, fault in concerned
            if isinstance(fault, Latency) and active.strikes()
        ]
        if delays:
            await asyncio.sleep(sum(delays))
        for active, fault in concerned:
            if type(fault) in ANSWERS and active.strikes():
                return await self._meet(request, handler, active, fault, asked)
        return await super()._observe(request, handler)

    def connection_delay(self, node: str) -> float:
        """Seconds that a connection just made to a node waits before the TLS handshake."""
        if not self.faults.of_connections:
            return 0.0
        return sum(
            fault.seconds + active.chance.uniform(0, fault.jitter)
            for active, fault in self.faults.of(ConnectionLatency)
            if fnmatchcase(node, fault.node) and active.strikes()
        )

    def _asked_of(self, request: web.Request) -> Asked:
        path = api_path(request.path)
        named = re.match(r"/nodes/([^/]+)", path)
        nodes = (self.reached_node(), *((named[1],) if named else ()))
        by_user = any(fault.user != "*" for _, fault in self.faults.of_requests)
        return Asked(request.method, path, nodes, self._who(request) if by_user else None)

    def _who(self, request: web.Request) -> str | None:
        try:
            user: str | None = self._authenticate(request)
        except PveError:
            return None
        return user

    async def _meet(
        self, request: web.Request, handler: Next, active: Active, fault: RequestFault, asked: Asked
    ) -> web.StreamResponse:
        async def carry_out() -> web.StreamResponse:
            return await super(WireArea, self)._observe(request, handler)

        async def later(seconds: float) -> None:
            await self._carry_out_later(carry_out, seconds)

        struck = Struck(request, fault, lambda: active in self.faults, carry_out, later)
        answer = await ANSWERS[type(fault)](struck)
        carried_out = isinstance(fault, LOGGED_BY_THEMSELVES) and not getattr(fault, "before", False)
        if not carried_out:
            status = answer.status if isinstance(fault, Fail | Garbage | LoseAnswer) else 0
            self.log.add(asked.method, asked.path, status, asked.user)
        return await self._wrapped(request, answer) if isinstance(fault, Fail) else answer

    async def _wrapped(self, request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
        """An error in the envelope of /api2/extjs, for who asked there."""

        async def known(_request: web.Request) -> web.StreamResponse:
            return answer

        wrapped: web.StreamResponse = await self._extjs(request, known)
        return wrapped

    async def _carry_out_later(self, carry_out: Callable[[], Awaitable[web.StreamResponse]], seconds: float) -> None:
        """Carry a request out after so many seconds; with none, return once it is."""

        async def work() -> web.StreamResponse:
            await asyncio.sleep(seconds)
            return await carry_out()

        task = self._late.start(work())
        if not seconds:
            await asyncio.wait({task})
