# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that run while the API goes on answering, and the lock on a guest's configuration they hold.

fakepve finishes a task before it answers; here a task is worked on in the background, as PVE's forked workers are,
because a guest really boots in it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase
from typing import Any

from fakepve.model import lock_timeout  # type: ignore[import-untyped]

from lab.api.fake import Answer, Call, PveError, Route, TaskError, Values, die, param_error
from lab.api.faults_kinds import HalfMade, TaskTrouble
from lab.api.faults_wire import PULSE, WireArea
from lab.guests.driver import GuestError

Record = dict[str, Any]
Body = Callable[[], Awaitable[str | None]]

# PVE's page size for the list and the log of tasks (PVE/API2/Tasks.pm).
DEFAULT_LIMIT = 50
# Where tasks are listed from -> the states they have there (an archived one has ended).
SOURCES = {"archive": ("stopped",), "active": ("running",), "all": ("stopped", "running")}
# A line that starts so makes a task end with WARNINGS instead of OK (PVE/RESTEnvironment.pm: warn).
WARNING = "WARN: "

# The log of a task that another node has, or none (../golden cluster-3node).
NO_LOG = "unable to open file - No such file or directory"

logger = logging.getLogger(__name__)
_current: ContextVar[Record | None] = ContextVar("current_task", default=None)
_followed_by: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("followed_by", default=None)


def log_line(text: str) -> None:
    """Add a line to the log of the task that is running here (outside of a task: nothing)."""
    record = _current.get()
    if record is not None:
        record["log"].append(text)


def worker_pid(otherwise: int) -> int:
    """The process of the task that is running here."""
    record = _current.get()
    return otherwise if record is None else int(record["pid"])


