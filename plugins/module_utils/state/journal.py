# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was begun and how it ended, line by line on disk before and after each change: what is left of a killed run."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.errors import FileError
from ansible_collections.homelab.pve.plugins.module_utils.state.actions import Action
from ansible_collections.homelab.pve.plugins.module_utils.state.secrecy import masked

BEGAN, ENDED = "began", "ended"

STOP = ".stop"
HERE = "this machine"


@dataclass
class Journal:
    """A file of JSON lines, each on disk before the writing of it returns. Without a path nothing is written.

    After a line that could not be written no further change may begin: ``broken`` says why. The same holds once there
    is a file of the same name with ``.stop`` at the end: whoever reads along asks for it, and its text is the reason.
    """

    path: Path | None
    run: str
    hidden: Iterable[str] = ()
    broken: FileError | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def began(self, action: Action) -> None:
        """A change is about to be made. Raises FileError where that can't be kept: then it must not be made."""
        self._heed()
        self._write(self._line(BEGAN, action))

    def ended(self, action: Action) -> None:
        """A change was made, or failed. Raises FileError where that can't be kept."""
        self._write(self._line(ENDED, action))

    def _heed(self) -> None:
        stop = self.path.with_name(self.path.name + STOP) if self.path else None
        if stop and stop.exists():
            self.broken = FileError("go on with", str(self.path), HERE, stop.read_text(errors="replace").strip())
            raise self.broken

    def _line(self, event: str, action: Action) -> dict[str, Json]:
        return {
            "time": now(),
            "event": event,
            "run": self.run,
            "kind": action.kind.name,
            "id": action.identity,
            "action": action.verb,
            "reason": action.words,
            "node": action.node,
            "before_hash": action.before_hash,
            "after_hash": action.after_hash,
            "upids": action.upids,
            "status": action.status,
            "error": str(action.error) if action.error else None,
        }

    def _write(self, line: dict[str, Json]) -> None:
        if self.path is None:
            return
        text = json.dumps(masked(line, self.hidden), ensure_ascii=False) + "\n"
        with self._lock:
            if self.broken:
                raise self.broken
            try:
                _append(self.path, text.encode())
            except OSError as error:
                advice = "Make room, or name another file, and run again: what is done already is left as it is."
                self.broken = FileError("write", str(self.path), HERE, error.strerror or str(error), advice)
                raise self.broken from error


def _append(path: Path, data: bytes) -> None:
    """Add a line, and wait until it is on disk. A line of which only a part could be written is taken off again."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        try:
            if os.write(descriptor, data) != len(data):
                raise OSError(28, "No space left on device")
            _sync(descriptor)
        except OSError:
            _cut(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    os.fsync(descriptor)


def _cut(descriptor: int, size: int) -> None:
    """Shorten a file; what is no regular file can't be."""
    try:
        os.ftruncate(descriptor, size)
    except OSError:
        return


def now() -> str:
    """The time in UTC, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
