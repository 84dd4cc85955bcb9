# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replication as a node tells of it: state, log, and a run out of turn (pve-manager, PVE/API2/Replication.pm).

No data is copied: a run takes no time and succeeds, unless the target is not online.
"""

from __future__ import annotations

import time
from typing import Any

from lab.api.fake import Answer, Call, Route, Values, die
from lab.api.jobs import REPLICATION_FILE, JobArea
from lab.api.node import NODE
from lab.api.sections import Entries

BASE = f"{NODE}/replication"
INDEX = ("schedule_now", "log", "status")
DEFAULT_SCHEDULE = "*/15"
# Seconds between two rounds of the scheduler (pve-manager, PVE/Service/pvescheduler.pm).
ROUND = 60


class ReplicationArea(JobArea):
    """Mixin: ``/nodes/{node}/replication``."""

    def __init__(self, **options: object) -> None:
        """Begin without a run."""
        super().__init__(**options)
        # Job -> what its last run left: last_sync, last_try, duration, fail_count, error; and its log.
        self.replication_states: dict[str, Values] = {}
        self.replication_logs: dict[str, list[str]] = {}
        # Job that is to go -> when that was first seen.
        self.leaving: dict[str, float] = {}

    def stored(self, file: str) -> Entries:
        """The sections of a file; a job that was marked is gone after the scheduler's next round."""
        found: Entries = super().stored(file)
        if file == REPLICATION_FILE:
            for name in [name for name, job in found.items() if "remove_job" in job and self._is_swept(name)]:
                del found[name], self.leaving[name]
        return found

    def _is_swept(self, name: str) -> bool:
        now = self.clock.now()
        return now - self.leaving.setdefault(name, now) >= ROUND

    def routes(self) -> list[Route]:
        """The list, and one job's index, state, log and run."""
        return [
            ("GET", BASE, self._list_replications),
            ("GET", BASE + "/{id}", self._index_replication),
            ("GET", BASE + "/{id}/status", self._say_replication),
            ("GET", BASE + "/{id}/log", self._log_replication),
            ("POST", BASE + "/{id}/schedule_now", self._run_replication),
        ]

    def _job(self, name: str) -> Values:
        job: Values | None = self.stored(REPLICATION_FILE).get(name)
        if job is None:
            raise die(f"no such replication job '{name}'")
        return job

    def _replication_state(self, name: str, guest: Any) -> Values:  # noqa: ANN401 - a guest of fakepve
        """A job with what its last run left."""
        job = self._job(name)
        kept = {"fail_count": 0, "last_sync": 0, "last_try": 0, **self.replication_states.get(name, {})}
        known = {key: value for key, value in job.items() if key not in ("digest", "type")}
        return {
            **known,
            **kept,
            "guest": guest.vmid,
            "id": name,
            "jobnum": int(name.rpartition("-")[2]),
            "schedule": job.get("schedule", DEFAULT_SCHEDULE),
            "source": guest.node,
            "type": "local",
            "vmtype": "lxc" if guest in self.cts else "qemu",
        }

    async def _list_replications(self, call: Call) -> list[Values]:
        """The jobs of guests that are on the node, and that the user may see."""
        found = []
        for name, job in self.stored(REPLICATION_FILE).items():
            guest = self.guest(int(job["guest"]))
            wanted = call.get("guest") in (None, int(job["guest"]))
            if guest is None or guest.node != call["node"] or not wanted:
                continue
            if self.allowed(call.user, f"/vms/{guest.vmid}", "VM.Audit"):
                found.append(self._replication_state(name, guest))
        return found

    def _guest_of_job(self, call: Call) -> Any:  # noqa: ANN401 - a guest of fakepve
        """The guest of a job, which must be on the node."""
        guest = self.guest(int(self._job(call["id"])["guest"]))
        if guest is None or guest.node != call["node"]:
            raise die(f"guest '{self._job(call['id'])['guest']}' is not on local node")
        return guest

    async def _index_replication(self, call: Call) -> list[Values]:
        self._job(call["id"])
        return [{"name": name} for name in INDEX]

    async def _say_replication(self, call: Call) -> Values:
        return self._replication_state(call["id"], self._guest_of_job(call))

    async def _log_replication(self, call: Call) -> Answer:
        self._job(call["id"])
        lines = self.replication_logs.get(call["id"], [])
        start, limit = call.get("start", 0), call.get("limit", 50)
        numbered = [{"n": number, "t": line} for number, line in enumerate(lines, 1)]
        # No limit at all is 0, as of a task's log.
        return Answer(numbered[start : start + limit if limit else None], {"total": len(lines)})

    async def _run_replication(self, call: Call) -> None:
        """Run a job now, as PVE's scheduler would at its next round."""
        guest, job = self._guest_of_job(call), self._job(call["id"])
        self.require(call.user, f"/vms/{guest.vmid}", "VM.Replicate")
        now = int(self.clock.now())
        problem = "" if self.is_online(job["target"]) else f"unable to connect to node '{job['target']}'"
        last = self.replication_states.get(call["id"], {})
        failed = {"error": problem, "fail_count": last.get("fail_count", 0) + 1, "last_sync": last.get("last_sync", 0)}
        done = {"fail_count": 0, "last_sync": now}
        self.replication_states[call["id"]] = {"last_try": now, "duration": 0, **(failed if problem else done)}
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
        end = f"end replication job with error: {problem}" if problem else "end replication job"
        steps = ("start replication job", f"guest => {guest.vmid}, running => {int(guest.status == 'running')}", end)
        self.replication_logs[call["id"]] = [f"{stamp} {call['id']}: {step}" for step in steps]
