# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control endpoint: what tests and the lab's command line ask of the lab beside the PVE API.

It listens on a Unix socket only root can open, never on the network; fixtures in the same process ask
:meth:`ControlArea.controlled` without a socket. Answers are JSON, refusals 400 or 404 with a ``message``.

=====================  ===============================================================================
GET /requests          the request log; ``?method=&path=&status=5*&user=&since=&writes=1`` selects
DELETE /requests       empty it
GET /state             the state, as it is saved
GET /faults            the faults in force, each with its ``id`` and how often it ``struck``
POST /faults           add one: ``{"kind": "latency", "seconds": 0.2}``; answers ``{"id": 1}``, or with
                       ``null`` for one that happens at once. The kinds: :mod:`lab.api.faults_kinds`
DELETE /faults         end them all
DELETE /faults/ID      end one
GET /clock             ``now`` (seconds since the epoch), ``rate`` and ``shift`` of the lab's clock
PUT /clock             ``{"rate": 60}``: seconds of the lab in a real one; ``{"forward": 3600}`` puts it forward
POST /snapshots        remember everything, of a lab whose guests are states; answers ``{"id": 1}``
PUT /snapshots/ID      become that again
DELETE /snapshots/ID   forget it
=====================  ===============================================================================
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from lab.api.clock import ClockError
from lab.api.faults import UnknownFaultError
from lab.api.requestlog import Selection
from lab.api.savepoints import SavepointArea, SavepointError

BAD_REQUEST, NOT_FOUND = 400, 404
CLOCK = ("rate", "forward")


class ControlError(Exception):
    """A refusal of the control endpoint."""

    def __init__(self, message: str, status: int = BAD_REQUEST) -> None:
        """Take what was wrong, and the HTTP status that says so."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Question:
    """What the control endpoint is asked. ``rest`` is what follows the route's path, as in ``/faults/3``."""

    rest: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    document: Any = None

    def number(self, what: str) -> int:
        """The id in the path. Raises ControlError."""
        if not self.rest.isdecimal():
            raise ControlError(f"the id of {what} is a number, not {self.rest!r}")
        return int(self.rest)


Answering = Callable[[Question], Awaitable[object]]


class ControlArea(SavepointArea):
    """Mixin: request log, state and faults for whoever runs the lab."""

    def control_routes(self) -> dict[tuple[str, str], Answering]:
        """Method and first word of the path -> what answers."""
        return {
            ("GET", "requests"): self._list_requests,
            ("DELETE", "requests"): self._clear_requests,
            ("GET", "state"): self._show_state,
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._end_faults,
            ("GET", "clock"): self._show_clock,
            ("PUT", "clock"): self._set_clock,
            ("POST", "snapshots"): self._take_snapshot,
            ("PUT", "snapshots"): self._restore_snapshot,
            ("DELETE", "snapshots"): self._drop_snapshot,
        }

    async def controlled(
        self, method: str, path: str, query: Mapping[str, str] | None = None, document: object = None
    ) -> object:
        """Answer one question. Raises ControlError."""
        word, _, rest = path.strip("/").partition("/")
        answering = self.control_routes().get((method, word))
        if answering is None:
            raise ControlError(f"the control endpoint has no {method} {path}", NOT_FOUND)
        try:
            return await answering(Question(rest, query or {}, document))
        except (UnknownFaultError, ClockError, SavepointError) as error:
            raise ControlError(str(error)) from error

    def control_app(self) -> web.Application:
        """The application to serve on the control socket."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer_control)
        return app

    async def _answer_control(self, request: web.Request) -> web.Response:
        try:
            document = await request.json() if request.can_read_body else None
            return web.json_response(await self.controlled(request.method, request.path, request.query, document))
        except json.JSONDecodeError as error:
            return web.json_response({"message": f"the request's body is no JSON: {error}"}, status=BAD_REQUEST)
        except ControlError as error:
            return web.json_response({"message": str(error)}, status=error.status)

    async def _list_requests(self, question: Question) -> list[dict[str, object]]:
        try:
            selection = Selection.of(question.query)
        except ValueError as error:
            raise ControlError(str(error)) from error
        return [record.as_dict() for record in selection.among(self.log)]

    async def _clear_requests(self, _question: Question) -> dict[str, object]:
        self.log.clear()
        return {}

    async def _show_state(self, _question: Question) -> dict[str, object]:
        return self.document()

    async def _list_faults(self, _question: Question) -> list[dict[str, Any]]:
        return [active.document() for active in self.faults]

    async def _add_fault(self, question: Question) -> dict[str, int | None]:
        number = self.inject(question.document)
        await self.settled()
        return {"id": number or None}

    async def _end_faults(self, question: Question) -> dict[str, object]:
        if question.rest:
            self.mend(question.number("a fault"))
        else:
            self.heal()
        return {}

    async def _show_clock(self, _question: Question) -> dict[str, float]:
        return {"now": self.clock.now(), "rate": self.clock.rate, "shift": self.clock.shift}

    async def _set_clock(self, question: Question) -> dict[str, float]:
        changes = question.document if isinstance(question.document, dict) else {}
        wrong = [key for key, value in changes.items() if key not in CLOCK or not isinstance(value, int | float)]
        if wrong or not changes:
            raise ControlError(f"the clock takes numbers for {' and '.join(CLOCK)}, not {question.document!r}")
        forward = changes.get("forward")
        self.clock.set(changes.get("rate"), None if forward is None else self.clock.shift + forward)
        return await self._show_clock(question)

    async def _take_snapshot(self, _question: Question) -> dict[str, int]:
        return {"id": await self.take_savepoint()}

    async def _restore_snapshot(self, question: Question) -> dict[str, object]:
        await self.return_to_savepoint(question.number("a snapshot"))
        return {}

    async def _drop_snapshot(self, question: Question) -> dict[str, object]:
        self.drop_savepoint(question.number("a snapshot"))
        return {}
