# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a lab: in namespaces of its own, or where those are refused, as an API on loopback."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import father, image, init, lan, layout, processes, record, requirements, rootless, snapshot
from lab.errors import LabError
from lab.members import Member, Plan, settle
from lab.record import LabStatus, NodeStatus

Log = Callable[[str], None]

_NAMESPACES = ("--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc")
_UP_BOUND = 60.0
_ROOTLESS_SSH_PORT = 2222
_MESSAGE_SIZE = 65536
_LOG_TAIL = 15
_FIRST_POLL, _LONGEST_POLL = 0.005, 0.1


def start(state: Path, log: Log, wanted: Plan | None = None) -> LabStatus:
    """Start the best lab this user can have; returns once its API answers. Raises LabError."""
    plan = settle(state, wanted)
    reason = rootless.obstacle()
    if reason is not None:
        if plan.nodes > 1:
            raise LabError(f"Several nodes need guests, which cannot run here: {reason}")
        log(
            f"Guests cannot run here: {reason}. The lab has only its API: VMs are states with no machine behind them. "
            "For guests run as root, or install uidmap, give this user a range in /etc/subuid and /etc/subgid and "
            "allow unprivileged user namespaces (Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0)."
        )
        return _start_api(state)
    requirements.check(state)
    root = image.ensure(log)
    log("Starting the lab")
    ports = (layout.API_PORT, layout.SSH_PORT if os.geteuid() == 0 else _ROOTLESS_SSH_PORT)
    with contextlib.ExitStack() as stack:
        entrances = [Entrance(member, *lan.listen(state, ports, member)) for member in plan.members]
        for listener in [listener for entrance in entrances for listener in entrance.listeners]:
            stack.enter_context(listener)
        _prepare(state, plan, entrances)
        return _start_guests(state, root, plan, entrances)


@dataclass(frozen=True)
class Entrance:
    """A node's loopback address, and the sockets that listen there: for its API, for its SSH."""

    member: Member
    address: str
    listeners: list[socket.socket]

    @property
    def forwards(self) -> list[str]:
        """``host:port`` of each."""
        return [f"{self.address}:{item.getsockname()[1]}" for item in self.listeners]

    @property
    def status(self) -> NodeStatus:
        """Where the node can be reached."""
        return NodeStatus(self.member.address, *self.forwards)


def _prepare(state: Path, plan: Plan, entrances: Sequence[Entrance]) -> None:
    """Make what the nodes need on disk."""
    if plan.nodes == 1:
        father.prepare(state, entrances[0].address)
    else:
        father.prepare_all(state, plan.members)
    father.write_ssh_config(state, {entrance.member: entrance.forwards[1] for entrance in entrances})


def _detach(
    state: Path,
    command: Sequence[str],
    code: Path,
    descriptors: Sequence[int] = (),
    source: int = subprocess.DEVNULL,
) -> None:
    """Start a process that outlives this one, with ``source`` as its input and the lab's log as its output.

    Nothing of the caller's environment goes along: it may hold secrets.
    """
    environment = {"PATH": requirements.PATH, "LANG": "C.UTF-8", "PYTHONPATH": str(code)}
    path = state / "lab.log"
    path.touch(mode=0o600)
    with path.open("wb") as output:
        subprocess.run(
            ["setsid", "--fork", *command],
            stdin=source,
            stdout=output,
            stderr=output,
            pass_fds=descriptors,
            env=environment,
            cwd="/",
            check=True,
        )


def _start_guests(state: Path, root: image.Image, plan: Plan, entrances: Sequence[Entrance]) -> LabStatus:
    """Start the lab's first process in new namespaces and follow it until the nodes answer."""
    ours, theirs = _channel()
    code = snapshot.take(state / "code", root)
    config = _config(state, root, code, status=theirs, plan=plan, entrances=entrances)
    command = ["unshare", *_namespace_options(), "--", *init.command(config)]
    alive, lives = os.pipe()
    with ours, theirs, os.fdopen(alive), os.fdopen(lives, "wb"):
        listeners = [descriptor for descriptor, _, _ in config.sockets]
        _detach(state, command, code, [config.status, lives, *listeners])
        _detach(state, _sweeper(), code, source=alive)
        theirs.close()
        pid = _expect(state, ours, init.STARTED)
        status = _status(state, pid, {item.member.name: item.status for item in entrances}, api_only=False)
        _expect(state, ours, init.READY)
        # Recorded before it is let go: without the last word it ends by itself, so no lab is ever without a record.
        record.write(status)
        ours.sendall(init.OK)
    return status


