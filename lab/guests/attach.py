# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does one thing inside a running guest, as a process of its own: runs a command, copies a file, mounts a directory.

Started as ``python3 -S -m lab.guests.attach NUMBER``; the descriptor of that number has the order as JSON. Its standard
files are the command's, or those a file is copied from and to. As lxc-attach(1) it ends with the command's exit code,
or 128 and the signal that ended it.
"""

from __future__ import annotations

import errno
import fcntl
import grp
import json
import os
import pwd
import shutil
import signal
import socket
import sys
import termios
from collections.abc import Callable, Mapping
from typing import Any

from lab.guests import cgroups, commands, container_setup, network, syscalls

Order = Mapping[str, Any]

# What a command's process is moved into; the mount namespace last, as /proc/PID is looked up outside.
_KINDS = {
    "uts": syscalls.CLONE_NEWUTS,
    "ipc": syscalls.CLONE_NEWIPC,
    "net": syscalls.CLONE_NEWNET,
    "pid": syscalls.CLONE_NEWPID,
    "mnt": syscalls.CLONE_NEWNS,
}
_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# lxc-attach: what execvp(3) failed with -> the exit code.
_NOT_EXECUTED = {errno.ENOENT: 127, errno.ENOEXEC: 126}
_FAILED = 255


class AttachError(Exception):
    """What was asked for could not be done; the text is pct's."""


def main() -> None:
    """Do what the order says and end with its exit code."""
    with os.fdopen(int(sys.argv[1]), encoding="utf-8") as stream:
        order: Order = json.load(stream)
    try:
        sys.exit(ACTIONS[order["action"]](order))
    except (AttachError, OSError, commands.CommandFailedError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(_FAILED)


def enter(pid: int, kinds: tuple[str, ...] = tuple(_KINDS)) -> None:
    """Move this process into namespaces of another; into a pid namespace only its future children."""
    opened = [(os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC), _KINDS[kind]) for kind in kinds]
    for descriptor, kind in opened:
        syscalls.enter(descriptor, kind)
        os.close(descriptor)


def in_child(work: Callable[[], None]) -> int:
    """Do the work in a child, which is inside of all the namespaces; its exit code as a shell tells it."""
    child = os.fork()
    if child == 0:
        _be_child(work)
    for number in _FORWARDED:
        signal.signal(number, lambda received, _frame: os.kill(child, received))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def _be_child(work: Callable[[], None]) -> None:
    """Never returns, whatever the work does."""
    try:
        syscalls.end_with_parent(signal.SIGKILL)
        work()
        os._exit(0)
    except (AttachError, OSError, commands.CommandFailedError) as error:
        os.write(2, f"{error}\n".encode())
    finally:
        os._exit(_FAILED)


# ------------------------------------------------------------------ command


def run_command(order: Order) -> int:
    """Run a command with the order's environment, in its folder where the guest has that, else in ``/``."""
    cgroups.attach(order["pid"])
    enter(order["pid"])
    return in_child(lambda: _execute(order))


