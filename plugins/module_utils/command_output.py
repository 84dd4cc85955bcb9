# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Feeds a running command and reads it until it ends, wherever it runs."""

from __future__ import annotations

import codecs
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Protocol

CHUNK = 65_536
KEPT = 65_536
"""Bytes of each stream that a result keeps when the output is handed on while the command runs."""

GRACE = 2.0
"""Seconds a command that is told to end may take before it is killed."""

OnOutput = Callable[[str, str], None]
"""Called with ``stdout`` or ``stderr`` and the text that just arrived, from a thread of that stream."""


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

    def read(self, stream: str, size: int) -> bytes:
        """The next bytes of ``stdout`` or ``stderr``; nothing at its end."""

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

    def __init__(self, work: Callable[[], None], failed: Callable[[], None]) -> None:
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

    Both streams are read while the command runs: a full pipe or window would block it before it can end.
    """
    out, err = Output("stdout", on_output, marker), Output("stderr", on_output, marker)
    deadline = None if timeout is None else time.monotonic() + timeout

    def stop() -> None:
        running.stop(out.pid)

    try:
        works = (partial(_read, running, out), partial(_read, running, err), partial(running.feed, stdin))
        workers = [_Worker(work, stop) for work in works]
        finished = [worker.finish(_left(deadline)) for worker in workers]
        code = running.wait(_left(deadline)) if all(finished) else None
    except BaseException:
        stop()
        raise
    if code is None:
        stop()
        return None
    return CommandResult(code, out.text(), err.text())


def _read(running: Running, output: Output) -> None:
    while data := running.read(output.stream, CHUNK):
        output.add(data)
    output.end()


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(deadline - time.monotonic(), 0.0)
