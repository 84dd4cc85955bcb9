"""The audit log: append-only JSON lines, each carrying the SHA-256 of the line before.

A changed, removed or reordered entry breaks the chain; entries cut off at the end are missed by the head file, which
counts the entries and holds the last one's hash. Whoever may write both files can forge a whole log: the chain shows
damage and careless editing. Against that the head can be signed (scenarios.audit_signing).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scenarios import paths
from scenarios.audit_signing import sign_as_set

GENESIS = "0" * 64
# More than the longest entry: messages are clipped (scenarios.events.MESSAGE_LIMIT).
TAIL_BYTES = 65536
Entry = dict[str, Any]


def default_path() -> Path:
    """The log of this user."""
    return paths.state() / "audit.jsonl"


def head_path(path: Path) -> Path:
    """The file that knows how long the log is."""
    return path.with_suffix(".head")


def digest(line: str) -> str:
    """What the next entry says about this line."""
    return hashlib.sha256(line.encode()).hexdigest()


def chained(number: int, before: str | None, entry: Entry) -> str:
    """Line ``number`` of a log, recording ``entry``; ``before`` is the line it follows."""
    previous = GENESIS if before is None else digest(before)
    return json.dumps({"entry": number, **entry, "previous": previous})


def append(path: Path, event: str, **details: object) -> None:
    """Add an entry, on disk when this returns.

    Args:
        path: the log.
        event: what happened, as in "phase".
        details: what there is to say about it; never a secret.

    Raises:
        OSError: it could not be written; the log is as it was.
    """
    append_all(path, [{"event": event, **details}])


def append_all(path: Path, entries: Sequence[Entry]) -> None:
    """Add entries at once, all of them on disk when this returns, and none when it raises OSError."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    if not entries:
        return
    with _locked(path) as descriptor:
        number, before, torn = _end(path)
        lines: list[str] = []
        for entry in entries:
            before = chained(number + len(lines) + 1, before, {"time": now, **entry})
            lines.append(before)
        # A line torn by a power cut must not swallow the entry after it.
        _write(descriptor, ("\n" if torn else "") + "".join(f"{line}\n" for line in lines))
        head = {"entries": number + len(lines), "last": digest(lines[-1])}
        paths.write_json(head_path(path), head)
        sign_as_set(path, head)


def _write(descriptor: int, text: str) -> None:
    """Write all of it to the file's end, or nothing: a full disk must not leave half an entry."""
    size, rest = os.fstat(descriptor).st_size, text.encode()
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _end(path: Path) -> tuple[int, str | None, bool]:
    """The last entry's number, its line, and whether the line's end is missing."""
    with path.open("rb") as stream:
        stream.seek(max(path.stat().st_size - TAIL_BYTES, 0))
        tail = stream.read()
    if not tail:
        return 0, None, False
    line = _decoded(tail).rstrip("\n").rpartition("\n")[2]
    try:
        return int(json.loads(line)["entry"]), line, not tail.endswith(b"\n")
    except (ValueError, KeyError, TypeError):
        return len(read(path)), line, not tail.endswith(b"\n")


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    paths.private_directory(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "this is no file a log could be kept in", str(path))
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def read(path: Path) -> list[str]:
    """The log's lines; none when there is no log."""
    try:
        text = _decoded(path.read_bytes())
    except FileNotFoundError:
        return []
    return text.rstrip("\n").split("\n") if text else []


def read_head(path: Path) -> Entry | None:
    """What the head file says, None when there is none."""
    try:
        head = json.loads(head_path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return head if isinstance(head, dict) else {}


def problem(lines: Sequence[str], head: Entry | None) -> str | None:
    """What is wrong with a log, naming the entry; None when nothing is. Pure.

    Args:
        lines: the log.
        head: the head file's content, None when it is missing.
    """
    previous = GENESIS
    for number, line in enumerate(lines, 1):
        fault = _entry_problem(number, line, previous)
        if fault:
            return fault
        previous = digest(line)
    return _head_problem(lines, head)


def _entry_problem(number: int, line: str, previous: str) -> str | None:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        return f"entry {number} is no JSON object"
    if entry.get("entry") != number:
        return f"entry {number} says it is entry {entry.get('entry')}: an entry was removed, added or moved"
    if entry.get("previous") != previous:
        return f"entry {number} does not follow the one before it: entry {max(number - 1, 1)} was changed or replaced"
    return None


def _head_problem(lines: Sequence[str], head: Entry | None) -> str | None:
    if head is None:
        return f"the head file is missing, so entries after {len(lines)} may be too" if lines else None
    count = head.get("entries")
    if not isinstance(count, int) or count < 1:
        return "the head file is damaged"
    if len(lines) < count:
        return f"entry {len(lines) + 1} and later ones are missing: {len(lines)} of {count} entries are left"
    # A driver killed between the two writes leaves the head behind, until the next entry mends it.
    if digest(lines[count - 1]) != head.get("last"):
        return f"entry {count} is not the one that was written last"
    return None
