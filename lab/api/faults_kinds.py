# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of faults: what each is told, and an example. What they do is beside what they do it to.

=========================  ==========================================
requests and connections   :mod:`lab.api.faults_wire`
tasks                      :mod:`lab.api.tasks`
storages                   :mod:`lab.api.faults_storage`
guests, logins, nodes      :mod:`lab.api.faults_state`
=========================  ==========================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from lab.api.faults import Chanced, ConnectionFault, Document, Event, Fault, RequestFault, option

SECONDS = "seconds"
NODES = (
    *("on", "off", "cut-off", "hung", "refusing"),
    *("no-pmxcfs", "no-corosync", "no-pvedaemon", "pvedaemon-hung"),
)

# ----------------------------------------------------------------- requests


@dataclass(frozen=True, kw_only=True)
class Latency(RequestFault):
    """Answers come later, in the client's time."""

    kind = "latency"
    example: ClassVar[Document] = {"seconds": 0.2, "jitter": 0.1, "path": "/nodes/*/qemu/*"}

    seconds: float = option("before the request is worked on", unit=SECONDS, minimum=0)
    jitter: float = option("by chance up to so much more", default=0.0, unit=SECONDS, minimum=0)


@dataclass(frozen=True, kw_only=True)
class ConnectionLatency(ConnectionFault):
    """Connections are accepted, and wait before the TLS handshake."""

    kind = "connection-latency"
    example: ClassVar[Document] = {"seconds": 0.2}

    seconds: float = option("before the handshake", unit=SECONDS, minimum=0)
    jitter: float = option("by chance up to so much more", default=0.0, unit=SECONDS, minimum=0)


@dataclass(frozen=True, kw_only=True)
class Drop(RequestFault):
    """The connection is closed instead of an answer. The request is not carried out."""

    kind = "drop"
    example: ClassVar[Document] = {"path": "/version", "times": 2}


@dataclass(frozen=True, kw_only=True)
class Reset(RequestFault):
    """The connection is reset (TCP RST) instead of an answer. The request is not carried out."""

    kind = "reset"
    example: ClassVar[Document] = {"method": "POST", "probability": 0.1, "seed": 7}


@dataclass(frozen=True, kw_only=True)
class Hang(RequestFault):
    """No answer, until the fault is removed: then the connection is closed. The request is never carried out."""

    kind = "hang"
    example: ClassVar[Document] = {"node": "father"}


@dataclass(frozen=True, kw_only=True)
class Garbage(RequestFault):
    """An answer that is none. The request is carried out unless ``before``."""

    kind = "garbage"
    example: ClassVar[Document] = {"form": "html", "status": 502, "path": "/cluster/resources"}

    form: str = option(
        "bytes that are no HTTP; JSON cut off in the middle; a Content-Length that is too high; a proxy's page",
        choices=("bytes", "json", "length", "html"),
    )
    status: int = option("of a proxy's page", default=502, minimum=200, maximum=599)
    before: bool = option("the request is not carried out", default=False)


@dataclass(frozen=True, kw_only=True)
class Fail(RequestFault):
    """An error in PVE's shape. The request is not carried out. 401, 595 and 596 have no body, as on PVE."""

    kind = "fail"
    example: ClassVar[Document] = {
        "method": "GET",
        "path": "/nodes/father/status",
        "status": 595,
        "message": "No route to host",
    }

    status: int = option("HTTP status", minimum=400, maximum=599)
    message: str = option("reason and message", default="injected failure")
    errors: tuple[str, ...] = option("a parameter's error, as in vmid=invalid format", default=())


@dataclass(frozen=True, kw_only=True)
class SlowBody(RequestFault):
    """The head of the answer comes at once, its body bit by bit."""

    kind = "slow-body"
    example: ClassVar[Document] = {"path": "/cluster/resources", "rate": 2000}

    rate: float = option("of the body", unit="bytes a second", minimum=1)


@dataclass(frozen=True, kw_only=True)
class LoseAnswer(RequestFault):
    """The request is carried out, the answer gets lost: the connection breaks, or a proxy answers ``status``."""

    kind = "lose-answer"
    example: ClassVar[Document] = {"method": "POST", "path": "/nodes/father/qemu", "status": 596}

    status: int = option("a proxy's; 0: the connection breaks", default=0, minimum=0, maximum=599)
    before: bool = option("the request is not carried out either", default=False)
    seconds: float = option("so long after the answer it is carried out", default=0.0, unit=SECONDS, minimum=0)
    times: int | None = option("over after striking so often", default=1, minimum=1)


# -------------------------------------------------------------------- tasks


@dataclass(frozen=True, kw_only=True)
class TaskTrouble(Chanced):
    """Tasks warn, take longer, fail in place of their work, or run until they are stopped."""

    kind = "task"
    example: ClassVar[Document] = {"type": "qmstart", "error": "start failed: QEMU exited with code 1"}

    type: str = option("of task, as in qmstart; * stands for anything", default="*")
    log: tuple[str, ...] = option("further lines; one that begins with 'WARN: ' gives WARNINGS", default=())
    error: str | None = option("the exit status; the work is not done", default=None)
    seconds: float = option("more until the work begins, of the lab's clock", default=0.0, unit=SECONDS, minimum=0)
    stuck: bool = option("it does nothing and runs until it is stopped, or the fault removed", default=False)
    vmid: int | None = option("tasks of this guest only", default=None)
    node: str = option("tasks of this node only", default="*")
    times: int | None = option("over after striking so often", default=1, minimum=1)


