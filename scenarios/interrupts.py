"""Ctrl-C and its kin: an exception where the driver can stop at once, a flag where it must finish a step first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from scenarios.errors import RunInterruptedError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Remembers a signal that asked the driver to end.

    Attributes:
        received: the signal's name, or None.
    """

    def __init__(self) -> None:
        """Nothing was received yet."""
        self.received: str | None = None
        self._held = False

    def requested(self) -> bool:
        """Whether the driver was asked to end."""
        return self.received is not None

    @contextmanager
    def caught(self) -> Iterator[Interrupts]:
        """Catch the signals inside this block."""
        # nohup(1) lets a run outlive its terminal.
        ignored = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else set()
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS if number not in ignored}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Only remember signals inside this block; whoever is in it asks ``requested``."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.received = signal.Signals(number).name
        if not self._held:
            raise RunInterruptedError(f"Interrupted by {self.received}.")
