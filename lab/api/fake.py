# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam to fakepve, which carries no type information: everything the lab takes from it passes through here.

fakepve answers every endpoint with the schema's checks and PVE's wording. An area of the lab derives from
:class:`Fake` and may define ``routes``, its table of ``(method, path template, handler)``. A handler takes a
:class:`Call`, once the schema's checks have passed, and returns the answer's ``data`` (or an :class:`Answer`).
A route of an area goes before fakepve's own handler for the same method and template.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from fakepve import FakeCt, FakePve, FakeVm, PveError, TaskError  # type: ignore[import-untyped]
from fakepve import schema as pve_schema
from fakepve.routing import check_digest, die, param_error, split_list  # type: ignore[import-untyped]
from fakepve.server import API, USER, collect  # type: ignore[import-untyped]

from lab.api.clock import Clock
from lab.api.requestlog import RequestLog, RequestRecord

Values = dict[str, Any]
"""Parameters of a request after the schema's checks: path, query and body in one."""


@dataclass(frozen=True)
class Call:
    """One request as a handler sees it: its checked parameters, and who asks."""

    values: Values
    user: str

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - whatever the schema says the parameter is
        """A parameter that is always there (one of the path, or a required one)."""
        return self.values[name]

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401
        """An optional parameter."""
        return self.values.get(name, default)


Handler = Callable[[Call], Awaitable[object]]
Route = tuple[str, str, Handler]
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Parameters that take the rest of the path, slashes included, which fakepve's schema lookup does not know.
TAIL_TEMPLATES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"/nodes/(?P<node>[^/]+)/storage/(?P<storage>[^/]+)/content/(?P<volume>.+)"),
        "/nodes/{node}/storage/{storage}/content/{volume}",
    ),
    (re.compile(r"/pools/(?P<poolid>.+)"), "/pools/{poolid}"),
    (re.compile(r"/cluster/firewall/ipset/(?P<name>[^/]+)/(?P<cidr>.+)"), "/cluster/firewall/ipset/{name}/{cidr}"),
    *(
        (
            re.compile(rf"/nodes/(?P<node>[^/]+)/{kind}/(?P<vmid>[^/]+)/firewall/ipset/(?P<name>[^/]+)/(?P<cidr>.+)"),
            f"/nodes/{{node}}/{kind}/{{vmid}}/firewall/ipset/{{name}}/{{cidr}}",
        )
        for kind in ("qemu", "lxc")
    ),
)

UNAUTHORIZED = 401
NOT_IMPLEMENTED = 501
LOGIN = "/access/ticket"

__all__ = [
    "API",
    "LOGIN",
    "UNAUTHORIZED",
    "USER",
    "Answer",
    "Call",
    "Fake",
    "FakeCt",
    "FakeVm",
    "Handler",
    "PveError",
    "Route",
    "TaskError",
    "Values",
    "check_digest",
    "die",
    "is_local",
    "param_error",
    "pve_schema",
    "response",
    "split_list",
]


@dataclass(frozen=True)
class Answer:
    """An answer with keys beside ``data``, such as the ``total`` of a task's log."""

    data: object
    extra: Mapping[str, object] = field(default_factory=dict)


def response(result: object) -> web.Response:
    """The JSON response of a handler's result."""
    answer = result if isinstance(result, Answer) else Answer(result)
    return web.json_response({"data": answer.data, **answer.extra})


async def values_of(request: web.Request) -> Values:
    """Parameters of a request: query, then form or JSON; a name given twice becomes a list, an empty value stays."""
    found: Values = collect(request.query.items())
    body = await request.text()
    if request.content_type == "application/json" and body:
        document = json.loads(body)
        return found | (document if isinstance(document, dict) else {})
    if request.content_type == "application/x-www-form-urlencoded":
        found |= collect(parse_qsl(body, keep_blank_values=True))
    return found


async def checked_values(request: web.Request) -> Values:
    """The same, with PVE's refusal of a body that cannot be read."""
    try:
        return await values_of(request)
    except (ValueError, RecursionError) as error:
        raise die(f"unable to read the request's body: {error}") from error


def joined_lists(parameters: Values | None, values: Values) -> Values:
    """A list where the schema wants text of a ``-list`` format becomes that text (pve-common, PVE::RESTHandler)."""
    known = (parameters or {}).get("properties", {})

    def joins(name: str) -> bool:
        schema = known.get(name, {})
        return schema.get("type") == "string" and str(schema.get("format", "")).endswith("-list")

    return {
        name: ",".join(map(str, value)) if isinstance(value, list) and joins(name) else value
        for name, value in values.items()
    }


