"""Signals: an exception where the driver can stop, a flag where it must finish a step."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from scenarios.errors import RunInterruptedError
from scenarios.interrupts import SIGNALS, Interrupts


@pytest.fixture
def default_signals() -> Iterator[None]:
    """What a terminal gives a program, also where the tests themselves run under nohup."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.usefixtures("default_signals")
def test_a_signal_ends_what_can_be_ended(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(RunInterruptedError, match=number.name), Interrupts().caught():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


def test_a_step_that_must_be_finished_is_finished() -> None:
    with Interrupts().caught() as interrupts:
        with interrupts.held():
            os.kill(os.getpid(), signal.SIGINT)
            assert interrupts.requested()
        assert interrupts.received == "SIGINT"


def test_nohup_is_respected() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts().caught() as interrupts:
            os.kill(os.getpid(), signal.SIGHUP)
        assert not interrupts.requested()
    finally:
        signal.signal(signal.SIGHUP, before)