@dataclass(frozen=True, kw_only=True)
class HalfMade(Chanced):
    """No worker can be started: 500, and a guest that was to be made is left with nothing but its lock."""

    kind = "half-made"
    example: ClassVar[Document] = {"times": 3}

    type: str = option("of task, as in qmcreate; * stands for anything", default="*create")
    times: int | None = option("over after striking so often", default=1, minimum=1)


# ------------------------------------------------------------------- guests


@dataclass(frozen=True, kw_only=True)
class GuestFault(Fault):
    """A fault of one guest."""

    vmid: int = option("the guest")


@dataclass(frozen=True, kw_only=True)
class Lock(GuestFault):
    """The guest is locked, as a backup or migration leaves it that was cut short."""

    kind = "lock"
    example: ClassVar[Document] = {"vmid": 100, "lock": "backup"}

    lock: str = option(
        "what it is locked for",
        default="backup",
        choices=(
            *("backup", "clone", "create", "destroyed", "disk", "fstrim", "migrate", "mounted", "rollback"),
            *("snapshot", "snapshot-delete", "suspended", "suspending"),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Busy(GuestFault):
    """Another process holds the guest's configuration: what wants to change it waits, and fails."""

    kind = "busy"
    example: ClassVar[Document] = {"vmid": 100}


@dataclass(frozen=True, kw_only=True)
class HangAgent(GuestFault):
    """The guest agent runs, and does not answer."""

    kind = "hang-agent"
    example: ClassVar[Document] = {"vmid": 100}


@dataclass(frozen=True, kw_only=True)
class NoAgent(GuestFault):
    """The guest agent is not running."""

    kind = "no-agent"
    example: ClassVar[Document] = {"vmid": 100}


@dataclass(frozen=True, kw_only=True)
class BlockAgent(GuestFault):
    """The guest agent refuses commands."""

    kind = "block-agent"
    example: ClassVar[Document] = {"vmid": 100, "commands": ["guest-exec", "guest-file-open"]}

    commands: tuple[str, ...] = option("the agent's own names of them")


@dataclass(frozen=True, kw_only=True)
class Deaf(GuestFault):
    """The guest ignores a shutdown."""

    kind = "deaf"
    example: ClassVar[Document] = {"vmid": 100}


@dataclass(frozen=True, kw_only=True)
class Crash(Event):
    """The guest's process is gone."""

    kind = "crash"
    example: ClassVar[Document] = {"vmid": 100}

    vmid: int = option("the guest")


# ----------------------------------------------------------------- storages


@dataclass(frozen=True, kw_only=True)
class StorageFault(Fault):
    """A fault of one storage, on one node or on all."""

    storage: str = option("the storage")
    node: str = option("on this node only", default="*")


@dataclass(frozen=True, kw_only=True)
class StorageFull(StorageFault):
    """Nothing fits any more: disks, uploads, downloads and backups fail in the words of its type."""

    kind = "storage-full"
    example: ClassVar[Document] = {"storage": "local-lvm"}


@dataclass(frozen=True, kw_only=True)
class StorageOffline(StorageFault):
    """The storage cannot be reached: it is inactive, and what needs it is refused."""

    kind = "storage-offline"
    example: ClassVar[Document] = {"storage": "shared", "node": "mother"}


@dataclass(frozen=True, kw_only=True)
class StorageSlow(StorageFault):
    """Each volume that is made or copied, each upload, download and backup takes longer."""

    kind = "storage-slow"
    example: ClassVar[Document] = {"storage": "local-lvm", "seconds": 30}

    seconds: float = option("more, of the lab's clock", unit=SECONDS, minimum=0)


# ------------------------------------------------------------ logins, nodes


@dataclass(frozen=True, kw_only=True)
class ExpireTickets(Event):
    """Every ticket that was given out so far has expired."""

    kind = "expire-tickets"
    example: ClassVar[Document] = {"user": "root@pam"}

    user: str = option("only those of this user", default="*")


@dataclass(frozen=True, kw_only=True)
class NodeFault(Fault):
    """A node is off, cut off, hangs, refuses connections, or has no /etc/pve. Removed, it is on again."""

    kind = "node"
    example: ClassVar[Document] = {"node": "son", "state": "cut-off"}

    node: str = option("the node")
    state: str = option("what has become of it", choices=NODES)


KINDS: Mapping[str, type[Fault]] = {
    kind.kind: kind
    for kind in (
        *(Latency, ConnectionLatency, Drop, Reset, Hang, Garbage, Fail, SlowBody, LoseAnswer),
        *(TaskTrouble, HalfMade),
        *(Lock, Busy, HangAgent, NoAgent, BlockAgent, Deaf, Crash),
        *(StorageFull, StorageOffline, StorageSlow),
        *(ExpireTickets, NodeFault),
    )
}