def _execute(order: Order) -> None:
    if order["terminals"]:
        _take_terminal(order["terminals"])
    try:
        os.chdir(order["folder"])
    except OSError:
        os.chdir("/")
    for number in (*_FORWARDED, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    argv = order["argv"] or [pwd.getpwuid(0).pw_shell or "/bin/sh"]
    try:
        os.execvpe(argv[0], argv, order["environment"])  # noqa: S606 - as it is typed
    except OSError as error:
        text = f'lxc-attach: {order["vmid"]}: {error.strerror} - Failed to exec "{argv[0]}"\n'
        os.write(2, text.encode())
        os._exit(_NOT_EXECUTED.get(error.errno or 0, _FAILED))


def _take_terminal(numbers: list[int]) -> None:
    """Make a terminal of the guest's these standard files; its other end goes to who holds the file that was there."""
    os.setsid()
    ours, theirs = os.openpty()
    with socket.socket(fileno=os.dup(numbers[0])) as connection:
        socket.send_fds(connection, [b"\0"], [ours])
    os.close(ours)
    for number in numbers:
        os.dup2(theirs, number)
    fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
    os.close(theirs)


# -------------------------------------------------------------------- files


def write_file(order: Order) -> int:
    """Copy the standard input into a file of the guest."""
    enter(order["pid"], ("mnt",))
    with open_for_writing(order["path"], order["mode"], order["user"], order["group"]) as target:
        shutil.copyfileobj(sys.stdin.buffer, target)
    return 0


def read_file(order: Order) -> int:
    """Copy a file of the guest to the standard output."""
    enter(order["pid"], ("mnt",))
    try:
        source = open(order["path"], "rb")  # noqa: PTH123, SIM115 - as given, closed below
    except OSError as error:
        raise AttachError(f"failed to open {order['path']}: {error.strerror}") from error
    with source:
        shutil.copyfileobj(source, sys.stdout.buffer)
    return 0


def open_for_writing(path: str, mode: str | None, user: str | None, group: str | None) -> Any:  # noqa: ANN401
    """A file to write to, new or emptied, with what is asked of mode and owners (PVE/CLI/pct.pm: create_file).

    Raises AttachError in pct's words.
    """
    owners = _number("uid", user, lambda name: pwd.getpwnam(name).pw_uid), _number("gid", group, _gid)
    bits = parse_mode(mode)
    is_new = not os.path.lexists(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    except OSError as error:
        raise AttachError(f"failed to create file: {path}: {error.strerror}") from error
    if bits is None and is_new:
        # Whatever the umask of the lab: pct has root's.
        bits = 0o644
    if bits is not None:
        os.fchmod(descriptor, bits)
    if owners != (-1, -1):
        os.fchown(descriptor, *owners)
    return os.fdopen(descriptor, "wb")


def parse_mode(text: str | None) -> int | None:
    """strtoul(3) with base 0. Raises AttachError for what is no number."""
    if text is None:
        return None
    try:
        return int(text, 8) if text[:1] == "0" and text[:2].lower() != "0x" else int(text, 0)
    except ValueError:
        raise AttachError(f"invalid mode: '{text}'") from None


def _gid(name: str) -> int:
    return grp.getgrnam(name).gr_gid


def _number(kind: str, name: str | None, look_up: Callable[[str], int]) -> int:
    """The number of an owner that is given by name or number; -1 for none."""
    if name is None or name.isdigit():
        return -1 if name is None else int(name)
    try:
        return look_up(name)
    except KeyError:
        raise AttachError(f"failed to get {kind} for: {name}") from None


# ---------------------------------------------------------- mounts, network


def mount_directory(order: Order) -> int:
    """Show a directory of this or of another process's mount namespace in the guest."""
    target_namespace = os.open(f"/proc/{order['pid']}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    if order["source_pid"]:
        enter(order["source_pid"], ("mnt",))
    tree = syscalls.open_tree(order["source"])
    syscalls.enter(target_namespace, syscalls.CLONE_NEWNS)
    target = order["target"]
    os.makedirs(target, exist_ok=True)  # noqa: PTH103 - as given
    syscalls.move_mount(tree, target)
    if order["read_only"]:
        syscalls.remount(target, syscalls.MS_RDONLY)
    return 0


def change_network(order: Order) -> int:
    """Write the guest's network configuration anew and bring up the cards named in ``up``."""
    enter(order["pid"])

    def work() -> None:
        container_setup.write_network(order["document"])
        if order["up"]:
            network.bring_up(order["up"])

    return in_child(work)


ACTIONS: dict[str, Callable[[Order], int]] = {
    "command": run_command,
    "write": write_file,
    "read": read_file,
    "mount": mount_directory,
    "network": change_network,
}

if __name__ == "__main__":
    main()
