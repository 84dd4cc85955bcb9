# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits: for a Proxmox VE task, and for anything else that becomes true in time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    CertificateError,
    HomelabPveError,
    TaskFailedError,
    TaskTimeoutError,
)

SHORTEST, LONGEST = 0.05, 2.0
"""Seconds between two looks."""

TASK_LONGEST = 0.9
"""... at a task: a failure is to be reported within a second of its end."""

UPID = re.compile(r"^UPID:(?P<node>[\w.-]+):[0-9A-Fa-f]{8}:[0-9A-Fa-f]{8,9}:[0-9A-Fa-f]{8}:")
"""``UPID:node:pid:pstart:starttime:type:id:user:``, from PVE::ProcFSTools and pve-common's UPID decoder."""

ALL_LINES = 0
"""Log lines to ask for: all of them (PVE::Tools, dump_logfile). PVE answers the first 50 unless told."""

T = TypeVar("T")


@dataclass(frozen=True)
class TaskResult:
    """A task that ended well; ``warnings`` are the log lines PVE counted as such."""

    upid: str
    exitstatus: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Patient:
    """A reader to whom a node says nothing while its services are restarted: then it answers nobody, or knows nobody.

    A node that joins a cluster gets the cluster's keys, so for some seconds each login is refused (401).
    """

    read: Reader

    def get(self, path: str, params: Values | None = None) -> Json:
        """The data, empty while there is none. Raises CertificateError: waiting doesn't help against that."""
        try:
            return self.read.get(path, params)
        except CertificateError:
            raise
        except HomelabPveError:
            return {}


def is_upid(value: object) -> bool:
    """Whether an answer names a task."""
    return isinstance(value, str) and UPID.match(value) is not None


def looks(timeout: float, longest: float = LONGEST, share: float = 0.1) -> Iterator[float]:
    """Pace of a wait: yields the seconds passed, sleeping in between; looks at once, and a last time at ``timeout``.

    The pause is a share of the time passed: quick things are noticed quickly, slow ones don't burden the node.
    """
    started = time.monotonic()
    yield 0.0
    while (passed := time.monotonic() - started) < timeout:
        time.sleep(min(longest, max(SHORTEST, passed * share), timeout - passed))
        yield time.monotonic() - started


def poll(look: Callable[[], T | None], timeout: float, longest: float = LONGEST) -> T | None:
    """Call ``look`` until it returns something else than None; None when ``timeout`` seconds have passed."""
    for _passed in looks(timeout, longest):
        found = look()
        if found is not None:
            return found
    return None


def wait_for_task(read: Reader, upid: str, timeout: float) -> TaskResult:
    """Wait for a task's end. Raises TaskFailedError, or TaskTimeoutError after ``timeout`` seconds."""
    found = UPID.match(upid)
    if found is None:
        raise TaskFailedError(upid, "this is not the id of a task")
    base = f"/nodes/{found.group('node')}/tasks/{quote(upid, safe='')}"
    status = status_at_end(read, base, upid, timeout)
    return _verdict(read, base, upid, str(status.get("exitstatus", "no exit status")))


def status_at_end(read: Reader, base: str, upid: str, timeout: float) -> dict[str, Json]:
    """The status of the task at ``base`` once it has ended. Raises TaskTimeoutError after ``timeout`` seconds."""
    status = poll(lambda: ended(read, base), timeout, TASK_LONGEST)
    if status is None:
        raise TaskTimeoutError(upid, timeout, task_log(read, base))
    return status


def newest_task(read: Reader, node: str, vmid: str, kind: str) -> str | None:
    """UPID of the guest's newest task of one type, for what PVE starts without saying so."""
    rows = read.get(f"/nodes/{node}/tasks", {"vmid": vmid, "typefilter": kind, "source": "all", "limit": 1}) or []
    return str(rows[0]["upid"]) if rows else None


def task_log(read: Reader, base: str) -> tuple[str, ...]:
    """Lines of the log of the task at ``base``."""
    lines = read.get(f"{base}/log", {"limit": ALL_LINES}) or []
    return tuple(str(line["t"]) for line in sorted(lines, key=lambda line: line["n"]) if line.get("t"))


def ended(read: Reader, base: str) -> dict[str, Json] | None:
    """The status of the task at ``base``, None while it runs."""
    status: dict[str, Json] = read.get(f"{base}/status")
    return status if status.get("status") == "stopped" else None


def _verdict(read: Reader, base: str, upid: str, exitstatus: str) -> TaskResult:
    if exitstatus == "OK":
        return TaskResult(upid, exitstatus)
    log = task_log(read, base)
    if exitstatus.startswith("WARNINGS"):
        return TaskResult(upid, exitstatus, tuple(line for line in log if line.startswith("WARN")))
    raise TaskFailedError(upid, exitstatus, log)