def _sweeper() -> list[str]:
    """The command that waits for the lab's end, whatever ends it, and removes its guests' cgroups.

    Nothing inside of the lab outlives it. Its input is a pipe whose other end the lab has open as long as it is.
    """
    sweep = shlex.join(rootless.mapped([sys.executable, "-S", "-m", "lab.guests.cgroups"]))
    return ["sh", "-c", f"read -r _; exec {sweep}"]


def _channel() -> tuple[socket.socket, socket.socket]:
    """A pair of sockets that keep messages apart, however late they are read, and tell who sent them."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    ours.settimeout(_UP_BOUND)
    return ours, theirs


def _config(
    state: Path, root: image.Image, code: Path, *, status: socket.socket, plan: Plan, entrances: Sequence[Entrance]
) -> init.Config:
    ports = (layout.API_PORT, layout.SSH_PORT)
    return init.Config(
        state=str(state),
        base=str(root.root),
        lab=str(code / snapshot.PACKAGE.name),
        python=str(root.python),
        status=status.fileno(),
        sockets=[
            (listener.fileno(), entrance.member.address, port)
            for entrance in entrances
            for listener, port in zip(entrance.listeners, ports, strict=True)
        ],
        nodes=plan.nodes,
        standalone=plan.standalone,
        forwards={entrance.member.name: entrance.address for entrance in entrances},
    )


def _namespace_options() -> tuple[str, ...]:
    return _NAMESPACES if os.geteuid() == 0 else (*rootless.MAP_OPTIONS, *_NAMESPACES)


def _status(state: Path, pid: int, nodes: dict[str, NodeStatus], *, api_only: bool) -> LabStatus:
    return LabStatus(
        pid=pid,
        started_at=processes.start_time(pid) or 0,
        instance=secrets.token_hex(4),
        rootless=os.geteuid() != 0 and not api_only,
        api_only=api_only,
        state_dir=state,
        nodes=nodes,
    )


def _expect(state: Path, channel: socket.socket, word: bytes) -> int:
    """Receive one message; returns its sender's pid, which the kernel translates for us."""
    size = struct.calcsize("3i")
    try:
        data, ancillary, _, _ = channel.recvmsg(_MESSAGE_SIZE, socket.CMSG_SPACE(size))
    except TimeoutError:
        raise _failed(state, f"no answer within {_UP_BOUND:.0f} s") from None
    if data != word:
        raise _failed(state, data.removeprefix(init.FAILED).decode(errors="replace") or _log_tail(state))
    return int(struct.unpack("3i", ancillary[0][2][:size])[0])


def _failed(state: Path, said: str) -> LabError:
    return LabError(
        f"The lab did not start: {said}\nSee {state / 'lab.log'}. To forget the lab's state: ./run.sh lab reset"
    )


def _log_tail(state: Path) -> str:
    lines = (state / "lab.log").read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-_LOG_TAIL:])


def _start_api(state: Path) -> LabStatus:
    """Serve the node's API on loopback, with VMs that are states only."""
    address, (listener,) = lan.listen(state, (layout.API_PORT,))
    with listener:
        config = father.configure_api_only(state, address, listener.fileno())
        process = state / "api.pid"
        for stale in (process, father.control_socket(state)):
            stale.unlink(missing_ok=True)
        script = 'echo $$ > "$1"; shift; exec "$@"'
        serve = [sys.executable, "-m", "lab.api", "--config", str(config)]
        _detach(state, ["sh", "-c", script, "api", str(process), *serve], snapshot.PACKAGE.parent, [listener.fileno()])
    pid = _await_api(state, process, address)
    shutil.copyfile(father.disk(state) / "data" / "pki" / "ca.pem", state / "ca.pem")
    forward = f"{address}:{layout.API_PORT}"
    status = _status(state, pid, {layout.FATHER: NodeStatus(address, forward, None)}, api_only=True)
    record.write(status)
    return status


def _await_api(state: Path, pid_file: Path, address: str) -> int:
    """Wait until the API accepts connections; returns its pid."""
    deadline, pause = time.monotonic() + _UP_BOUND, _FIRST_POLL
    while time.monotonic() < deadline:
        if pid_file.exists() and (text := pid_file.read_text(encoding="ascii").strip()):
            if processes.start_time(int(text)) is None:
                raise _failed(state, _log_tail(state))
            if father.control_socket(state).is_socket():
                return int(text)
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_POLL)
    raise _failed(state, f"the API on {address} did not answer within {_UP_BOUND:.0f} s")
