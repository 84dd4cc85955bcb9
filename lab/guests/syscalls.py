# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few Linux system calls that Python 3.11 has no function for."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 0x2
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
RB_AUTOBOOT = 0x01234567
RB_POWER_OFF = 0x4321FEDC
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_CAPBSET_DROP = 24
# Newer calls have the same number on every architecture of Debian.
_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT = 428, 429, 430, 431, 432
_AT_FDCWD = -100
_FSOPEN_CLOEXEC, _FSMOUNT_CLOEXEC, _FSCONFIG_CMD_CREATE = 0x1, 0x1, 6
_OPEN_TREE_CLONE, _AT_RECURSIVE, _MOVE_MOUNT_F_EMPTY_PATH = 0x1, 0x8000, 0x4
# pivot_root(2) has no libc wrapper; its number differs between architectures.
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    """Raise OSError with errno's text when a call returned -1."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2). Raises OSError naming the target."""
    arguments = (source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), options.encode())
    _check(_libc.mount(*arguments), target)


def bind(source: str, target: str, *, read_only: bool = False) -> None:
    """Bind ``source`` over ``target``; a bind becomes read-only only when it is remounted so."""
    mount(source, target, flags=MS_BIND | MS_REC)
    if read_only:
        remount(target, MS_RDONLY)


def remount(target: str, flags: int) -> None:
    """Give one mount other flags, without touching the file system behind it."""
    mount("none", target, flags=MS_BIND | MS_REMOUNT | flags)


def unmount(target: str) -> None:
    """Detach a mount and everything below it, now from the tree and from use when it is no longer busy."""
    _check(_libc.umount2(target.encode(), MNT_DETACH), target)


def open_tree(path: str) -> int:
    """open_tree(2): a descriptor of a detached copy of a mount and what is mounted below it."""
    number, flags = ctypes.c_long(_OPEN_TREE), ctypes.c_uint(_OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC)
    descriptor = _libc.syscall(number, ctypes.c_int(_AT_FDCWD), path.encode(), flags)
    _check(descriptor, path)
    return int(descriptor)


def move_mount(descriptor: int, target: str) -> None:
    """move_mount(2): attach what :func:`open_tree` gave at a directory of this mount namespace."""
    number, flags = ctypes.c_long(_MOVE_MOUNT), ctypes.c_uint(_MOVE_MOUNT_F_EMPTY_PATH)
    source = ctypes.c_int(descriptor)
    _check(_libc.syscall(number, source, b"", ctypes.c_int(_AT_FDCWD), target.encode(), flags), target)


@contextlib.contextmanager
def mounted(kind: str) -> Iterator[Path]:
    """The root of a file system without a device, which is mounted nowhere and for the block only. Raises OSError."""
    descriptor = _new_mount(kind)
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _new_mount(kind: str) -> int:
    context = _libc.syscall(ctypes.c_long(_FSOPEN), kind.encode(), ctypes.c_uint(_FSOPEN_CLOEXEC))
    _check(context, kind)
    try:
        create = ctypes.c_uint(_FSCONFIG_CMD_CREATE)
        _check(_libc.syscall(ctypes.c_long(_FSCONFIG), context, create, None, None, ctypes.c_int(0)), kind)
        flags = ctypes.c_uint(_FSMOUNT_CLOEXEC)
        descriptor = _libc.syscall(ctypes.c_long(_FSMOUNT), context, flags, ctypes.c_uint(0))
        _check(descriptor, kind)
    finally:
        os.close(context)
    return int(descriptor)


def pivot_root(new_root: str) -> None:
    """Make ``new_root`` the root of this mount namespace and let go of the old one."""
    os.chdir(new_root)
    number = _PIVOT_ROOT[os.uname().machine]
    _check(_libc.syscall(ctypes.c_long(number), b".", b"."), new_root)
    # Both roots are stacked on "." now: see pivot_root(2), "pivot_root(".", ".")".
    unmount(".")
    os.chdir("/")


def set_name(name: str) -> None:
    """Name this process in /proc/PID/comm, as ps and Ansible's service facts read it."""
    _check(_libc.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0), name)


def end_with_parent(number: int) -> None:
    """prctl(2): get this signal when the parent ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0), "PR_SET_PDEATHSIG")


def drop_capability(number: int) -> None:
    """prctl(2): programs that this process becomes or starts never have this capability."""
    _check(_libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0), "PR_CAPBSET_DROP")


def set_hostname(name: str) -> None:
    """sethostname(2) for this UTS namespace."""
    _check(_libc.sethostname(name.encode(), len(name.encode())), name)


def reboot(command: int) -> None:
    """reboot(2): in a PID namespace it ends the init with SIGHUP (restart) or SIGINT (power off)."""
    _check(_libc.reboot(ctypes.c_int(command)), "reboot")


def enter(descriptor: int, kind: int) -> None:
    """setns(2): move this thread into the namespace behind an open ``/proc/PID/ns`` file."""
    _check(_libc.setns(descriptor, kind), f"namespace {kind:#x}")


def unshare(kind: int) -> None:
    """unshare(2): move this thread into a new namespace."""
    _check(_libc.unshare(ctypes.c_int(kind)), f"namespace {kind:#x}")
