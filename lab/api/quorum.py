# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node without quorum says of a write, by method and path: /etc/pve can be read there and not be written.

There is no one answer. Some methods look before they begin; some wait for a lock of the cluster; some find out when
they write a file, in the request or in its task. What writes nothing to /etc/pve succeeds (../golden quorum).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from lab.api.fake import PveError, TaskError, die
from lab.api.proxy import ProxyArea
from lab.api.tasks import worker_pid

WRITES = frozenset({"POST", "PUT", "DELETE"})
NOT_READY = "cluster not ready - no quorum?"
# Lab seconds a lock of the cluster is waited for.
LOCK_WAIT = 10.0


@dataclass(frozen=True)
class NotReady:
    """It looks first: refused at once (PVE/Cluster.pm: check_cfs_quorum)."""


@dataclass(frozen=True)
class NoLock:
    """It wants a lock, and gives up waiting. ``before`` is what a method puts before the error, by its verb."""

    lock: str
    before: Mapping[str, str] | str = ""

    def text(self, method: str, parameters: Mapping[str, str]) -> str:
        """The refusal."""
        before = self.before if isinstance(self.before, str) else self.before.get(method, "")
        lock = self.lock.format(**parameters)
        return f"{f'{before}: ' if before else ''}cfs-lock '{lock}' error: no quorum!"


@dataclass(frozen=True)
class NoWrite:
    """It writes a file: refused when it does."""

    file: str

    def text(self, parameters: Mapping[str, str], pid: int) -> str:
        """The refusal; the new content goes to a file beside the old one first."""
        path = self.file.format(**parameters)
        return f"unable to open file '/etc/pve/{path}.tmp.{pid}' - Permission denied"


Face = NotReady | NoLock | NoWrite


def verbs(creating: str, updating: str, deleting: str) -> Mapping[str, str]:
    """What goes before the error of each verb."""
    return {"POST": creating, "PUT": updating, "DELETE": deleting}


def file_of(name: str) -> str:
    """The lock of a file in /etc/pve (PVE/Cluster.pm: cfs_lock_file)."""
    return "file-" + re.sub(r"[./]", "_", name)


USERS = file_of("user.cfg")
GUEST = "/nodes/{node}/(qemu|lxc)/{vmid}"
QEMU_FILE, LXC_FILE = "nodes/{node}/qemu-server/{vmid}.conf", "nodes/{node}/lxc/{vmid}.conf"
ANY = "POST|PUT|DELETE"

