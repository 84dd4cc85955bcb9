# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of a folder, and putting the folder back to it: only what differs is touched. No PVE here."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

Marks = tuple[int, int, int, str]
"""What tells whether an entry changed: mode, time of the last change (ns) and size of a file, target of a link."""


def marks_of(path: Path) -> Marks:
    """The marks of an entry."""
    found = path.lstat()
    if stat.S_ISDIR(found.st_mode):
        return found.st_mode, 0, 0, ""
    link = str(path.readlink()) if stat.S_ISLNK(found.st_mode) else ""
    return found.st_mode, found.st_mtime_ns, found.st_size, link


def entries(folder: Path) -> dict[str, Marks]:
    """Everything below a folder by its path in it, a directory before what is in it."""
    found: dict[str, Marks] = {}
    for top, directories, files in os.walk(folder):
        for name in sorted([*directories, *files]):
            path = Path(top, name)
            found[str(path.relative_to(folder))] = marks_of(path)
    return found


def _copy(source: Path, target: Path) -> None:
    """Copy one entry; the parent is there."""
    if source.is_dir() and not source.is_symlink():
        target.mkdir(exist_ok=True)
        shutil.copystat(source, target)
    else:
        shutil.copy2(source, target, follow_symlinks=False)


def remove(path: Path) -> None:
    """Remove an entry; one that went with its directory is gone already."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def empty(folder: Path) -> None:
    """Remove what is in a directory."""
    for entry in folder.iterdir():
        remove(entry)


@dataclass(frozen=True)
class TreeCopy:
    """A folder as it was, copied to ``kept``."""

    folder: Path
    kept: Path
    known: dict[str, Marks]

    @classmethod
    def take(cls, folder: Path, kept: Path) -> TreeCopy:
        """Copy a folder (one that does not exist is an empty one). ``kept`` is made."""
        kept.mkdir(parents=True)
        known = entries(folder)
        for name in known:
            _copy(folder / name, kept / name)
        return cls(folder, kept, known)

    def put_back(self) -> None:
        """Make the folder what it was."""
        present = entries(self.folder)
        for name, marks in present.items():
            if self.known.get(name) != marks:
                remove(self.folder / name)
        self.folder.mkdir(parents=True, exist_ok=True)
        left = entries(self.folder)
        for name in self.known:
            if name not in left:
                _copy(self.kept / name, self.folder / name)

    def drop(self) -> None:
        """Forget the copy."""
        shutil.rmtree(self.kept, ignore_errors=True)
