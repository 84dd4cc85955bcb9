# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cgroups of guests whose own init keeps some, as systemd does: each guest has a subtree that is all it sees.

It is made below the cgroup the lab itself runs in, so that whatever limits the lab limits its guests. A cgroup outlives
its processes; one of ours that has none is of no use to anybody, and whoever meets it removes it.
Source: the kernel's Documentation/admin-guide/cgroup-v2.rst, "Namespace".
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from pathlib import Path

from lab.guests import syscalls

MOUNTPOINT = "/sys/fs/cgroup"
PREFIX = "homelab-pve-lab."
# Where LXC puts what is attached to a container: a cgroup that distributes resources may have no process of its own.
ATTACHED = ".lxc"
_GONE = (errno.ENOENT, errno.ENODEV)


def settle(vmid: int) -> int:
    """Give this process a cgroup of its own, which is the root of all it sees from now on. Raises OSError.

    Returns how many guests there are now with one.
    """
    syscalls.unshare(syscalls.CLONE_NEWCGROUP)
    with syscalls.mounted("cgroup2") as tree:
        # Somebody may sweep it while it is still empty.
        while not _entered(tree / f"{PREFIX}{vmid}.{os.urandom(4).hex()}"):
            pass
        count = len(list(tree.glob(f"{PREFIX}*")))
    syscalls.unshare(syscalls.CLONE_NEWCGROUP)
    syscalls.mount("cgroup2", MOUNTPOINT, "cgroup2", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)
    return count


def _entered(cgroup: Path) -> bool:
    """Make a cgroup and move this process into it; False when it was removed in between. Raises OSError."""
    cgroup.mkdir()
    try:
        move_into(cgroup)
    except OSError as error:
        if error.errno not in _GONE:
            raise
        return False
    return True


def move_into(cgroup: Path) -> None:
    """Move this process into a cgroup. Raises OSError."""
    # UTF-8 is built in. For any other encoding Python needs a file, and a guest's root has not this Python's.
    (cgroup / "cgroup.procs").write_text("0\n", encoding="utf-8")


def attach(pid: int) -> None:
    """Move this process into the cgroups that the guest with this init sees, if those are its own."""
    if Path(f"/proc/{pid}/ns/cgroup").samefile("/proc/self/ns/cgroup"):
        return
    attached = Path(f"/proc/{pid}/root{MOUNTPOINT}", ATTACHED)
    attached.mkdir(exist_ok=True)
    move_into(attached)
    descriptor = os.open(f"/proc/{pid}/ns/cgroup", os.O_RDONLY | os.O_CLOEXEC)
    syscalls.enter(descriptor, syscalls.CLONE_NEWCGROUP)
    os.close(descriptor)


def sweep() -> None:
    """Remove the guests' cgroups, below this process's own, that have no process any more."""
    # A thread of its own, which ends: it changes what it sees of the cgroups.
    thread = threading.Thread(target=_sweep, name="sweep of cgroups")
    thread.start()
    thread.join()


def _sweep() -> None:
    # Where cgroups can't be had, there are none to remove.
    with contextlib.suppress(OSError):
        syscalls.unshare(syscalls.CLONE_NEWCGROUP)
        with syscalls.mounted("cgroup2") as tree:
            for top in tree.glob(f"{PREFIX}*"):
                _remove(top)


def _remove(top: Path) -> None:
    """Remove a cgroup and those below it; the kernel refuses it for one that has processes."""
    if "populated 0" not in _text(top / "cgroup.events"):
        return
    for folder, _, _ in os.walk(top, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106 - a path as os.walk gives it


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


if __name__ == "__main__":
    sweep()
