# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a whole lab: its nodes' disks, their guests' volumes, what its API knows, its keys.

A lab that runs is stopped for the moment of the copy, and goes on. A lab that is restored is one whose power was cut
when the snapshot was taken: it starts again if one ran when it was restored, and its guests as their ``onboot`` says.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lab import control, image, launch, layout, processes, record
from lab.errors import LabError
from lab.filelock import locked
from lab.record import LabStatus
from lab.rootless import mapped

Log = Callable[[str], None]

_FOLDER = "lab-snapshots"
_CONTENT, _ABOUT = "lab", "snapshot.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# What is no part of a lab: who holds it, that it runs, and what is made anew from the checkout.
_LEFT_OUT = frozenset({"lock", "lab.json", "lab.log", "api.pid", "code"})


@dataclass(frozen=True)
class Saved:
    """A snapshot: when it was taken (seconds since the epoch), and whether the lab ran."""

    name: str
    time: float
    running: bool


def _folder() -> Path:
    return layout.state_dir().parent / _FOLDER


def _place(name: str) -> Path:
    """Where a snapshot is. Raises LabError for a name that is none."""
    if not _NAME.fullmatch(name):
        raise LabError(f"{name!r} is no name of a snapshot: letters, digits, '.', '_' and '-', 64 at most")
    return _folder() / name


def _existing(name: str) -> Path:
    place = _place(name)
    if not (place / _ABOUT).is_file():
        known = ", ".join(item.name for item in listing()) or "none"
        raise LabError(f"There is no snapshot {name!r} of the lab; there are {known}")
    return place


def listing() -> list[Saved]:
    """The snapshots there are, the oldest first."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in _folder().glob(f"*/{_ABOUT}")]
    return sorted((Saved(**item) for item in found), key=lambda item: item.time)


def save(name: str) -> None:
    """Take a snapshot. Raises LabError for a name that is taken, or a lab that was never up."""
    place, state = _place(name), layout.state_dir()
    if (place / _ABOUT).exists():
        raise LabError(f"There is a snapshot {name!r} already; delete it first: ./run.sh lab snapshot delete {name}")
    if not (state / "nodes").is_dir():
        raise LabError("There is no lab to take a snapshot of; bring it up first: ./run.sh lab up")
    image.remove(place)
    (place / _CONTENT).mkdir(parents=True, mode=0o700)
    with locked(state / "lock"):
        present = control.status()
        with _held(present):
            _copy(_parts(state), place / _CONTENT)
    about = Saved(name, time.time(), present is not None)
    # Written last: a copy that broke off is no snapshot.
    (place / _ABOUT).write_text(json.dumps(asdict(about)) + "\n", encoding="utf-8")


def restore(name: str, log: Log) -> LabStatus | None:
    """Make the lab what it was; returns it if one ran, which runs again then. Raises LabError."""
    place, state = _existing(name), layout.state_dir()
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(state / "lock"):
        present = control.status()
        if present is not None:
            control.cut_power(present)
        record.remove(state)
        for part in _parts(state):
            _remove(part)
        _copy((place / _CONTENT).iterdir(), state)
        return launch.start(state, log) if present is not None else None


def delete(name: str) -> None:
    """Forget a snapshot. Raises LabError when there is none."""
    image.remove(_existing(name))


# -------------------------------------------------------------------- pieces


def _parts(state: Path) -> list[Path]:
    """What a lab consists of."""
    return sorted(path for path in state.iterdir() if path.name not in _LEFT_OUT)


def _copy(parts: Iterable[Path], target: Path) -> None:
    """Copy with owners, modes, attributes and whiteouts. Raises LabError when it cannot be."""
    sources = [str(path) for path in parts]
    if not sources:
        return
    command = ["cp", "--archive", "--reflink=auto", "--target-directory", str(target), "--", *sources]
    result = subprocess.run(mapped(command), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        raise LabError(f"The lab could not be copied to {target}: {result.stderr.strip()}")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        image.remove(path)
    else:
        path.unlink(missing_ok=True)


# ------------------------------------------------------------------- holding


@contextlib.contextmanager
def _held(present: LabStatus | None) -> Iterator[None]:
    """Within the block nothing of the lab runs; a process that was stopped before stays so afterwards."""
    if present is None:
        yield
        return
    stopped: set[int] = set()
    held: set[int] = set()
    try:
        while fresh := set(_tree(present)) - held - stopped:
            already = {pid for pid in fresh if processes.stopped(pid)}
            stopped |= already
            _signal(present, fresh - already, signal.SIGSTOP)
            held |= fresh - already
        yield
    finally:
        _signal(present, held, signal.SIGCONT)


def _tree(present: LabStatus) -> list[int]:
    return [present.pid, *processes.descendants(present.pid)]


def _signal(present: LabStatus, pids: set[int], number: signal.Signals) -> None:
    """Signal processes, by the rights of the lab's own root where they are not ours."""
    if not present.rootless:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
    elif pids:
        # Some of them may have ended meanwhile, which kill(1) complains about.
        subprocess.run(_as_root(present, pids, number), check=False, capture_output=True)


def _as_root(present: LabStatus, pids: set[int], number: signal.Signals) -> Sequence[str]:
    enter = ["nsenter", "--target", str(present.pid), "--user", "--preserve-credentials", "--"]
    return [*enter, "kill", f"-{number.name.removeprefix('SIG')}", *map(str, sorted(pids))]
