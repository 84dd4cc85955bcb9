# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine must offer before guests can run, checked with a sentence for each thing that is missing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from lab.errors import LabError

# Where a system has its tools; a user's own PATH often lacks the sbin directories.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Tool -> Debian package.
TOOLS = {
    "dnsmasq": "dnsmasq-base",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "setsid": "util-linux",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
}

# File systems that cannot hold an overlay's upper layer; source: Documentation/filesystems/overlayfs.rst.
UNSUITABLE = {
    "overlayfs": "the kernel stacks no overlay on an overlay (as in a container)",
    "nfs": "it keeps no extended attributes of root",
    "v9fs": "it keeps no extended attributes of root",
    "fuseblk": "it has no Unix permissions",
    "msdos": "it has no Unix permissions",
}


def missing_packages(tools: Iterable[str] = TOOLS) -> list[str]:
    """Debian packages of the tools that are not installed, sorted."""
    return sorted({TOOLS[tool] for tool in tools if shutil.which(tool, path=PATH) is None})


def check(state: Path) -> None:
    """Raise LabError when tools are missing or ``state`` is on a file system that guests cannot live on."""
    if packages := missing_packages():
        raise LabError(f"Cannot start the lab: install its packages with: apt-get install {' '.join(packages)}")
    kind = file_system(state)
    if kind in UNSUITABLE:
        raise LabError(
            f"Cannot keep guests in {state}: it is on {kind}, and {UNSUITABLE[kind]}. "
            "Set XDG_STATE_HOME to a directory on ext4, xfs, btrfs or tmpfs."
        )


def file_system(path: Path) -> str:
    """The kind of file system ``path`` is on, in coreutils' words."""
    command = ["stat", "--file-system", "--format=%T", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