# Methods, templates -> face. The first that matches counts; what matches none is carried out.
FACES: tuple[tuple[str, str, Face], ...] = (
    ("POST", r"/nodes/{node}/(qemu|lxc)", NotReady()),
    ("POST", GUEST + "/(status/start|clone)", NotReady()),
    (ANY, r"/cluster/(ha|sdn)(/.*)?", NotReady()),
    (ANY, r"/pools(/.*)?", NoLock(USERS, verbs("create pool failed", "update pools failed", "delete pool failed"))),
    (
        ANY,
        r"/access/users/{userid}/token/{tokenid}",
        NoLock(USERS, verbs("generating token failed", "updating token info failed", "deleting token failed")),
    ),
    (
        ANY,
        r"/access/users(/{userid})?",
        NoLock(USERS, verbs("create user failed", "update user failed", "delete user failed")),
    ),
    (
        ANY,
        r"/access/groups(/{groupid})?",
        NoLock(USERS, verbs("create group failed", "modify group failed", "delete group failed")),
    ),
    (
        ANY,
        r"/access/roles(/{roleid})?",
        NoLock(USERS, verbs("create role failed", "modify role failed", "delete role failed")),
    ),
    ("PUT", r"/access/acl", NoLock(USERS, "ACL update failed")),
    (
        ANY,
        r"/access/domains(/{realm})?",
        NoLock(
            file_of("domains.cfg"),
            verbs("add auth server failed", "update auth server failed", "delete auth server failed"),
        ),
    ),
    (
        ANY,
        r"/storage(/{storage})?",
        NoLock(
            file_of("storage.cfg"), verbs("create storage failed", "update storage failed", "delete storage failed")
        ),
    ),
    ("PUT", r"/cluster/options", NoLock(file_of("datacenter.cfg"))),
    (ANY, r"/cluster/(backup|jobs)(/.*)?", NoLock(file_of("jobs.cfg"))),
    (ANY, r"/cluster/replication(/.*)?", NoLock(file_of("replication.cfg"))),
    (ANY, r"/cluster/metrics/server(/.*)?", NoLock(file_of("status.cfg"))),
    (ANY, r"/cluster/notifications(/.*)?", NoLock(file_of("notifications.cfg"))),
    (ANY, r"/cluster/mapping/pci(/.*)?", NoLock(file_of("mapping/pci.cfg"))),
    (ANY, r"/cluster/mapping/usb(/.*)?", NoLock(file_of("mapping/usb.cfg"))),
    (ANY, r"/cluster/mapping/dir(/.*)?", NoLock(file_of("mapping/directory.cfg"))),
    (ANY, r"/cluster/firewall(/.*)?", NoLock("firewall-cluster")),
    (ANY, GUEST + "/firewall(/.*)?", NoLock("firewall-vm-{vmid}")),
    (ANY, r"/nodes/{node}/firewall(/.*)?", NoLock("firewall-host-{node}")),
    ("PUT", r"/nodes/{node}/qemu/{vmid}/(config|unlink|cloudinit|snapshot/{snapname}/config)", NoWrite(QEMU_FILE)),
    ("PUT", r"/nodes/{node}/lxc/{vmid}/(config|snapshot/{snapname}/config)", NoWrite(LXC_FILE)),
    ("PUT", r"/nodes/{node}/config", NoWrite("nodes/{node}/config")),
)
_FACES = tuple(
    (frozenset(methods.split("|")), re.compile(re.sub(r"\{([^}]*)\}", r"\\{\1\\}", template)), face)
    for methods, template, face in FACES
)

# Types of tasks that write the guest's configuration: they begin, and fail.
TASKS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("qmconfig", "qmsnapshot", "qmdelsnapshot", "qmrollback", "qmdestroy", "qmigrate", "qmmove"),
            *("qmresize", "qmtemplate", "resize"),
        ),
        QEMU_FILE,
    ),
    **dict.fromkeys(
        (*("vzsnapshot", "vzdelsnapshot", "vzrollback", "vzdestroy", "vzmigrate", "move_volume", "vztemplate"),),
        LXC_FILE,
    ),
}


@lru_cache(maxsize=1024)
def face_of(method: str, template: str) -> Face | None:
    """What a method is met with where there is no quorum; None for what is carried out all the same."""
    if method not in WRITES:
        return None
    return next((face for methods, path, face in _FACES if method in methods and path.fullmatch(template)), None)


class QuorumArea(ProxyArea):
    """Mixin: writes on a node that has no quorum."""

    async def meet_quorum(self, method: str, template: str, parameters: Mapping[str, str], node: str) -> None:
        """Raise what the node says that is to carry a request out, if it has no quorum."""
        await super().meet_quorum(method, template, parameters, node)
        if self.all_well() or self.is_quorate(node):
            return
        face = face_of(method, template)
        if face is not None:
            raise await self._quorum_refusal(face, method, parameters)

    async def _quorum_refusal(self, face: Face, method: str, parameters: Mapping[str, str]) -> PveError:
        if isinstance(face, NotReady):
            return die(NOT_READY)
        if isinstance(face, NoLock):
            await self.clock.sleep(LOCK_WAIT)
            return die(face.text(method, parameters))
        return die(face.text(parameters, self.new_pid()))

    def new_pid(self) -> int:
        """The id of a new process of the API daemon."""
        return int(next(self._pids))

    def need_quorum(self) -> None:
        """What fakepve asks within a handler: it was answered before, by the table."""

    def need_writable(self, ttype: str, tid: object, node: str) -> None:
        """Raise what a task meets that writes a guest's configuration on a node without quorum."""
        if ttype in TASKS and not (self.all_well() or self.is_quorate(node)):
            face = NoWrite(TASKS[ttype])
            raise TaskError(face.text({"node": node, "vmid": str(tid)}, worker_pid(self.new_pid())))