@contextmanager
def followed_by(work: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Within the block, the task that fakepve starts goes on with ``work`` once its own part has succeeded."""
    token = _followed_by.set(work)
    try:
        yield
    finally:
        _followed_by.reset(token)


def failure_text(error: Exception) -> str:
    """The exit status of a task that ended with ``error``."""
    if isinstance(error, PveError):
        return str(error.message)
    if isinstance(error, TaskError | GuestError | OSError):
        return str(error)
    logger.error("a task failed unexpectedly", exc_info=error)
    return f"internal error of the lab: {error!r}"


def last_line(status: str) -> str:
    """The line a task's log ends with."""
    if status == "OK" or status.startswith("WARNINGS: "):
        return f"TASK {status}"
    return f"TASK ERROR: {status}"


def owner_of(record: Record) -> dict[str, str]:
    """``user`` and, for a task a token started, ``tokenid``."""
    user, _, token = record["user"].partition("!")
    return {"user": user, "tokenid": token} if token else {"user": user}


def status_view(record: Record) -> dict[str, Any]:
    """A task as ``.../status`` shows it: ``exitstatus`` only once it has stopped, no end time."""
    return {key: value for key, value in record.items() if key not in ("log", "endtime")} | owner_of(record)


def list_view(record: Record) -> dict[str, Any]:
    """A task as the cluster's list shows it: ``status`` is the exit status, and missing while the task runs."""
    hidden = ("log", "status", "exitstatus")
    view = {key: value for key, value in record.items() if key not in hidden} | owner_of(record)
    return view | ({"status": record["exitstatus"]} if "exitstatus" in record else {})


def node_list_view(record: Record) -> dict[str, Any]:
    """A task as its node's list shows it (PVE/API2/Tasks.pm)."""
    return {"status": "RUNNING", **list_view(record)}


def selected(record: Record, values: Values) -> bool:
    """Whether a task passes the filters of the list."""
    return (
        ("vmid" not in values or record["id"] == str(values["vmid"]))
        and ("typefilter" not in values or record["type"] == values["typefilter"])
        and ("userfilter" not in values or values["userfilter"].lower() in record["user"].lower())
        and (not values.get("errors") or record.get("exitstatus") != "OK")
        and record["status"] in SOURCES[values.get("source", "archive")]
        and values.get("since", 0) <= record["starttime"] <= values.get("until", record["starttime"])
    )


def troubles(trouble: TaskTrouble, record: Record) -> bool:
    """Whether a task is one that a fault is about."""
    return (
        fnmatchcase(record["type"], trouble.type)
        and fnmatchcase(record["node"], trouble.node)
        and (trouble.vmid is None or record["id"] == str(trouble.vmid))
    )


class TaskArea(WireArea):
    """Mixin: background tasks, ``/nodes/{node}/tasks`` and the configuration lock."""

    # Real seconds an answer waits for its task to end. A worker of PVE needs about as long to fork; a task that is
    # done by then spares the client a second question.
    task_grace = 0.01

    def __init__(self, **options: object) -> None:
        """Start without a task."""
        super().__init__(**options)
        self._workers: dict[str, asyncio.Task[None]] = {}

    def routes(self) -> list[Route]:
        """``/nodes/{node}/tasks``, ``/cluster/tasks``."""
        tasks = "/nodes/{node}/tasks"
        return [
            ("GET", tasks, self._tasks),
            ("GET", tasks + "/{upid}/status", self._status_of_task),
            ("GET", tasks + "/{upid}/log", self._log_of_task),
            ("DELETE", tasks + "/{upid}", self._stop_task),
            ("GET", "/cluster/tasks", self._cluster_tasks),
        ]

    def changed(self) -> None:
        """Called when state changed outside of a request; the persistence area saves it."""

    # ------------------------------------------------------------- workers

    def need_writable(self, ttype: str, tid: object, node: str) -> None:
        """Raise TaskError if a task is to write a file it cannot write; the quorum's area knows."""

    def _upid(self, node: str, ttype: str, tid: object, user: str) -> tuple[str, int, int]:
        """The id of a new task, its process and its start, on the lab's clock."""
        pid, start = int(next(self._pids)), int(self.clock.now())
        return f"UPID:{node}:{pid:08X}:{pid * 7:08X}:{start:08X}:{ttype}:{tid}:{user}:", pid, start

    async def task(  # noqa: PLR0917 - fakepve calls it by position
        self,
        node: str,
        ttype: str,
        tid: object,
        user: str,
        body: Body,
        vm: Any = None,  # noqa: ANN401 - a guest of fakepve
        lock: bool = True,
        log: Iterable[str] = (),
    ) -> str:
        """Start a task and return its UPID. ``body`` raises to fail; text it returns ends up in the log."""
        self._need_worker(ttype, tid, vm)
        upid, pid, start = self._upid(node, ttype, tid, user)
        record: Record = {
            "upid": upid,
            "node": node,
            "pid": pid,
            "pstart": pid * 7,
            "starttime": start,
            "type": ttype,
            "id": str(tid),
            "user": user,
            "status": "running",
            "log": list(log),
        }
        self.tasks[upid] = record
        self.tasklog.append(record)
        worker = asyncio.create_task(self._work(record, body, vm if lock else None))
        self._workers[upid] = worker
        worker.add_done_callback(lambda _: self._workers.pop(upid, None))
        await asyncio.wait({worker}, timeout=self.task_grace)
        return str(upid)

    async def _work(self, record: Record, body: Body, locked: Any) -> None:  # noqa: ANN401
        _current.set(record)
        status = "OK"
        try:
            await self._meet_trouble(record)
            self.need_writable(record["type"], record["id"], record["node"])
            note = await self._with_lock(record["upid"], body, locked)
            record["log"].extend((note or "").splitlines())
        except asyncio.CancelledError:
            status = "received interrupt"
        except Exception as error:  # whatever happens in a worker becomes its exit status
            status = failure_text(error)
        self._finish(record, status)

    def _need_worker(self, ttype: str, tid: object, guest: Any) -> None:  # noqa: ANN401
        """Fail as a node under load does, whose workers don't start: what was to be made has its lock already."""
        if self.faults.striking(HalfMade, lambda fault: fnmatchcase(ttype, fault.type)) is None:
            return
        if guest is not None and ttype == "qmcreate":
            guest.name = f"VM {tid}"
        self.changed()
        raise die("got no worker upid - start worker failed")

    async def _meet_trouble(self, record: Record) -> None:
        trouble = self.faults.striking(TaskTrouble, lambda fault: troubles(fault, record))
        if trouble is None:
            return
        record["log"].extend(trouble.log)
        await self.clock.sleep(trouble.seconds)
        while trouble.stuck and self.faults.has(trouble):
            await asyncio.sleep(PULSE)
        if trouble.error:
            raise TaskError(trouble.error)

    async def _with_lock(self, upid: str, body: Body, guest: Any) -> str | None:  # noqa: ANN401
        if guest is None:
            return await self._body(body)
        await self.acquire(guest, upid)
        try:
            return await self._body(body)
        finally:
            self.release(guest, upid)

    @staticmethod
    async def _body(body: Body) -> str | None:
        # A task starts with a copy of its request's context, so this is the request's own follow-up.
        follow_up = _followed_by.get()
        note = await body()
        if follow_up is not None:
            await follow_up()
        return note

    def _finish(self, record: Record, status: str) -> None:
        warnings = sum(line.startswith(WARNING) for line in record["log"]) if status == "OK" else 0
        status = f"WARNINGS: {warnings}" if warnings else status
        record.update(status="stopped", exitstatus=status, endtime=int(self.clock.now()))
        record["log"].append(last_line(status))
        self.changed()

    async def stop_workers_of(self, node: str) -> None:
        """Interrupt the tasks of one node, which lost its power."""
        workers = [worker for upid, worker in self._workers.items() if self.tasks[upid]["node"] == node]
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def stop_workers(self) -> None:
        """Interrupt every running task, as the end of PVE's daemon does not but a shutdown of the node does."""
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    # ---------------------------------------------------------------- lock

    async def acquire(self, vm: Any, holder: str, wait: float | None = None) -> None:  # noqa: ANN401
        """Take the configuration lock, waiting ``wait`` seconds (PVE: 10) for another holder to let go."""
        deadline = self.clock.monotonic() + (self.lock_wait if wait is None else wait)
        while vm.lock_holder is not None:
            vm.lock_released = vm.lock_released or asyncio.Event()
            try:
                await self.clock.within(deadline - self.clock.monotonic(), vm.lock_released.wait())
            except TimeoutError:
                raise TaskError(getattr(vm, "lock_error", None) or lock_timeout(vm.vmid)) from None
        vm.lock_holder = holder

    # ------------------------------------------------------------ endpoints

    def _record_of(self, call: Call) -> Record:
        record: Record | None = self.tasks.get(call["upid"])
        if record is None or record["node"] != call["node"]:
            raise param_error(upid="no such task")
        if not self._task_owner(call.user, record):
            self.require(call.user, f"/nodes/{call['node']}", "Sys.Audit")
        return record

    async def _tasks(self, call: Call) -> Answer:
        audit = self.allowed(call.user, f"/nodes/{call['node']}", "Sys.Audit")
        found = [
            node_list_view(record)
            for record in reversed(self.tasklog)
            if record["node"] == call["node"]
            and (audit or self._task_owner(call.user, record))
            and selected(record, call.values)
        ]
        start = call.get("start", 0)
        # PVE counts what it finds, and of nothing there is no number (../golden nodes, tasks-active).
        total = {"total": len(found)} if found else {}
        return Answer(found[start : start + call.get("limit", DEFAULT_LIMIT)], total)

    async def _cluster_tasks(self, call: Call) -> list[dict[str, Any]]:
        audit = self.allowed(call.user, "/", "Sys.Audit")
        visible = [record for record in reversed(self.tasklog) if audit or self._task_owner(call.user, record)]
        return [
            {key: value for key, value in list_view(record).items() if key not in ("pid", "pstart")} | {"saved": "1"}
            for record in visible[:25]
        ]

    async def _status_of_task(self, call: Call) -> dict[str, Any]:
        return status_view(self._record_of(call))

    async def _log_of_task(self, call: Call) -> Answer:
        known = self.tasks.get(call["upid"])
        lines = self._record_of(call)["log"] if known and known["node"] == call["node"] else [NO_LOG]
        numbered = [{"n": number, "t": text} for number, text in enumerate(lines, 1)]
        start, limit = call.get("start", 0), call.get("limit", DEFAULT_LIMIT)
        # PVE: a limit of 0 asks for everything.
        return Answer(numbered[start : start + limit] if limit else numbered[start:], {"total": len(lines)})

    async def _stop_task(self, call: Call) -> None:
        record = self._record_of(call)
        if not self._task_owner(call.user, record):
            self.require(call.user, f"/nodes/{call['node']}", "Sys.Modify")
        worker = self._workers.get(record["upid"])
        if worker is not None:
            worker.cancel()
