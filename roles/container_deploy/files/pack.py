"""pack.py SOURCE DIRECTORY [THERE...]: the id of a directory's content and, unless it is among THERE, an archive of it.

Prints JSON: `release`, a digest of names, types, modes and contents (not of times and owners), and `archive`, the path
of a tar below DIRECTORY or null. Leaves out what is called .git. Reads SOURCE and changes nothing there.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

LEFT_OUT = {".git"}


def entries(top: Path, below: str = "") -> Iterator[str]:
    """Paths below a directory, relative to it, in an order that depends on nothing but names."""
    for name in sorted(path.name for path in (top / below).iterdir()):
        if name in LEFT_OUT:
            continue
        path = f"{below}/{name}" if below else name
        yield path
        if stat.S_ISDIR((top / path).lstat().st_mode):
            yield from entries(top, path)


def content(path: Path, mode: int) -> bytes:
    """What makes one entry differ from another of its kind. Exits when it can't be carried over."""
    if stat.S_ISLNK(mode):
        return os.fsencode(path.readlink())
    if stat.S_ISREG(mode):
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    if stat.S_ISDIR(mode):
        return b""
    sys.exit(f"Cannot deploy {path}: it is no file, directory or link. Move it out of the source.")


def digest(top: Path) -> str:
    """The id of a directory's content."""
    total = hashlib.sha256()
    for path in entries(top):
        mode = (top / path).lstat().st_mode
        parts = (os.fsencode(path), oct(mode).encode(), content(top / path, mode))
        total.update(b"".join(len(part).to_bytes(8, "big") + part for part in parts))
    return total.hexdigest()


def pack(top: Path, archive: Path) -> None:
    """Write a directory to an archive, everything owned by root."""
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in entries(top):
            info = tar.gettarinfo(top / path, path)
            info.uid = info.gid = 0
            info.uname = info.gname = "root"
            if info.islnk():
                # Names of one file become files of their own.
                info.type, info.size = tarfile.REGTYPE, (top / path).stat().st_size
            if info.isreg():
                with (top / path).open("rb") as file:
                    tar.addfile(info, file)
            else:
                tar.addfile(info)


def main(source: str, directory: str, *there: str) -> None:
    """Entry point."""
    top = Path(source)
    if not top.is_dir():
        sys.exit(
            f"Cannot deploy {source}: there is no such directory on the controller. Name a directory or a git URL."
        )
    release = digest(top)
    archive = None if release in there else Path(directory) / "release.tar"
    if archive:
        pack(top, archive)
    print(json.dumps({"release": release, "archive": archive and str(archive)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
