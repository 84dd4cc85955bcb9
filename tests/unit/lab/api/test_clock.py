# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's clock: its speed, its shift, and waking up in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from lab.api.clock import Clock, ClockError

HOUR = 3600.0
BOUND = 10.0


class Machine:
    """A machine's time, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock(machine: Machine) -> Clock:
    return Clock(machine, machine)


def test_it_runs_with_the_machine(clock: Clock, machine: Machine) -> None:
    machine.seconds += 7
    assert (clock.now(), clock.monotonic(), clock.rate, clock.shift) == (1007, 1007, 1, 0)


@pytest.mark.parametrize(("rate", "gone"), [(0, 0), (0.5, 5), (1, 10), (60, 600)])
def test_its_rate(clock: Clock, machine: Machine, rate: float, gone: float) -> None:
    clock.set(rate=rate)
    machine.seconds += 10
    assert clock.now() == 1000 + gone
    clock.set(rate=1)
    machine.seconds += 1
    assert clock.now() == 1000 + gone + 1


def test_set_back_no_second_comes_twice(clock: Clock, machine: Machine) -> None:
    clock.set(shift=HOUR)
    assert (clock.now(), clock.monotonic()) == (1000 + HOUR, 1000 + HOUR)
    clock.set(shift=-HOUR)
    assert (clock.now(), clock.monotonic()) == (1000 - HOUR, 1000 + HOUR)
    machine.seconds += 1
    assert clock.monotonic() == 1001 + HOUR


def test_a_negative_rate_is_refused(clock: Clock) -> None:
    with pytest.raises(ClockError, match="the clock's rate is 0"):
        clock.set(rate=-1)


@pytest.mark.parametrize(
    "wake",
    [
        pytest.param(lambda clock: clock.set(shift=HOUR), id="shift"),
        pytest.param(lambda clock: clock.set(rate=1e9), id="rate"),
    ],
)
def test_who_sleeps_wakes_up_when_the_clock_is_set(wake: Callable[[Clock], None]) -> None:
    async def slept() -> float:
        clock = Clock()
        clock.set(rate=0)
        sleeping = asyncio.create_task(clock.sleep(HOUR))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        before = clock.monotonic()
        # From another thread, as a test does.
        await asyncio.to_thread(wake, clock)
        await asyncio.wait_for(sleeping, BOUND)
        return clock.monotonic() - before

    assert asyncio.run(slept()) >= HOUR


def test_what_takes_too_long_is_given_up() -> None:
    async def given_up() -> bool:
        clock = Clock()
        clock.set(rate=1e9)
        working = asyncio.create_task(asyncio.Event().wait())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(clock.within(HOUR, working), BOUND)
        await asyncio.wait({working}, timeout=BOUND)
        return working.cancelled()

    assert asyncio.run(given_up())


def test_what_ends_in_time_has_its_result() -> None:
    async def answer() -> str:
        await asyncio.sleep(0)
        return "done"

    assert asyncio.run(Clock().within(HOUR, answer())) == "done"
