# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control endpoint: what tests and the lab's command line ask of a node beside the PVE API.

It listens on a Unix socket only root can open, never on the network:

==============  ======================================================================================
GET /requests   the request log; ``?writes=1`` only what changed something
DELETE ...      empty it
GET /state      the node's state, as it is saved
GET /faults     the faults in force
POST /faults    add one: ``{"kind": "latency", "seconds": 0.2}`` (with ``"jitter"`` by chance up to so much more, drawn
                from ``"seed"``; with ``"method"`` and ``"path"``, patterns, for these requests only),
                ``{"kind": "fail", "method": "GET",
                "path": "/nodes/father/status", "status": 595, "message": "Connection refused", "times": 2}``,
                ``{"kind": "hang-agent", "vmid": 100}``, ``{"kind": "deaf", "vmid": 100}`` (ignores a shutdown),
                ``{"kind": "block-agent", "vmid": 100, "commands": ["guest-exec"]}`` (the agent refuses them),
                ``{"kind": "half-made", "times": 1}`` (the next creation of a VM ends before it began)
                ``{"kind": "lose-answer", "method": "POST", "path": "/nodes/father/qemu", "status": 596, "times": 1}``
                (the request is carried out, unless ``"before": true``, or ``"seconds"`` later; without a status the
                connection breaks),
                ``{"kind": "task", "type": "qmstart", "log": ["WARN: low on memory"], "times": 1}`` (further lines in a
                task's log; with ``"seconds"`` it takes longer, with ``"error"`` it does nothing and ends so)
DELETE ...      remove them all
==============  ======================================================================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from aiohttp import web

from lab.api.fake import Next
from lab.api.requestlog import api_path
from lab.api.state import StateArea
from lab.api.tasks import TaskTrouble

Fault = Mapping[str, Any]


@dataclass(frozen=True)
class Delay:
    """How long requests wait before they are answered: ``seconds``, and by chance up to ``jitter`` more."""

    seconds: float
    method: str = "*"
    path: str = "*"
    jitter: float = 0.0
    chance: Random = field(default_factory=Random)

    def concerns(self, method: str, path: str) -> bool:
        """Whether a request waits."""
        return fnmatchcase(method, self.method) and fnmatchcase(path, self.path)

    def draw(self) -> float:
        """Seconds for one request."""
        return self.seconds + self.chance.uniform(0, self.jitter)


@dataclass
class LostAnswer:
    """Requests whose answer does not arrive, or (``status`` not 0) is a proxy's.

    ``before``: they are not carried out either. ``seconds``: that long after the answer they are.
    """

    method: str
    path: str
    status: int
    before: bool
    times: int
    seconds: float

    def takes(self, method: str, path: str) -> bool:
        """Whether a request is one of them; it is counted then."""
        found = self.times > 0 and fnmatchcase(method, self.method) and fnmatchcase(path, self.path)
        self.times -= found
        return found


class UnknownFaultError(ValueError):
    """A fault that is not in the table, or lacks a key; the text says what would be right."""


class ControlArea(StateArea):
    """Mixin: request log, state and faults."""

    def __init__(self, **options: object) -> None:
        """Start without faults."""
        super().__init__(**options)
        self.faults: list[Fault] = []
        self.creations_to_fail = 0
        self._delays: list[Delay] = []
        self._lost_answers: list[LostAnswer] = []
        self._late: set[asyncio.Task[None]] = set()

    def control_app(self) -> web.Application:
        """The application to serve on the control socket."""
        app = web.Application()
        app.router.add_get("/requests", self._list_requests)
        app.router.add_delete("/requests", self._clear_requests)
        app.router.add_get("/state", self._show_state)
        app.router.add_get("/faults", self._list_faults)
        app.router.add_post("/faults", self._add_fault)
        app.router.add_delete("/faults", self._clear_faults)
        return app

    async def _list_requests(self, request: web.Request) -> web.Response:
        wanted = self.log.writes() if request.query.get("writes") == "1" else list(self.log)
        return web.json_response([record.as_dict() for record in wanted])

    async def _clear_requests(self, _request: web.Request) -> web.Response:
        self.log.clear()
        return web.json_response({})

    async def _show_state(self, _request: web.Request) -> web.Response:
        return web.json_response(self.document())

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self.faults)

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            self.inject(await request.json())
        except UnknownFaultError as error:
            return web.json_response({"message": str(error)}, status=400)
        return web.json_response({})

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self.heal()
        return web.json_response({})

    # ---------------------------------------------------------------- faults

    def inject(self, fault: Fault) -> None:
        """Put a fault in force. Raises UnknownFaultError."""
        kinds: dict[str, Callable[[Fault], None]] = {
            "latency": self._be_slow,
            "fail": self._fail_requests,
            "lose-answer": self._lose_answers,
            "task": self._trouble_tasks,
            "block-agent": self._block_agent,
            "half-made": self._leave_half_made,
            "hang-agent": lambda fault: self._set_guest(fault, "agent_hangs", True),
            "deaf": lambda fault: self._set_guest(fault, "acpi", False),
        }
        kind = str(fault.get("kind"))
        if kind not in kinds:
            raise UnknownFaultError(f"there is no fault {kind!r}; known are {', '.join(sorted(kinds))}")
        try:
            kinds[kind](fault)
        except KeyError as error:
            raise UnknownFaultError(f"the fault {kind!r} needs {error}") from error
        self.faults.append(fault)

    def heal(self) -> None:
        """End every fault."""
        self.faults.clear()
        self.failures.clear()
        self.blocked.clear()
        self._delays.clear()
        self._lost_answers.clear()
        self.task_troubles.clear()
        self.creations_to_fail = 0
        for guest in self.vms:
            guest.agent_hangs, guest.acpi = False, True

    def _leave_half_made(self, fault: Fault) -> None:
        self.creations_to_fail += int(fault.get("times", 1))

    def _be_slow(self, fault: Fault) -> None:
        seconds, jitter = float(fault["seconds"]), float(fault.get("jitter", 0))
        chance = Random(fault.get("seed", 0))  # noqa: S311 - the same numbers every time are what is wanted
        self._delays.append(Delay(seconds, fault.get("method", "*"), fault.get("path", "*"), jitter, chance))

    def _fail_requests(self, fault: Fault) -> None:
        status, message = int(fault["status"]), str(fault.get("message", "injected failure"))
        self.fail(fault["method"], fault["path"], status, message, times=fault.get("times"))

    def _lose_answers(self, fault: Fault) -> None:
        lost = LostAnswer(
            fault["method"],
            fault["path"],
            int(fault.get("status", 0)),
            bool(fault.get("before")),
            int(fault.get("times", 1)),
            float(fault.get("seconds", 0)),
        )
        self._lost_answers.append(lost)

    def _trouble_tasks(self, fault: Fault) -> None:
        log = tuple(map(str, fault.get("log", ())))
        times, seconds = int(fault.get("times", 1)), float(fault.get("seconds", 0))
        self.task_troubles.append(TaskTrouble(fault["type"], log, fault.get("error"), times, seconds))

    def _block_agent(self, fault: Fault) -> None:
        self.blocked[int(fault["vmid"])] = tuple(fault["commands"])

    def _set_guest(self, fault: Fault, name: str, value: bool) -> None:
        guest = self.vm(int(fault["vmid"]))
        if guest is None:
            raise UnknownFaultError(f"there is no VM {fault['vmid']}")
        setattr(guest, name, value)

    # ------------------------------------------------------------ middleware

    @web.middleware
    async def _observe(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """Be as slow as asked, and lose the answers that are to be lost."""
        path = api_path(request.path)
        if delays := [delay.draw() for delay in self._delays if delay.concerns(request.method, path)]:
            await asyncio.sleep(sum(delays))
        lost = next((item for item in self._lost_answers if item.takes(request.method, path)), None)
        if lost is None:
            return await super()._observe(request, handler)
        if not lost.before:
            await request.read()
            carried_out = asyncio.create_task(self._carry_out(request, handler, lost.seconds))
            self._late.add(carried_out)
            carried_out.add_done_callback(self._late.discard)
            await asyncio.wait({carried_out}, timeout=None if not lost.seconds else 0)
        if not lost.status and request.transport:
            request.transport.abort()
        return web.Response(status=lost.status or 500, reason="Connection timed out")

    async def _carry_out(self, request: web.Request, handler: Next, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await super()._observe(request, handler)
