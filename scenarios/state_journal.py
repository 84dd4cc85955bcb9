"""The journal of an apply: what the module writes before and after each change, taken over into the audit log.

The module has a line on disk before it begins a change. So whatever dies - the module, the driver, the machine - the
next command knows what was begun; what never ended is recorded with its outcome unknown. A journal is held by a lock
while its apply runs, and is removed when the audit log has all of it.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from scenarios import audit, paths, state_text

BEGAN, ENDED, UNKNOWN = "began", "ended", "unknown"
CHANGE = "change"
POLL_SECONDS = 0.1
TOLD = ("kind", "id", "action", "before_hash", "after_hash", "upids", "status", "error")
LONGEST = 2000
"""Characters of a text that the audit log keeps."""

MOST = 100
"""Tasks of a change that the audit log keeps."""

Row = dict[str, Any]


def folder(host: str) -> Path:
    """Where the journals of a host are."""
    return paths.state() / "journals" / host


def stop_path(journal: Path) -> Path:
    """A file that tells the module to begin no further change; it holds the reason."""
    return journal.with_name(f"{journal.name}.stop")


def who() -> str:
    """Who runs the driver, and where."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no entry for this number
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


@dataclass
class Journal:
    """One journal while it is read.

    Attributes:
        path: ``RUN_ID.PHASE.jsonl`` in the folder of its host.
        known: numbers of the lines that the audit log has already.
        problem: why the audit log could not take what was done, or "".
    """

    path: Path
    known: set[int] = field(default_factory=set)
    problem: str = ""
    _read: int = 0
    _lines: int = 0
    _open: dict[tuple[str, str], tuple[int, Row]] = field(default_factory=dict)

    def news(self) -> list[tuple[int, Row]]:
        """The whole lines that came since the last time, with their numbers; damaged ones are passed over."""
        with self.path.open("rb") as stream:
            stream.seek(self._read)
            content = stream.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._read += len(whole)
        found = []
        for line in whole.splitlines():
            self._lines += 1
            row = _parsed(line)
            if row:
                found.append((self._lines, row))
        return found

    def take(self, note: Callable[[str], None]) -> None:
        """Record what ended since the last time, and tell it. A full disk is kept as ``problem``."""
        ended = [(number, row) for number, row in self.news() if self._closes(number, row)]
        for _number, row in ended:
            note(str(state_text.ended(row)))
        self._record(ended)

    def close(self) -> None:
        """Record what never ended, and remove the journal when the log has all of it."""
        self._record([(number, {**row, "status": UNKNOWN}) for number, row in self._open.values()])
        if not self.problem:
            self.path.unlink()
            stop_path(self.path).unlink(missing_ok=True)

    def _closes(self, number: int, row: Row) -> bool:
        key = str(row.get("kind")), str(row.get("id"))
        if row.get("event") == BEGAN:
            self._open[key] = number, row
            return False
        self._open.pop(key, None)
        return row.get("event") == ENDED

    def _record(self, rows: Sequence[tuple[int, Row]]) -> None:
        entries = [self._entry(number, row) for number, row in rows if number not in self.known]
        try:
            audit.append_all(audit.default_path(), entries)
        except OSError as error:
            self.problem = f"The audit log can't be written: {error.strerror}."
            with _tolerated():
                paths.write_private(stop_path(self.path), self.problem)
        else:
            self.known |= {number for number, _row in rows}

    def _entry(self, number: int, row: Row) -> Row:
        run_id, _, scenario = self.path.stem.partition(".")
        told = {name: _short(row[name]) for name in TOLD if row.get(name) not in (None, "", [])}
        where = {"run_id": run_id, "scenario": scenario, "host": self.path.parent.name, "user": who()}
        return {"event": CHANGE, **where, **told, "at": row.get("time", ""), "line": number}


def _short(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        value = value.get("text", "")
    if isinstance(value, list):
        return value[:MOST]
    return value[:LONGEST] if isinstance(value, str) else value


@contextmanager
def _tolerated() -> Iterator[None]:
    """Where the disk is full, the module's own journal stops it."""
    try:
        yield
    except OSError:
        return


def _parsed(line: bytes) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


@contextmanager
def followed(host: str, run_id: str, phase: str, note: Callable[[str], None]) -> Iterator[Journal]:
    """A new journal, which is read while the block writes it: each change is recorded and told as it ends.

    Raises OSError when there is no room for one.
    """
    path = paths.private_directory(folder(host)) / f"{run_id}.{phase}.jsonl"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    journal, over = Journal(path), Event()
    reader = Thread(target=_follow, args=(journal, over, note), daemon=True)
    reader.start()
    try:
        yield journal
    finally:
        over.set()
        reader.join()
        journal.take(note)
        journal.close()
        os.close(descriptor)


def _follow(journal: Journal, over: Event, note: Callable[[str], None]) -> None:
    while not over.wait(POLL_SECONDS):
        journal.take(note)


def recover() -> list[Path]:
    """Take over what applies that were killed left behind; returns the journals."""
    found = sorted((paths.state() / "journals").glob("*/*.jsonl"))
    return [path for path in found if _recovered(path)]


def _recovered(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False  # its apply still runs
    else:
        journal = Journal(path, _taken_over(path))
        journal.take(lambda _text: None)
        journal.close()
        return not journal.problem
    finally:
        os.close(descriptor)


def _taken_over(path: Path) -> set[int]:
    """The lines of a journal that the audit log has: its driver was killed in the middle."""
    run_id, _, scenario = path.stem.partition(".")
    return {
        int(entry["line"])
        for entry in _changes(audit.read(audit.default_path()))
        if (entry.get("run_id"), entry.get("scenario")) == (run_id, scenario)
    }


def _changes(lines: Iterable[str]) -> Iterator[Row]:
    for line in lines:
        entry = _parsed(line.encode())
        if entry and entry.get("event") == CHANGE and isinstance(entry.get("line"), int):
            yield entry
