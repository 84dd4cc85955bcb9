# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's boot volume on disk, and what can be done with it.

A volume is a directory on a real file system::

    VOLUME/root   what the guest changed over the base image (the overlay's upper layer)
    VOLUME/work   the overlay's work directory
    VOLUME/mnt    where the guest's root is mounted, in the guest's own mount namespace only
    VOLUME/data   a node's own state and its guests' volumes; on the real file system, so that
                  the overlays of nested guests never stack on one another

To put files into a guest that does not run yet, write below ``VOLUME/root``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = "root"
WORK = "work"
MOUNTPOINT = "mnt"
DATA = "data"
PARTS = (ROOT, WORK, MOUNTPOINT, DATA)


def create(volume: Path) -> None:
    """Make an empty volume; a directory that is one already is left as it is."""
    for part in PARTS:
        (volume / part).mkdir(parents=True, exist_ok=True)
    # The guest's own "/" and its users: whatever the umask of whoever makes the volume.
    (volume / ROOT).chmod(0o755)
    (volume / DATA).chmod(0o700)


def write_root_account(volume: Path, base: Path, password: str | None, ssh_keys: str | None) -> None:
    """Give root of a new container its password (a crypt(3) hash) and its keys, over what the base image has."""
    root = volume / ROOT
    if ssh_keys:
        (root / "root" / ".ssh").mkdir(mode=0o700, parents=True, exist_ok=True)
        (root / "root").chmod(0o700)
        _write(root / "root/.ssh/authorized_keys", ssh_keys.rstrip("\n") + "\n", 0o600)
    if password:
        shadow = root / "etc/shadow"
        given = (shadow if shadow.exists() else base / "etc/shadow").read_text(encoding="utf-8")
        shadow.parent.mkdir(parents=True, exist_ok=True)
        shadow.parent.chmod(0o755)
        _write(shadow, re.sub(r"^root:[^:]*", lambda _: f"root:{password}", given, flags=re.MULTILINE), 0o640)
        os.chown(shadow, 0, (base / "etc/shadow").stat().st_gid)


def _write(path: Path, text: str, mode: int) -> None:
    path.touch(mode=mode)
    path.write_text(text, encoding="utf-8")


def clone(source: Path, target: Path) -> None:
    """Copy a volume with owners, modes, attributes and whiteouts. Raises OSError when it cannot be read."""
    create(target)
    try:
        for part in (ROOT, DATA):
            copy_files(source / part, target / part)
    except OSError:
        delete(target)
        raise


def copy_files(source: Path, target: Path) -> None:
    """Copy what is in a directory into another one, with owners, modes, attributes and whiteouts. Raises OSError."""
    target.mkdir(parents=True, exist_ok=True)
    command = ["cp", "--archive", "--reflink=auto", f"{source}/.", str(target)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise OSError(f"copying {source} to {target} failed: {result.stderr.strip()}")


def delete(volume: Path) -> None:
    """Remove a volume and everything in it; a missing one is no error."""
    if volume.exists():
        shutil.rmtree(volume)
