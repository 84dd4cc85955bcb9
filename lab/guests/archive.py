# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of a directory as vzdump and container templates have them: tar, compressed as the name says.

tar(1) and the compression programs do the work, as on a node: owners, modes, attributes, links and the whiteouts of an
overlay survive.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

# Suffix -> what tar(1) is told (pve-storage, PVE/Storage.pm: decompressor_info).
COMPRESSION = {
    ".gz": "--gzip",
    ".tgz": "--gzip",
    ".lzo": "--lzop",
    ".zst": "--zstd",
    ".xz": "--xz",
    ".bz2": "--bzip2",
    ".tar": "",
    # A VM's archive that is not compressed; that of the lab is a tar (lab/api/archives.py).
    ".vma": "",
}
_AS_THEY_ARE = ("--numeric-owner", "--xattrs", "--xattrs-include=*")
# tar(1): a file changed while it was read; the archive is whole all the same.
_CHANGED = 1
_TEMPORARY = "./tmp/?*"


class ArchiveError(OSError):
    """An archive cannot be written or read; the text names the command as PVE does, and holds tar's last words."""


def compression(archive: Path) -> list[str]:
    """tar's option for a file's name. Raises ArchiveError for a name no archive has."""
    try:
        return [COMPRESSION[archive.suffix]] if COMPRESSION[archive.suffix] else []
    except KeyError:
        raise ArchiveError(f"'{archive.name}': no archive has such a name") from None


def pack(folder: Path, archive: Path, members: Mapping[str, bytes] | None = None) -> None:
    """Write a directory into an archive, after ``members``: relative path -> content. Raises ArchiveError."""
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".pack-") as scratch:
        first = [_put(Path(scratch), name, content) for name, content in (members or {}).items()]
        made = Path(scratch, archive.name)
        before = [f"--directory={scratch}", *first] if first else []
        options = [*compression(archive), *_AS_THEY_ARE, "--sparse", "--anchored", f"--exclude={_TEMPORARY}"]
        _tar(["--create", f"--file={made}", *options, *before, f"--directory={folder}", "."], allowed=_CHANGED)
        made.replace(archive)


def _put(folder: Path, name: str, content: bytes) -> str:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return f"./{name}"


def unpack(archive: Path, folder: Path, exclude: Sequence[str] = ()) -> None:
    """Unpack an archive into a directory. Devices stay out: a container has a /dev of its own. Raises ArchiveError."""
    left_out = [f"--exclude={pattern}" for pattern in ("./dev/*", *exclude)]
    options = [*compression(archive), "--preserve-permissions", *_AS_THEY_ARE, "--anchored", *left_out]
    _tar(["--extract", f"--file={archive}", *options, f"--directory={folder}"])


def read(archive: Path, name: str) -> bytes:
    """One file of an archive, found quickly if it is among the first. Raises ArchiveError."""
    where = [f"--file={archive}", *compression(archive), "--occurrence=1"]
    return _tar(["--extract", "--to-stdout", *where, name])


def _tar(options: list[str], allowed: int = 0) -> bytes:
    command = ["tar", *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if not 0 <= done.returncode <= allowed:
        said = (done.stderr.decode(errors="replace").strip().splitlines() or [""])[0]
        raise ArchiveError(f"command '{' '.join(command)}' failed: exit code {done.returncode}: {said}")
    return done.stdout
