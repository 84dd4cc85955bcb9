# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's code as it was when the lab came up, compiled for the Python of its nodes.

Nodes and guests run from this copy: an edited or updated checkout does not reach into a running lab, and a node's API
starts without compiling fifty modules first.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from lab.guests.node import LIBRARY
from lab.image import Image, remove
from lab.rootless import mapped

PACKAGE = Path(__file__).parent
# Paths in tracebacks are the ones inside a node, wherever the copy lies.
_COMPILE = f"""\
set -eu
mount --bind "$1" "$2/mnt"
exec chroot "$2" python3 -m compileall -q -s /mnt -p {LIBRARY} /mnt
"""


def digest(package: Path = PACKAGE) -> str:
    """Names the content of the package: changes with any module."""
    content = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        content.update(f"{path.relative_to(package)}\0".encode())
        content.update(path.read_bytes())
    return content.hexdigest()[:16]


def take(folder: Path, image: Image, package: Path = PACKAGE) -> Path:
    """A copy of the package below ``folder``, made unless it is there; older copies go. Returns its parent."""
    target = folder / digest(package)
    if target.is_dir():
        return target
    remove(folder)
    fresh = folder / "new"
    shutil.copytree(package, fresh / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    command = ["unshare", "--mount", "--", "sh", "-c", _COMPILE, "compile", str(fresh), str(image.root)]
    subprocess.run(mapped(command), check=True, stdin=subprocess.DEVNULL)
    return fresh.rename(target)
