# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving a guest to another node: what Proxmox VE says would be in the way, and the step. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Step, Until, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest, read_guests

LOCKED = re.compile(r"is locked \((?P<lock>[\w-]+)\)")
BASED = re.compile(r"(?P<base>base-\d+-[^/:]+)/")
"""In a volume id of a linked clone on a storage of files: the volume it stands on."""


@dataclass(frozen=True)
class Moved:
    """The steps of a move, and the guest where it is afterwards."""

    guest: Guest
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Motion:
    """How one kind of guest is moved."""

    allowed: str
    """Where ``GET .../migrate`` lists the nodes the guest may go to ..."""

    refused: str
    """... and those it may not, each with the reasons."""

    params: Callable[[Values, bool], Values]
    """From the module's parameters and whether the guest runs: parameters of the migration."""

    obstacles: Callable[[Values, Values], Sequence[str]]
    """From the module's parameters and PVE's answer: what is in the way on this node, each with what to do."""

    live: bool = True
    """Whether a guest goes on running while it is moved."""


def elsewhere(wish: Values, guest: Guest) -> bool:
    """Whether the guest is on another node than it should be."""
    return wish["state"] != "absent" and wish.get("node") not in (None, guest.node)


def preconditions(read: Reader, guest: Guest, node: str) -> Values:
    """What PVE says about a move. Raises RefusedError for a locked guest."""
    try:
        found: Values = read.get(guest.path("migrate"), {"target": node})
    except PveError as error:
        locked = LOCKED.search(error.message)
        if not locked:
            raise
        raise RefusedError(
            f"Cannot move {guest.label} from {guest.node} to {node}: it is locked ({locked['lock']}). Wait until that "
            "is done, and run again."
        ) from error
    return found


def moved(motion: Motion, wish: Values, found: Values, guest: Guest, *, running: bool) -> Moved:
    """The move to the wished node. Raises RefusedError where PVE's preconditions say that it would fail."""
    node = str(wish["node"])
    reasons = _of_node(motion, wish, found, node) or motion.obstacles(wish, {**found, "running": running})
    if reasons:
        raise RefusedError(f"Cannot move {guest.label} from {guest.node} to {node}: {' '.join(reasons)}")
    step = Step(
        "POST",
        guest.path("migrate"),
        {"target": node, **motion.params(wish, running)},
        f"move {guest.label} from {guest.node} to {node}",
        # The HA manager moves its guests itself; the task only asks it to.
        until=arrival(guest, node) if guest.managed else None,
        advice=ADVICE,
    )
    return Moved(replace(guest, node=node), (step,))


def _of_node(motion: Motion, wish: Values, found: Values, node: str) -> list[str]:
    """Why the node doesn't do; PVE itself ignores a node that doesn't exist."""
    refused = found.get(motion.refused) or {}
    known = sorted({*(found.get(motion.allowed) or ()), *refused})
    if node not in known:
        return [f"there is no such node. The other nodes are {', '.join(known) or 'none'}."]
    reasons = refused.get(node) or {}
    texts = {
        "unavailable_storages": "" if wish.get("target_storage") else
        "{node} does not have the storage {names}. Set target_storage to one that it has.",
        "unavailable-resources": "{node} has no device for the mapping {names}. Add it to the mapping first.",
        "blocking-ha-resources": "an HA rule keeps it apart from {names}. Move those first, or change the rule.",
    }  # fmt: skip
    return [
        text.format(node=node, names=", ".join(_names(reasons[key]))) for key, text in texts.items() if reasons.get(key)
        if text
    ]  # fmt: skip


def _names(values: Sequence[Json]) -> list[str]:
    return [str(value.get("sid")) if isinstance(value, dict) else str(value) for value in values]


def arrival(guest: Guest, node: str) -> Until:
    """The HA manager has moved the guest."""

    def seen(read: Reader) -> bool | None:
        found = next((item for item in read_guests(read) if item.vmid == guest.vmid), None)
        return True if found is not None and found.node == node and found.lock != "migrate" else None

    return Until(
        seen,
        f"The HA manager has not moved {guest.label} to {node} within {{timeout}} s. The cluster's HA status and the "
        f"tasks of {guest.node} say why.",
    )


ADVICE: Values = {
    r"migration aborted": "The task's log says which volume or device is in the way. Nothing was moved.",
    r"not available on node": "Set target_storage to a storage that the other node has.",
}


def disk_obstacles(wish: Values, found: Values) -> list[str]:
    """What keeps a VM where it is, by ``GET .../migrate`` (PVE::QemuMigrate, scan_local_volumes)."""
    devices = [str(name) for name in found.get("local_resources") or ()]
    disks = list(found.get("local_disks") or ())
    images = [disk for disk in disks if _is(disk, "cdrom") and not _is(disk, "is_cloudinit")]
    linked = [disk for disk in disks if BASED.search(str(disk["volid"]))]
    texts = [
        (devices, "it uses devices of this node: {}. Remove them, or use mapped devices."),
        (_drives(images), "{} holds an image of this node's. Eject it first (file: none in the option disks)."),
        (_drives(linked), "{} is a linked clone on a storage of this node. Move the disk to a shared storage first."),
        (_attached(wish, found, disks), "it is running, and {} is on a storage of this node. "
         "Set with_local_disks to true to copy the disks too."),
    ]  # fmt: skip
    return [text.format(", ".join(names)) for names, text in texts if names]


def _is(disk: Values, flag: str) -> bool:
    return bool(int(disk.get(flag) or 0))


def _drives(disks: Sequence[Values]) -> list[str]:
    return sorted(str(disk.get("drivename") or disk["volid"]) for disk in disks)


def _attached(wish: Values, found: Values, disks: Sequence[Values]) -> list[str]:
    if not found.get("running") or wish.get("with_local_disks"):
        return []
    return _drives([disk for disk in disks if _is(disk, "is_attached") and not _is(disk, "cdrom")])


def _vm_params(wish: Values, running: bool) -> Values:
    return {
        "online": True if running else None,
        "with-local-disks": True if running and wish.get("with_local_disks") else None,
        "targetstorage": wish.get("target_storage"),
        "bwlimit": wish.get("bwlimit"),
    }


VM_MOTION = Motion("allowed_nodes", "not_allowed_nodes", _vm_params, disk_obstacles)


def _container_params(wish: Values, running: bool) -> Values:
    return {
        "restart": True if running else None,
        "timeout": wish.get("shutdown_timeout") if running else None,
        "target-storage": wish.get("target_storage"),
        "bwlimit": wish.get("bwlimit"),
    }


def run_obstacle(wish: Values, found: Values) -> list[str]:
    """A running container is shut down for a move (PVE::LXC::Migrate): only if it may be restarted."""
    if not found.get("running") or wish.get("restart") != "never":
        return []
    return [
        "it is running, and containers are not moved while they run. Stop it first, or set restart to if_needed to "
        "have it restarted on the other node."
    ]


CONTAINER_MOTION = Motion("allowed-nodes", "not-allowed-nodes", _container_params, run_obstacle, live=False)

MOTION_OPTIONS: Options = {"with_local_disks": {"type": "bool", "default": False}, "target_storage": {"type": "str"}}
