# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes by identity: a pid alone is reused, a pid with its start time is not."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Collection
from pathlib import Path

# Field numbers of proc(5) /proc/PID/stat, counted from 1; the fields before the third may hold spaces.
_STATE_FIELD = 3
_PARENT_FIELD = 4
_STARTTIME_FIELD = 22
_RSS_FIELD = 24


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


def only_child(pid: int) -> int:
    """The child of a process that has one and is about to have no other. Raises ProcessLookupError without one.

    Fast, but the kernel promises a complete list only for children that do not come and go
    (Documentation/filesystems/proc.rst, "/proc/<pid>/task/<tid>/children").
    """
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    if not words:
        raise ProcessLookupError(f"process {pid} has no child")
    return int(words[0])


def _families() -> dict[int, list[int]]:
    """Children by parent, for every process that can be seen from here."""
    families: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat_fields(int(entry.name))):
            families.setdefault(int(fields[_PARENT_FIELD - _STATE_FIELD]), []).append(int(entry.name))
    return families


def children(pid: int) -> list[int]:
    """Pids of the direct children of a process."""
    return _families().get(pid, [])


def descendants(pid: int) -> list[int]:
    """Pids of everything below ``pid``, parents first."""
    families = _families()
    found = list(families.get(pid, []))
    for child in found:
        found.extend(families.get(child, []))
    return found


def resident(roots: Collection[int]) -> dict[int, int]:
    """Resident memory in bytes of each process and everything below it; one walk over /proc for all of them."""
    families = _families()
    found: dict[int, int] = {}
    for root in roots:
        tree = [root]
        for pid in tree:
            tree.extend(families.get(pid, []))
        found[root] = sum(_resident(pid) for pid in tree)
    return found


def _resident(pid: int) -> int:
    fields = _stat_fields(pid)
    return int(fields[_RSS_FIELD - _STATE_FIELD]) * os.sysconf("SC_PAGESIZE") if fields else 0


def stopped(pid: int) -> bool:
    """True when the process is stopped by a signal."""
    return _stat_fields(pid)[:1] == ["T"]


HALT = signal.SIGRTMIN + 3
"""The signal on which systemd ends its machine (systemd(1)); LXC sends it to whatever init blocks it."""


def blocks(pid: int, number: int) -> bool:
    """True when the process takes a signal by other means than being interrupted by it."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return False
    mask = next((int(line.split()[1], 16) for line in lines if line.startswith("SigBlk:")), 0)
    return bool(mask >> (number - 1) & 1)


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
