# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of this machine that several processes edit: replaced as a whole, by one process at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PRIVATE = 0o600


def private_directory(path: Path) -> Path:
    """Make ``path`` if needed, for its owner only, and return it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only one who edits ``path`` in this block; waits for the present holder.

    The lock is a file beside it, since the edited file itself is replaced. The kernel lets go when the process dies.
    """
    private_directory(path.parent)
    handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path, mode: int = PRIVATE, owner: str | None = None) -> Iterator[IO[bytes]]:
    """Write a file so that a reader, or a crash, meets the old content or the new, never half of it.

    A symbolic link stays one: what it points to is replaced. ``owner`` is ``user`` or ``user:group``; the replaced
    file's when not given.
    """
    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _set_owner(beside, target, owner)
        beside.chmod(mode)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _set_owner(file: Path, former: Path, owner: str | None) -> None:
    if owner is not None:
        user, group = owner.partition(":")[::2]
        shutil.chown(file, user or None, group or None)  # type: ignore[arg-type]  # one of both will do
    elif former.exists() and os.geteuid() == 0:
        os.chown(file, former.stat().st_uid, former.stat().st_gid)