def not_implemented(method: str, path: str) -> web.Response:
    """PVE's answer for a path or method that is not in its schema; the message has no newline here."""
    message = f"Method '{method} {re.sub(r'^/api2/[a-z]+', '', path)}' not implemented"
    return web.json_response({"data": None, "message": message}, status=NOT_IMPLEMENTED, reason=message)


def tail_match(path: str) -> Any:  # noqa: ANN401 - fakepve's Match
    """The schema match of a path whose last parameter holds slashes, or None."""
    for pattern, template in TAIL_TEMPLATES:
        found = pattern.fullmatch(path)
        if found:
            return pve_schema.Match(template, found.groupdict(), pve_schema.load().paths[template])
    return None


def is_local(request: web.Request) -> bool:
    """True for a request over the node's Unix socket, which only root can open: PVE's commands run as root@pam."""
    connection = request.transport.get_extra_info("socket") if request.transport else None
    return connection is not None and connection.family == socket.AF_UNIX


class Fake(FakePve):  # type: ignore[misc]
    """fakepve's server with the areas' tables in front, a request log, and PVE's 401."""

    def __init__(self, **options: object) -> None:
        """Take fakepve's options: user, password, host, port."""
        self.clock = Clock()
        super().__init__(**options)
        self.log = RequestLog()

    def routes(self) -> list[Route]:
        """The area's table; each area has its own."""
        return []

    async def pause(self, secs: float) -> None:
        """Wait as long as PVE does, on the lab's clock; ``time_scale`` of it, which is nothing unless it is set."""
        if secs and self.time_scale:
            await self.clock.sleep(secs * self.time_scale)

    @cached_property
    def _table(self) -> dict[tuple[str, str], Handler]:
        """Every area's routes, those of derived classes last so that they win."""
        tables = [vars(area)["routes"](self) for area in reversed(type(self).__mro__) if "routes" in vars(area)]
        return {(method, template): handler for table in tables for method, template, handler in table}

    def _build_app(self) -> Any:  # noqa: ANN401 - fakepve is untyped
        app = super()._build_app()
        app.middlewares.insert(0, self._observe)
        app.middlewares.append(self._dispatch)
        app.on_response_prepare.append(self._headers)
        return app

    def resolve(self, request: web.Request, prefix: str) -> Any:  # noqa: ANN401 - fakepve's Match
        """The schema match of a request, parameters with slashes included."""
        return super().resolve(request, prefix) or tail_match(re.sub(r"^/api2/[a-z]+", "", request.path))

    def answered(self, record: RequestRecord) -> None:
        """Called with every request before its answer leaves."""

    @web.middleware
    async def _observe(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """Log every answered request; PVE's daemon refuses with an empty body (../golden auth)."""
        answer = await handler(request)
        self.answered(self.log.add(request.method, request.path, answer.status, request.get(USER)))
        if answer.status == UNAUTHORIZED and not request.path.endswith(LOGIN):
            return web.Response(status=UNAUTHORIZED, reason=answer.reason)
        return answer

    async def synthesise(
        self,
        match: Any,  # noqa: ANN401
        method: str,
        info: Values,
        user: str,
        values: Values,
    ) -> object:
        """fakepve's answer of a generic endpoint, without its examples: where nothing is kept, a list is empty.

        A directory lists every child the schema has below it.
        """
        returns = info.get("returns") or {}
        key = next((link["href"].strip("{}") for link in returns.get("links") or []), None)
        if method == "GET" and key in ("subdir", "name"):
            return [{key: child} for child in pve_schema.load().children(match.template)]
        if method == "GET" and returns.get("type") == "array" and match.template.startswith(("/cluster/", "/access/")):
            return []
        return await super().synthesise(match, method, info, user, values)

    @web.middleware
    async def _dispatch(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """Call the area that has this method and template, else go on to fakepve's own handler."""
        match = self.resolve(request, API)
        if match is None or request.method not in match.methods:
            return not_implemented(request.method, request.path)
        call = self._table.get((request.method, match.template))
        if not call:
            return await handler(request)
        user = request[USER]

        async def answer(_match: object, values: Values) -> object:
            return await call(Call(values, user))

        values = joined_lists(match.methods[request.method].get("parameters"), await checked_values(request))
        return response(await self.answer(request, match, values, user, answer))

    async def _headers(self, _request: web.Request, answer: web.StreamResponse) -> None:
        """Server name and content type as PVE's daemon sends them."""
        answer.headers["Server"] = "pve-api-daemon/3.0"
        if answer.content_type == "application/json":
            answer.headers["Content-Type"] = "application/json;charset=UTF-8"
