# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Feeds a running command and reads it until it ends, wherever it runs."""

from __future__ import annotations

import codecs
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Protocol

CHUNK = 65_536
KEPT = 65_536
"""Bytes of each stream that a result keeps when the output is handed on while the command runs."""

GRACE = 2.0
"""Seconds a command that is told to end may take before it is killed."""

STREAMS = ("stdout", "stderr")
OnOutput = Callable[[str, str], None]
"""Called with one of STREAMS and the text that just arrived, from a thread of its own."""


@dataclass(frozen=True)
class CommandResult:
    """How a command ended: exit status (128 + N after signal N, as a shell has it) and what it wrote."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def success(self) -> bool:
        """True when the exit status was 0."""
        return self.returncode == 0


class Running(Protocol):
    """A command that runs."""

    def arrived(self, timeout: float | None) -> Sequence[tuple[str, bytes]] | None:
        """What is there of each stream, waiting for something at most ``timeout`` seconds; None when they were over.

        Nothing at the end of both streams.
        """

    def feed(self, data: bytes) -> None:
        """Write the whole standard input and close it; a command need not read it."""

    def wait(self, timeout: float | None) -> int | None:
        """Exit status, or None when it did not end within ``timeout`` seconds."""

    def stop(self, pid: str) -> None:
        """End it and what it started. ``pid`` is what it told by its marker, if it has one."""


class Output:
    """What arrives on one stream.

    Everything up to the line ``marker PID`` is left out: a login script may print there before the command begins.
    """

    def __init__(self, stream: str, on_output: OnOutput | None = None, marker: bytes = b"") -> None:
        self.stream, self.pid = stream, ""
        self._on_output, self._marker, self._before = on_output, marker, b""
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._chunks: deque[bytes] = deque()
        self._size = 0

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._marker:
            data = self._after_marker(data)
        if data:
            self._keep(data)

    def end(self) -> None:
        """There is no more: what waited for the marker or for the rest of a character is output after all."""
        self._marker, before = b"", self._before
        if before:
            self._keep(before)
        rest = self._decode(b"", True)
        if rest and self._on_output:
            self._on_output(self.stream, rest)

    def text(self) -> str:
        """What is kept, without a loss: line ends as they are, bytes that are no UTF-8 as surrogates."""
        return b"".join(self._chunks).decode("utf-8", "surrogateescape")

    def _after_marker(self, data: bytes) -> bytes:
        self._before += data
        found, rest = self._before.partition(self._marker)[1:]
        pid, complete, rest = rest.partition(b"\n")
        if not found or not complete:
            return b""
        self.pid, self._marker, self._before = pid.decode().strip(), b"", b""
        return rest

    def _keep(self, data: bytes) -> None:
        self._chunks.append(data)
        if not self._on_output:
            return
        self._on_output(self.stream, self._decode(data))
        self._size += len(data)
        while self._size - len(self._chunks[0]) >= KEPT:
            self._size -= len(self._chunks.popleft())


class _Worker(Thread):
    """Work beside the waiting caller; what it raised is raised by ``finish``."""

    def __init__(self, work: Callable[[], object], failed: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._work, self._failed = work, failed
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._error = error
            self._failed()  # nobody reads on: a command that goes on writing would block

    def finish(self, timeout: float | None) -> bool:
        """Whether the work was done in time."""
        self.join(timeout)
        if self._error:
            raise self._error
        return not self.is_alive()


def collect(
    running: Running, stdin: bytes, timeout: float | None, on_output: OnOutput | None = None, marker: bytes = b""
) -> CommandResult | None:
    """Feed and read a command until it ends; None when it was stopped after ``timeout`` seconds.

    Both streams are read while the command runs: a full pipe or window would block it before it can end. That needs no
    thread; feeding it does, and so does a listener, who may take any time.
    """
    outputs = {stream: Output(stream, on_output, marker) for stream in STREAMS}
    deadline = None if timeout is None else time.monotonic() + timeout

    def stop() -> None:
        running.stop(outputs["stdout"].pid)

    try:
        feeder = _Worker(partial(running.feed, stdin), stop) if stdin else None
        read = _read_beside if on_output else _read
        ended = read(running, outputs, deadline, stop) and (feeder is None or feeder.finish(_left(deadline)))
        code = running.wait(_left(deadline)) if ended else None
    except BaseException:
        stop()
        raise
    if code is None:
        stop()
        return None
    return CommandResult(code, outputs["stdout"].text(), outputs["stderr"].text())


def _read_beside(
    running: Running, outputs: Mapping[str, Output], deadline: float | None, stop: Callable[[], None]
) -> bool:
    reader = _Worker(lambda: _read(running, outputs, None), stop)
    return reader.finish(_left(deadline))


def _read(running: Running, outputs: Mapping[str, Output], deadline: float | None, *_: object) -> bool:
    """Whether both streams ended in time."""
    arrived: Sequence[tuple[str, bytes]] | None = None
    while (left := _left(deadline)) != 0 and (arrived := running.arrived(left)):
        for stream, data in arrived:
            outputs[stream].add(data)
    if left == 0 or arrived is None:
        return False
    for output in outputs.values():
        output.end()
    return True


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(deadline - time.monotonic(), 0.0)
