# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The init of a guest: sets it up, starts its services, reaps, and ends it in order.

Started as ``unshare ... python3 -S -m lab.guests.pid1`` with the boot document as the first line of its standard input
and the number of a pipe as its argument. It says ``started`` in that pipe at once (its parent then plugs the cards),
``rooted`` once it is in its root (its parent then mounts what else belongs there, and writes ``go``), and ``ready``, or
``error: ...`` and ends. Signals follow small inits: SIGPWR and SIGTERM power off,
SIGINT reboots. A container whose configuration names another init becomes that in the end: ``booting`` says that it is
systemd, which tells by itself when it is up.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import cast

from lab.guests import commands, container_setup, entrypoint, firstboot, mounts, network, node, syscalls
from lab.guests.bootdoc import BootDocument

STARTED, ROOTED, BOOTING, READY, FAILED = "started", "rooted", "booting", "ready", "error: "
GO = "go"

_POWER_OFF = frozenset({signal.SIGPWR, signal.SIGTERM})
_REBOOT = frozenset({signal.SIGINT})
_WATCHED = _POWER_OFF | _REBOOT | {signal.SIGCHLD}

# Bounds of an orderly end, in seconds; each wait ends as soon as what it waits for is gone.
_REQUESTER_BOUND = 1.0
_API_BOUND = 10.0
_SERVICES_BOUND = 1.0
_POLL = 0.005


def main() -> None:
    """Boot, then supervise until the guest ends. Never returns normally."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    syscalls.set_name("init")
    os.umask(0o022)
    status = int(sys.argv[1])
    os.set_inheritable(status, False)
    document = cast(BootDocument, json.loads(sys.stdin.readline()))
    _report(status, STARTED)
    try:
        is_node = _boot(document, status)
        if init := entrypoint.program(document["entrypoint"]):
            _hand_over(init, document, status)
        api = _start_services(is_node=is_node)
    except (OSError, commands.CommandFailedError) as error:
        _report(status, f"{FAILED}{error}")
        raise SystemExit(1) from None
    _report(status, READY)
    os.close(status)
    _supervise(api)


def _report(status: int, text: str) -> None:
    os.write(status, f"{text}\n".encode())


def _boot(document: BootDocument, status: int) -> bool:
    """Set the guest up, all but its network; True when it is a node."""
    is_node = mounts.enter_root(document)
    (container_setup if document["kind"] == "lxc" else firstboot).apply(document)
    _report(status, ROOTED)
    syscalls.set_hostname(Path("/etc/hostname").read_text(encoding="utf-8").strip())
    if sys.stdin.readline().strip() != GO:
        raise OSError("the lab ended while the guest was booting")
    _detach_input()
    return is_node


def _start_services(*, is_node: bool) -> int | None:
    """Start what the lab's own init starts; returns the pid of the node's API daemon, if this is its place."""
    network.bring_up()
    commands.start(["/usr/sbin/sshd"])
    return _start_api() if is_node and not Path(node.SERVED_OUTSIDE).exists() else None


def _hand_over(init: entrypoint.Program, document: BootDocument, status: int) -> None:
    """Become the container's own init. What is no systemd finds only those cards up that the node looks after."""
    if init.is_systemd:
        entrypoint.prepare_for_systemd(document["vmid"])
    managed = [nic["name"] for nic in document["nics"] if nic["host_managed"]]
    network.bring_up(None if init.is_systemd else ["lo", *managed])
    _report(status, BOOTING if init.is_systemd else READY)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
    entrypoint.become(init, document["environment"])


def _detach_input() -> None:
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def _start_api() -> int:
    environment = {**commands.ENVIRONMENT, "PYTHONPATH": node.PYTHON_PATH}
    return commands.start(node.API_COMMAND, environment, node.API_LOG)


def _supervise(api: int | None) -> None:
    """Reap until somebody asks for the end."""
    while True:
        info = signal.sigwaitinfo(_WATCHED)
        if info.si_signo == signal.SIGCHLD:
            _reap()
            continue
        _wait_for_requester(info.si_pid)
        _end_services(api)
        syscalls.reboot(syscalls.RB_AUTOBOOT if info.si_signo in _REBOOT else syscalls.RB_POWER_OFF)


def _reap() -> None:
    """Collect every child that has ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _wait(bound: float, *pids: int) -> None:
    """Reap until every one of ``pids`` is gone, for at most ``bound`` seconds."""
    deadline = time.monotonic() + bound
    while any(_exists(pid) for pid in pids) and time.monotonic() < deadline:
        signal.sigtimedwait({signal.SIGCHLD}, _POLL)
        _reap()


def _exists(pid: int) -> bool:
    """Whether a signal could be sent; -1 stands for every process but this one."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_for_requester(pid: int) -> None:
    """Let ``reboot`` and the shells around it return to whoever called them over SSH."""
    _wait(_REQUESTER_BOUND, *_session(pid))


def _session(pid: int) -> list[int]:
    """A process and its ancestors up to the SSH server's; empty for a request from outside (pid 0)."""
    found: list[int] = []
    while pid > 1 and (name_and_parent := _name_and_parent(pid)):
        name, parent = name_and_parent
        if name == "sshd":
            break
        found.append(pid)
        pid = parent
    return found


def _name_and_parent(pid: int) -> tuple[str, int] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    name = text.partition("(")[2].rpartition(")")[0]
    return name, int(text.rpartition(")")[2].split()[1])


def _end_services(api: int | None) -> None:
    """End the API first, so that it ends its guests and saves its state; then everything else."""
    if api is not None:
        _end(api, signal.SIGTERM, _API_BOUND)
    _end(-1, signal.SIGTERM, _SERVICES_BOUND)
    _end(-1, signal.SIGKILL, _SERVICES_BOUND)


def _end(pid: int, sig: signal.Signals, bound: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sig)
        _wait(bound, pid)


if __name__ == "__main__":
    main()
