# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes by identity: a pid alone is reused, a pid with its start time is not."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from pathlib import Path

# Field numbers of proc(5) /proc/PID/stat, counted from 1; the fields before the third may hold spaces.
_STATE_FIELD = 3
_STARTTIME_FIELD = 22


def _stat_fields(pid: int) -> list[str]:
    """Fields of ``/proc/PID/stat`` from the third on; empty when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def start_time(pid: int) -> int | None:
    """Clock ticks between the machine's boot and the process's start; None when it is gone or a zombie."""
    fields = _stat_fields(pid)
    if not fields or fields[0] in "ZX":
        return None
    return int(fields[_STARTTIME_FIELD - _STATE_FIELD])


def alive(pid: int, started: int) -> bool:
    """True when ``pid`` is still the process that started at ``started`` ticks."""
    return start_time(pid) == started


def command(pid: int) -> list[str]:
    """A process's arguments; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def children(pid: int) -> list[int]:
    """Pids of the direct children of a single-threaded process."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(pid: int) -> list[int]:
    """Pids of everything below ``pid``, parents first."""
    found: list[int] = []
    queue = children(pid)
    while queue:
        child = queue.pop(0)
        found.append(child)
        queue.extend(_children_of_threads(child))
    return found


def _children_of_threads(pid: int) -> list[int]:
    """Children of every thread of a process: a child belongs to the thread that forked it."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found.extend(int(word) for word in (task / "children").read_text(encoding="ascii").split())
    return found


def stopped(pid: int) -> bool:
    """True when the process is stopped by a signal."""
    return _stat_fields(pid)[:1] == ["T"]


def end(pid: int, started: int, sig: signal.Signals, timeout: float) -> bool:
    """Send ``sig`` to a process, if it is still the same, and wait up to ``timeout`` seconds for its end."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if not alive(pid, started):
            return True
        signal.pidfd_send_signal(handle, sig)
        return bool(select.select([handle], [], [], timeout)[0])
    except ProcessLookupError:
        return True
    finally:
        os.close(handle)
