# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a lab in one process: everything it knows, with its files and volumes, to come back to.

What is state is what the API has in its attributes, apart from the machinery (sockets, tasks of the event loop, the
faults). It is pickled as a whole, so that what is one object in two places stays so.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

from lab.api.faults_state import FaultArea
from lab.api.filetree import TreeCopy
from lab.guests.none import NoneDriver

# Seconds that running tasks get to end before a snapshot is taken.
TASKS_BOUND = 10.0
# What a snapshot leaves as it is: where the lab is reached and keeps things, and what runs in it. Numbers of processes
# go on, so that no two tasks ever have one UPID.
MACHINERY = frozenset(
    {
        *("_pids", "_random", "_saved", "_scratch", "_table", "_savepoints"),
        *("certificate", "clock", "doors", "driver", "faults", "files_root", "fingerprint", "fingerprints", "host"),
        *("node", "port", "runner", "site", "state_file", "volumes_dir"),
    }
)
RUNNING = (
    *(asyncio.AbstractEventLoop, asyncio.AbstractServer, asyncio.BaseTransport, asyncio.Handle),
    *(asyncio.Future, asyncio.Event, asyncio.Lock, asyncio.Condition, asyncio.Semaphore, asyncio.Queue),
)


class SavepointError(ValueError):
    """A snapshot that cannot be taken, or that is none; the text says why."""


class _Pickler(pickle.Pickler):
    """Leaves out what belongs to an event loop: somebody who waits for a lock has no place in a saved state.

    Functions that have no name to find them by are kept as they are.
    """

    def __init__(self, stream: io.BytesIO) -> None:
        """Write to a stream."""
        super().__init__(stream, protocol=pickle.HIGHEST_PROTOCOL)
        self.kept: list[object] = []

    def persistent_id(self, obj: object) -> int | None:
        """What is left out is -1, what is kept has a number."""
        if isinstance(obj, RUNNING):
            return -1
        if isinstance(obj, MethodType) or (isinstance(obj, FunctionType) and "<l" in obj.__qualname__):
            self.kept.append(obj)
            return len(self.kept) - 1
        return None


class _Unpickler(pickle.Unpickler):
    """Puts None in the place of what was left out."""

    def __init__(self, stream: io.BytesIO, kept: Sequence[object]) -> None:
        """Read from a stream; ``kept`` are the pickler's."""
        super().__init__(stream)
        self._kept = kept

    def persistent_load(self, pid: int) -> object:
        """What was kept, or nothing."""
        return None if pid < 0 else self._kept[pid]


@dataclass(frozen=True)
class Frozen:
    """A state that nothing changes any more."""

    content: bytes
    kept: Sequence[object]

    def thawed(self) -> dict[str, Any]:
        """The state again, each time anew."""
        state: dict[str, Any] = _Unpickler(io.BytesIO(self.content), self.kept).load()
        return state


def frozen(state: Mapping[str, object]) -> Frozen:
    """A copy of a state to keep. Raises pickle's errors for what cannot be copied."""
    stream = io.BytesIO()
    pickler = _Pickler(stream)
    pickler.dump(dict(state))
    return Frozen(stream.getvalue(), pickler.kept)


def members(value: object) -> Iterable[object]:
    """What a container holds."""
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | set | tuple) else ()


def is_running(value: object) -> bool:
    """Whether an attribute is part of what runs, and not of what is known."""
    return isinstance(value, RUNNING)


@dataclass(frozen=True)
class Savepoint:
    """A state to come back to."""

    state: Frozen
    driver: Frozen
    clock: tuple[float, float]
    trees: tuple[TreeCopy, ...]


class SavepointArea(FaultArea):
    """Mixin: snapshots of the lab."""

    driver: Any

    def __init__(self, **options: object) -> None:
        """Start without snapshots."""
        super().__init__(**options)
        self._savepoints: dict[int, Savepoint] = {}
        self._savepoint_numbers = itertools.count(1)

    def _known(self) -> dict[str, Any]:
        """What the lab knows, by attribute."""
        return {name: value for name, value in vars(self).items() if name not in MACHINERY and not is_running(value)}

    def _at_work_now(self) -> Iterator[asyncio.Task[Any]]:
        """The event loop's tasks that were started for one purpose, and are forgotten when they end."""
        for value in self._known().values():
            yield from (item for item in members(value) if isinstance(item, asyncio.Task))

    async def take_savepoint(self) -> int:
        """Remember everything and return a number to come back with. Raises SavepointError."""
        if not isinstance(self.driver, NoneDriver):
            raise SavepointError("guests run in this lab; save it with ./run.sh lab snapshot save NAME")
        if list(self.faults):
            raise SavepointError("faults are in force, and they are no part of a snapshot; end them first")
        if self._workers:
            await asyncio.wait(set(self._workers.values()), timeout=TASKS_BOUND)
        if self._workers:
            raise SavepointError(f"tasks are running: {', '.join(self._workers)}")
        number = next(self._savepoint_numbers)
        folder = Path(self._scratch.name) / "savepoints" / str(number)
        trees = [
            TreeCopy.take(place, folder / name)
            for name, place in (("volumes", self.volumes_dir), ("files", self.files_root))
        ]
        clock = (self.clock.rate, self.clock.shift)
        self._savepoints[number] = Savepoint(frozen(self._known()), frozen(vars(self.driver)), clock, tuple(trees))
        return number

    def _savepoint(self, number: int) -> Savepoint:
        if number not in self._savepoints:
            known = ", ".join(map(str, self._savepoints)) or "none"
            raise SavepointError(f"there is no snapshot {number}; there are {known}")
        return self._savepoints[number]

    async def return_to_savepoint(self, number: int) -> None:
        """Become what was remembered; faults end, tasks are cut short. Raises SavepointError."""
        savepoint = self._savepoint(number)
        self.heal()
        await self._end_work()
        present = self._known()
        for name, value in savepoint.state.thawed().items():
            if name in present or not hasattr(self, name):
                setattr(self, name, value)
        vars(self.driver).update(savepoint.driver.thawed())
        self.clock.set(*savepoint.clock)
        for tree in savepoint.trees:
            tree.put_back()
        for door in self.doors:
            await door.follow(self.node_state(door.node))
        self.changed()

    async def _end_work(self) -> None:
        ending = list(self._at_work_now())
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def drop_savepoint(self, number: int) -> None:
        """Forget one. Raises SavepointError."""
        for tree in self._savepoint(number).trees:
            tree.drop()
        del self._savepoints[number]
