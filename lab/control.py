# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the lab up and down and lets others into its network. The one file of the lab that the driver imports."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from lab import father, image, init, lan, layout, processes, rootless, snapshot
from lab.filelock import locked
from lab.guests import syscalls

Log = Callable[[str], None]

_NAMESPACES = ("--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_UP_BOUND = 60.0
_CONTROL_TIMEOUT = 10.0
_DOWN_BOUND = 20.0
_KILL_BOUND = 5.0
_ROOTLESS_SSH_PORT = 2222
_MESSAGE_SIZE = 65536
_LOG_TAIL = 15


class LabError(Exception):
    """The lab could not do what was asked; says what was tried, what happened and what to do."""


@dataclass(frozen=True)
class NodeStatus:
    """A node of the lab: its address there, and ``host:port`` of its forwards on loopback."""

    address: str
    api_forward: str
    ssh_forward: str


@dataclass(frozen=True)
class LabStatus:
    """A running lab. ``pid`` is its first process as the machine sees it."""

    pid: int
    started_at: int
    instance: str
    rootless: bool
    state_dir: Path
    nodes: dict[str, NodeStatus]


def status() -> LabStatus | None:
    """The running lab, or None; a record that a killed lab left behind counts as none."""
    state = layout.state_dir()
    try:
        record = json.loads((state / "lab.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    if not processes.alive(record["pid"], record["started_at"]):
        return None
    nodes = {name: NodeStatus(**fields) for name, fields in record["nodes"].items()}
    return LabStatus(**{**record, "state_dir": state, "nodes": nodes})


def ensure_up(log: Log) -> LabStatus:
    """Bring the lab up unless it is. Raises LabError, or ImageError when its root image cannot be built."""
    if (present := status()) is not None:
        return present
    state = layout.state_dir()
    _make_private(state)
    with locked(state / "lock"):
        return status() or _start(state, image.ensure(log), log)


def _make_private(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory.chmod(0o700)


def _start(state: Path, root: image.Image, log: Log) -> LabStatus:
    if (reason := rootless.obstacle()) is not None:
        raise LabError(
            f"Cannot start the lab's guests without root: {reason}. Run as root, or install uidmap and give this user "
            "a range in /etc/subuid and /etc/subgid."
        )
    log("Starting the lab")
    ports = (layout.API_PORT, layout.SSH_PORT if os.geteuid() == 0 else _ROOTLESS_SSH_PORT)
    address, listeners = lan.listen(state, ports)
    try:
        father.prepare(state, address)
        return _launch(state, root, address, listeners)
    finally:
        for listener in listeners:
            listener.close()


def _launch(state: Path, root: image.Image, address: str, listeners: list[socket.socket]) -> LabStatus:
    # Packets keep messages apart, however late they are read.
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    ours.settimeout(_UP_BOUND)
    targets = (layout.API_PORT, layout.SSH_PORT)
    code = snapshot.take(state / "code", root)
    config = init.Config(
        state=str(state),
        base=str(root.root),
        lab=str(code / snapshot.PACKAGE.name),
        python=str(root.python),
        status=theirs.fileno(),
        sockets=[
            (listener.fileno(), layout.FATHER_ADDRESS, port) for listener, port in zip(listeners, targets, strict=True)
        ],
    )
    with ours, theirs:
        _spawn(state, config)
        theirs.close()
        return _await_ready(state, ours, address, listeners)


def _spawn(state: Path, config: init.Config) -> None:
    """Start the lab's first process, detached from this one."""
    command = ["setsid", "--fork", "unshare", *_namespace_options(), "--", *init.command(config)]
    descriptors = [config.status, *(descriptor for descriptor, _, _ in config.sockets)]
    # Nothing of the caller's environment: it may hold secrets, and the lab outlives the caller.
    environment = {"PATH": _PATH, "LANG": "C.UTF-8", "PYTHONPATH": str(Path(config.lab).parent)}
    with _open_log(state) as output:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=descriptors,
            env=environment,
            cwd="/",
            check=True,
        )


def _namespace_options() -> tuple[str, ...]:
    return _NAMESPACES if os.geteuid() == 0 else (*rootless.MAP_OPTIONS, *_NAMESPACES)


def _open_log(state: Path) -> IO[bytes]:
    path = state / "lab.log"
    path.touch(mode=0o600)
    return path.open("wb")


def _await_ready(state: Path, channel: socket.socket, address: str, listeners: list[socket.socket]) -> LabStatus:
    """Follow the start. The first message's credentials carry the pid, translated by the kernel for us."""
    pid = _expect(state, channel, init.STARTED)
    forwards = [f"{address}:{listener.getsockname()[1]}" for listener in listeners]
    present = LabStatus(
        pid=pid,
        started_at=processes.start_time(pid) or 0,
        instance=secrets.token_hex(4),
        rootless=os.geteuid() != 0,
        state_dir=state,
        nodes={layout.FATHER: NodeStatus(layout.FATHER_ADDRESS, *forwards)},
    )
    _expect(state, channel, init.READY)
    _write_record(state, present)
    channel.sendall(init.OK)
    return present


def _expect(state: Path, channel: socket.socket, word: bytes) -> int:
    """Receive one message; returns its sender's pid. Raises LabError with what was said instead."""
    size = struct.calcsize("3i")
    try:
        data, ancillary, _, _ = channel.recvmsg(_MESSAGE_SIZE, socket.CMSG_SPACE(size))
    except TimeoutError:
        raise LabError(f"The lab did not start within {_UP_BOUND:.0f} s; see {state / 'lab.log'}") from None
    if data != word:
        said = data.removeprefix(init.FAILED).decode(errors="replace") or _log_tail(state)
        raise LabError(f"The lab did not start: {said}\nSee {state / 'lab.log'}.")
    return int(struct.unpack("3i", ancillary[0][2][:size])[0])


def _log_tail(state: Path) -> str:
    lines = (state / "lab.log").read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-_LOG_TAIL:])


def _write_record(state: Path, present: LabStatus) -> None:
    record = asdict(present)
    del record["state_dir"]
    fresh = state / "lab.json.new"
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    fresh.replace(state / "lab.json")


def down() -> bool:
    """End the lab: in order, and by force when that takes too long. False when it did not run."""
    state = layout.state_dir()
    if not state.is_dir():
        return False
    with locked(state / "lock"):
        present = status()
        if present is not None:
            _end(present)
        (state / "lab.json").unlink(missing_ok=True)
    return present is not None


def _end(present: LabStatus) -> None:
    if processes.end(present.pid, present.started_at, signal.SIGTERM, _DOWN_BOUND):
        return
    if not processes.end(present.pid, present.started_at, signal.SIGKILL, _KILL_BOUND):
        raise LabError(f"The lab's first process {present.pid} does not end, even when killed")


def reset() -> None:
    """End the lab and forget its state: nodes, guests, keys, tokens. The root image stays."""
    down()
    state = layout.state_dir()
    if not state.is_dir():
        return
    with locked(state / "lock"):
        for entry in state.iterdir():
            if entry.name != "lock":
                _remove(entry)


def _remove(path: Path) -> None:
    """Remove a file or a tree; without root a node's tree belongs to mapped ids."""
    if not path.is_dir():
        path.unlink()
    elif os.geteuid() == 0:
        shutil.rmtree(path)
    else:
        image.remove(path)


def _running() -> LabStatus:
    present = status()
    if present is None:
        raise LabError("The lab is not up. Start it with: ./run.sh lab up")
    return present


def enter_network() -> None:
    """Move this thread, and what it starts, into the lab's network.

    Without root the kernel allows it only while there is no other thread. Raises LabError when the lab is not up,
    OSError when the kernel refuses.
    """
    present = _running()
    if _is_inside(present):
        return
    kinds = [("net", syscalls.CLONE_NEWNET)]
    if present.rootless:
        kinds.insert(0, ("user", syscalls.CLONE_NEWUSER))
    for name, kind in kinds:
        descriptor = os.open(f"/proc/{present.pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            syscalls.enter(descriptor, kind)
        finally:
            os.close(descriptor)


def _is_inside(present: LabStatus) -> bool:
    """Whether this thread is in the lab's network already."""
    return Path("/proc/thread-self/ns/net").samefile(f"/proc/{present.pid}/ns/net")


def inside(argv: Sequence[str]) -> list[str]:
    """The command that runs ``argv`` in the lab's network; itself for a process that is there."""
    present = _running()
    if _is_inside(present):
        return list(argv)
    options = ["--user", "--preserve-credentials"] if present.rootless else []
    return ["nsenter", f"--target={present.pid}", *options, "--net", "--", *argv]


def shell(argv: Sequence[str]) -> int:
    """Run a command in the lab's network with this process's terminal; returns its exit code."""
    return subprocess.run(inside(argv), check=False).returncode


def ssh(guest: str, argv: Sequence[str] = ()) -> int:
    """Log in to a node or guest by name, address or ``user@name``; returns ssh's exit code."""
    return subprocess.run(ssh_command(guest, argv), check=False).returncode


def ssh_command(guest: str, argv: Sequence[str] = ()) -> list[str]:
    """The command :func:`ssh` runs. Raises LabError for a guest the lab does not know."""
    state = layout.state_dir()
    user, _, name = guest.rpartition("@")
    address, alias = locate(name, _leases(state))
    options = {
        "IdentityFile": str(father.ssh_key(state)),
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": str(father.known_hosts(state)),
        "HostKeyAlias": alias,
        # Guests are met for the first time; the node's key is pinned, and a changed key is refused for all.
        "LogLevel": "ERROR",
        "StrictHostKeyChecking": "yes" if address == layout.FATHER_ADDRESS else "accept-new",
    }
    flags = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    return inside(["ssh", *flags, f"{user or 'root'}@{address}", *argv])


def _leases(state: Path) -> str:
    path = state / "dnsmasq.leases"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def locate(name: str, leases: str) -> tuple[str, str]:
    """Address of a guest and the name its host key is kept under. Raises LabError listing the known names.

    ``leases`` is dnsmasq's file: expiry, MAC, address, host name, client id. The newest lease of a name wins. Keys are
    kept by MAC, as addresses are given out again.
    """
    rows = [row for line in leases.splitlines() if (row := line.split()) and row[0].isdigit() and ":" in row[1]]
    known = {layout.FATHER: (layout.FATHER_ADDRESS, layout.FATHER_ADDRESS)}
    known[layout.FATHER_ADDRESS] = known[layout.FATHER]
    for _, mac, address, host, *_ in sorted(rows, key=lambda row: int(row[0])):
        known[host] = known[address] = (address, mac)
    try:
        return known[name]
    except KeyError:
        names = ", ".join(sorted(key for key in known if not key[0].isdigit() and key != "*"))
        raise LabError(f"The lab has no guest {name!r} with an address. Known: {names}") from None


def requests(*, reset: bool = False, writes: bool = False) -> list[dict[str, Any]]:
    """The node's request log (method, path, status, whether it wrote); ``reset`` empties it afterwards."""
    query = "?writes=1" if writes else ""
    answer: list[dict[str, Any]] = json.loads(_control("GET", f"/requests{query}"))
    if reset:
        _control("DELETE", "/requests")
    return answer


def _control(method: str, path: str) -> bytes:
    """One call of the node API's control endpoint. Raises LabError when it does not answer with success."""
    present = _running()
    connection = _UnixConnection(father.control_socket(present.state_dir))
    try:
        connection.request(method, path)
        response = connection.getresponse()
        body = response.read()
    except OSError as error:
        raise LabError(f"The control endpoint of {layout.FATHER} does not answer: {error}") from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise LabError(f"{method} {path} at {layout.FATHER}: {response.status} {response.reason}")
    return body


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, whose path may be longer than the 107 bytes of an address."""

    def __init__(self, path: Path) -> None:
        super().__init__("lab", timeout=_CONTROL_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        """Connect through the directory's descriptor, which makes the address short."""
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(_CONTROL_TIMEOUT)
            self.sock.connect(f"/proc/self/fd/{directory}/{self._path.name}")
        finally:
            os.close(directory)
