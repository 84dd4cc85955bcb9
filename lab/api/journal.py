# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node and its cluster log: ``/cluster/log``, ``syslog`` and ``journal``.

The log is told from the tasks and from what else PVE's daemon notes (logins, changed options of VMs); the journal has
the start of the node's services before that.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from lab.api import settings
from lab.api.accounts import AccountsArea
from lab.api.config_area import ConfigArea
from lab.api.fake import Answer, Call, Route, Values
from lab.api.node import NODE
from lab.api.services import RUNNING_STATES, SERVICES

DAEMON, DAEMON_PID = "pvedaemon", 157
INFORMATION, ERROR = 6, 3
KEPT_EVENTS = 1000
DEFAULT_ENTRIES = 50


@dataclass(frozen=True)
class Event:
    """One entry of the cluster's log: Unix time, node, who, and what."""

    time: int
    node: str
    user: str
    message: str
    priority: int = INFORMATION

    def view(self, number: int) -> Values:
        """The entry as ``/cluster/log`` has it."""
        return {
            "id": f"{number}:{self.node}",
            "msg": self.message,
            "node": self.node,
            "pid": DAEMON_PID,
            "pri": self.priority,
            "tag": DAEMON,
            "time": self.time,
            "uid": str(number),
            "user": self.user,
        }

    def line(self) -> str:
        """The entry as the node's journal has it."""
        return f"{stamp(self.time)} {self.node} {DAEMON}[{DAEMON_PID}]: <{self.user}> {self.message}"


def stamp(moment: float) -> str:
    """A time as syslog writes it."""
    return time.strftime("%b %d %H:%M:%S", time.gmtime(moment))


def of_task(record: dict[str, Any]) -> Iterator[Event]:
    """What a task leaves in the log: its start, and its end with its status."""
    upid, node, user = record["upid"], record["node"], record["user"]
    yield Event(record["starttime"], node, user, f"starting task {upid}")
    if "exitstatus" in record:
        status = record["exitstatus"]
        priority = INFORMATION if status == "OK" else ERROR
        yield Event(record.get("endtime", record["starttime"]), node, user, f"end task {upid} {status}", priority)


def cursor(text: str) -> str:
    """A place in the journal, as journalctl names it."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"s={digest[:32]};i={int(digest[:3], 16):x};b={digest[32:]};m={digest[:8]};t={digest[:13]};x={digest[:15]}"


class JournalArea(ConfigArea, AccountsArea):
    """Mixin: the logs."""

    def __init__(self, **options: object) -> None:
        """Begin with an empty log."""
        super().__init__(**options)
        self.events: list[Event] = []

    def routes(self) -> list[Route]:
        """The cluster's log, and a node's."""
        return [
            ("GET", "/cluster/log", self._cluster_log),
            ("GET", f"{NODE}/syslog", self._syslog),
            ("GET", f"{NODE}/journal", self._journal),
        ]

    def note(self, node: str, user: str, message: str) -> None:
        """Write an entry into the cluster's log."""
        self.events = [*self.events[1 - KEPT_EVENTS :], Event(int(self.clock.now()), node, user, message)]

    async def _login(self, call: Call) -> Values:
        """A login is noted, a refused one is not (PVE's daemon writes that to its own journal)."""
        answer: Values = await super()._login(call)
        self.note(self.asked_node(), "root@pam", f"successful auth for user '{answer['username']}'")
        return answer

    async def _set_password(self, call: Call) -> None:
        await super()._set_password(call)
        self.note(self.asked_node(), call.user, f"changed password for user '{call['userid']}'")

    async def _put_config(self, call: Call) -> None:
        """A VM's options that are changed at once are noted; a task has them in its log."""
        await super()._put_config(call)
        done = settings.told(self._updates(call))
        self.note(call["node"], call.user, f"update VM {call['vmid']}: {done}".rstrip())

    def _all_events(self) -> list[Event]:
        """Every entry, oldest first."""
        told = [event for record in self.tasklog for event in of_task(record)]
        return sorted([*told, *self.events], key=attrgetter("time"))

    async def _cluster_log(self, call: Call) -> list[Values]:
        """The newest entries first; without Sys.Audit those of the user (PVE/API2/Cluster.pm)."""
        every = self.allowed(call.user, "/", "Sys.Audit")
        numbered = [
            event.view(number)
            for number, event in enumerate(self._all_events(), 1)
            if every or event.user.partition("!")[0] == call.user.partition("!")[0]
        ]
        return numbered[::-1][: call.get("max", DEFAULT_ENTRIES)]

    def _lines(self, node: str) -> list[str]:
        """A node's journal: its services as they started, then what it logged."""
        begin = f"{stamp(self._started)} {node}"
        services = (f"{name}.service - {text}" for name, (text, state) in SERVICES.items() if state in RUNNING_STATES)
        booted = [
            f"{begin} systemd-journald[58]: Journal started",
            *(f"{begin} systemd[1]: Started {s}." for s in services),
        ]
        return [*booted, *(event.line() for event in self._all_events() if event.node == node)]

    async def _syslog(self, call: Call) -> Answer:
        lines = [line for line in self._lines(call["node"]) if call.get("service", "") in line]
        start, limit = call.get("start", 0), call.get("limit", DEFAULT_ENTRIES)
        numbered = [{"n": number, "t": line} for number, line in enumerate(lines, 1)]
        return Answer(numbered[start : start + limit], {"total": len(lines)})

    async def _journal(self, call: Call) -> Answer:
        """Lines between two places in the journal."""
        lines = self._lines(call["node"])
        shown = lines[-call.get("lastentries", len(lines)) :]
        return Answer([cursor(shown[0]), *shown, cursor(shown[-1])], {"success": 1})
