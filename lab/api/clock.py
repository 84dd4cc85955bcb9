# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's clock: what takes half a minute on a real node need not take one here.

Everything of the lab that has a time has it from here: times of tasks, the life of tickets, delays of nodes that do not
answer, the rounds of the HA manager. ``rate`` is lab seconds per real second; ``shift`` is how far the lab is ahead.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
Reading = Callable[[], float]


class ClockError(ValueError):
    """A rate or a shift no clock can have; the text says which it may have."""


class Clock:
    """Lab time. It may be set from any thread; who sleeps wakes up as the new time says."""

    def __init__(self, real: Reading = time.monotonic, wall: Reading = time.time) -> None:
        """Run with the machine's time: ``real`` counts seconds, ``wall`` is the epoch's."""
        self._real, self._wall = real, wall
        self._lock = threading.Lock()
        self._sleepers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._rate, self._shift = 1.0, 0.0
        # How far lab time is from the machine's, but for what the present rate has added since ``_since``.
        self._offset, self._since = 0.0, real()
        self._skipped = 0.0

    @property
    def rate(self) -> float:
        """Lab seconds per real second."""
        return self._rate

    @property
    def shift(self) -> float:
        """Lab seconds that the clock was set forward (or back, below 0)."""
        return self._shift

    @property
    def sleepers(self) -> int:
        """How many are waiting for their time."""
        return len(self._sleepers)

    def now(self) -> float:
        """Seconds since the epoch, in the lab."""
        return self._wall() + self._gained() + self._shift

    def monotonic(self) -> float:
        """Lab seconds that went by; setting the clock back does not bring any of them back."""
        return self._real() + self._gained() + self._skipped

    def _gained(self) -> float:
        return self._offset + (self._real() - self._since) * (self._rate - 1.0)

    def set(self, rate: float | None = None, shift: float | None = None) -> None:
        """Change the speed, or how far the clock is ahead. Raises ClockError for a negative rate."""
        if rate is not None and rate < 0:
            raise ClockError(f"the clock's rate is 0 (it stands still) or more, not {rate:g}")
        with self._lock:
            self._offset, self._since = self._gained(), self._real()
            self._rate = self._rate if rate is None else float(rate)
            if shift is not None:
                self._skipped += max(0.0, shift - self._shift)
                self._shift = float(shift)
            sleepers = list(self._sleepers)
        for loop, changed in sleepers:
            loop.call_soon_threadsafe(changed.set)

    async def sleep(self, seconds: float) -> None:
        """Return when so many lab seconds have gone by."""
        due = self.monotonic() + seconds
        await asyncio.sleep(0)
        while self.monotonic() < due:
            await self._until_changed(due)

    async def _until_changed(self, due: float) -> None:
        """Wait until ``due`` at the present rate, or less if the clock is set meanwhile."""
        sleeper = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            # Known before it is computed how long: a change in between wakes it.
            self._sleepers.add(sleeper)
            timeout = (due - self.monotonic()) / self._rate if self._rate else None
        try:
            async with asyncio.timeout(timeout):
                await sleeper[1].wait()
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._sleepers.discard(sleeper)

    async def within(self, seconds: float, work: Awaitable[T]) -> T:
        """The result of ``work``, which is cancelled after so many lab seconds. Raises TimeoutError then."""
        working, sleeping = asyncio.ensure_future(work), asyncio.ensure_future(self.sleep(seconds))
        try:
            await asyncio.wait({working, sleeping}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise TimeoutError
            return working.result()
        finally:
            sleeping.cancel()
            working.cancel()
