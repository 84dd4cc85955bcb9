# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's state in a file that grows by what changed, so that a write costs the same with ten guests and ten thousand.

Each line is a JSON object: ``set`` has parts of the state with their new values, ``gone`` names others. The first line
has all there were; the file is written anew once what was added is longer than that. A last line that was not finished
does not count: its request was not answered.
"""

from __future__ import annotations

import json
import marshal
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

# Bytes that are added before a file is written anew at all.
LEAST_ADDED = 256 * 1024
# The version of marshal's format that writes no references: equal values give equal bytes.
PLAIN = 2


def private(path: Path, flags: int) -> int:
    """A file opened for writing that only its owner can read."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)


def replace(path: Path, content: bytes) -> None:
    """Replace a file, readable by its owner only; a reader sees the old content or the new."""
    partial = path.with_suffix(".new")
    with os.fdopen(private(partial, os.O_TRUNC), "wb") as stream:
        stream.write(content)
    partial.replace(path)


def read_parts(path: Path) -> dict[str, Any]:
    """The parts a file holds. Raises ValueError for a file that is none of these."""
    parts: dict[str, Any] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(keepends=True)):
        if number and not line.endswith("\n"):
            break
        change = json.loads(line)
        parts |= change["set"]
        for name in change["gone"]:
            parts.pop(name, None)
    return parts


def mark(value: Any, encode: Callable[[object], object]) -> int:  # noqa: ANN401 - what marshal knows
    """A number that changes with a value; one of a type that marshal does not know is encoded first."""
    try:
        return hash(marshal.dumps(value, PLAIN))
    except ValueError:
        return hash(json.dumps(encode(value), sort_keys=True))


class StateFile:
    """Saves the parts of a state that changed since the last time."""

    def __init__(self, path: Path, encode: Callable[[object], object]) -> None:
        """Take the file, and what makes JSON of a part."""
        self._path, self._encode = path, encode
        self._marks: dict[str, int] = {}
        self._whole = self._added = 0

    def save(self, parts: Iterable[tuple[str, object]]) -> None:
        """Write what changed before returning. The first time that is everything."""
        found = dict(parts)
        marks = {name: mark(value, self._encode) for name, value in found.items()}
        if not self._marks or self._added > max(LEAST_ADDED, self._whole) or not self._path.exists():
            self._begin(found)
        elif marks != self._marks:
            changed = {name: found[name] for name in found if marks[name] != self._marks.get(name)}
            self._add(changed, self._marks.keys() - marks.keys())
        self._marks = marks

    def _line(self, changed: Mapping[str, object], gone: Iterable[str] = ()) -> bytes:
        document = {"set": {name: self._encode(value) for name, value in changed.items()}, "gone": sorted(gone)}
        return json.dumps(document).encode() + b"\n"

    def _begin(self, parts: Mapping[str, object]) -> None:
        line = self._line(parts)
        replace(self._path, line)
        self._whole, self._added = len(line), 0

    def _add(self, changed: Mapping[str, object], gone: Iterable[str]) -> None:
        line = self._line(changed, gone)
        with os.fdopen(private(self._path, os.O_APPEND), "wb") as stream:
            stream.write(line)
        self._added += len(line)
