"""Runs one command and sees to it that nothing it started outlives it.

Ansible's workers call setsid, so ending ansible-playbook's process group leaves them and their modules running
(ansible-core 2.19, lib/ansible/executor/process/worker.py). This small process stands between the driver and
ansible-playbook: it adopts every descendant that loses its parent (PR_SET_CHILD_SUBREAPER, prctl(2)) and ends them
all when the command ends, when it is told to (SIGTERM), and when the driver dies, be it by ``kill -9``
(PR_SET_PDEATHSIG). In the last case it also removes the driver's private directory.

Usage: leash.py DRIVER_PID PRIVATE_DIRECTORY COMMAND [ARGUMENT...]
It runs as a script under ``python -I -S``, hence imports nothing but the standard library's quick parts.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PID_FILE = "leash.pid"


def descendants(root: int) -> list[int]:
    """The process ids of everything below ``root``, as /proc shows it now."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - pathlib costs 10 ms of start
        parent = _parent(int(name))
        children.setdefault(parent, []).append(int(name))
    found = list(children.get(root, ()))
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:  # noqa: PTH123
            # The command's name may hold spaces and parentheses; the fields after it do not.
            return int(stream.read().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def kill_descendants() -> None:
    """Send SIGKILL to everything below this process."""
    for pid in descendants(os.getpid()):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def reap_until(child: int) -> int:
    """Collect ended children until ``child`` is among them; returns its wait status."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return status


def clear() -> None:
    """End and collect every remaining descendant."""
    while True:
        kill_descendants()
        try:
            os.wait()
        except ChildProcessError:
            return


def start(argv: list[str]) -> int:
    """Start the command with this process's terminal; returns its process id."""
    child = os.fork()
    if child:
        return child
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - no shell wanted
    except OSError as error:
        print(f"ERROR! cannot start {argv[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201
        os._exit(127)


def main(argv: list[str]) -> int:
    """Run the command on the leash; returns its exit code, or 128 + signal."""
    driver, private, command = int(argv[0]), argv[1], argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: kill_descendants())
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    with open(os.path.join(private, PID_FILE), "w", encoding="utf-8") as stream:  # noqa: PTH118, PTH123
        stream.write(str(os.getpid()))
    code = -signal.SIGTERM
    # The driver may have died before PR_SET_PDEATHSIG was set.
    if os.getppid() == driver:
        code = os.waitstatus_to_exitcode(reap_until(start(command)))
    clear()
    if os.getppid() != driver:
        _remove(private)
    return code if code >= 0 else 128 - code


def _remove(directory: str) -> None:
    import shutil  # noqa: PLC0415 - needed only when the driver died

    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
