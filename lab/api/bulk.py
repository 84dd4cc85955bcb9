# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many guests at once: ``startall`` and its like on a node, ``bulk-action`` in a cluster.

One task starts those of the guests, one after the other in the order of their option ``startup``; a guest that fails is
a line in its log (pve-manager, PVE/API2/Nodes.pm and PVE/API2/Cluster/BulkAction/Guest.pm).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from lab.api.backups import kind_of
from lab.api.fake import Call, PveError, Route, TaskError, Values, split_list
from lab.api.guests import GuestArea
from lab.api.node import NODE
from lab.api.tasks import log_line

# fakepve's guests carry no types.
Guest = Any
LABELS = {"qemu": "VM", "lxc": "CT"}
# Guests without an order come last (PVE/GuestHelpers.pm).
LAST = 2**31
STOP_TIMEOUT = 180


@dataclass(frozen=True)
class Action:
    """What is done to each guest: the request below it, and who is left out."""

    verb: str
    path: str
    privilege: str
    parameters: Callable[[Call, Guest], Values]
    chosen: Callable[[Call, Guest], bool]
    backwards: bool = False


def startup_of(guest: Guest) -> dict[str, int]:
    """The parts of the option ``startup``: order, and seconds to wait after a start (up) and for an end (down)."""
    pairs = (part.partition("=") for part in split_list(guest.config.get("startup")))
    return {name if mark else "order": int(value or name) for name, mark, value in pairs}


def place(guest: Guest) -> tuple[int, int]:
    """Where a guest is in the order of starts."""
    return startup_of(guest).get("order", LAST), int(guest.vmid)


def _is_running(_call: Call, guest: Guest) -> bool:
    return bool(guest.status == "running")


def _is_to_start(call: Call, guest: Guest) -> bool:
    onboot = str(guest.config.get("onboot")) == "1"
    return guest.status != "running" and (onboot or bool(call.get("force")))


def _is_stopped(_call: Call, guest: Guest) -> bool:
    return bool(guest.status != "running")


def _of_kind(kind: str, values: Mapping[str, Any]) -> Values:
    """The parameters that a kind of guest knows."""
    return {name: value for name, value in values.items() if kind == "qemu" or name != "with-local-disks"}


def _migration(call: Call, guest: Guest) -> Values:
    running, kind = guest.status == "running", kind_of(guest)
    moving = {"online" if kind == "qemu" else "restart": 1} if running else {}
    local = {"with-local-disks": 1} if call.get("with-local-disks") else {}
    return _of_kind(kind, {"target": call["target"], **moving, **local})


def _ending(call: Call, guest: Guest) -> Values:
    timeout = call.get("timeout", startup_of(guest).get("down", STOP_TIMEOUT))
    return {"timeout": timeout, "forceStop": int(bool(call.get("force-stop", 1)))}


def _nothing(_call: Call, _guest: Guest) -> Values:
    return {}


START = Action("Starting", "status/start", "VM.PowerMgmt", _nothing, _is_to_start)
STOP = Action("Stopping", "status/shutdown", "VM.PowerMgmt", _ending, _is_running, backwards=True)
SUSPEND = Action("Suspending", "status/suspend", "VM.PowerMgmt", lambda *_: {"todisk": 1}, _is_running, backwards=True)
MIGRATE = Action("Migrating", "migrate", "VM.Migrate", _migration, lambda *_: True)
ON_NODE: Mapping[str, Action] = {"startall": START, "stopall": STOP, "suspendall": SUSPEND, "migrateall": MIGRATE}
# Those that are asked for by name are started whether they have onboot or not.
IN_CLUSTER: Mapping[str, tuple[str, Action]] = {
    "start": ("bulkstart", Action("Starting", "status/start", "VM.PowerMgmt", _nothing, _is_stopped)),
    "shutdown": ("bulkshutdown", STOP),
    "suspend": ("bulksuspend", SUSPEND),
    "migrate": ("bulkmigrate", MIGRATE),
}


class BulkArea(GuestArea):
    """Mixin: actions on many guests."""

    def routes(self) -> list[Route]:
        """Four on a node, four in the cluster."""
        bulk = "/cluster/bulk-action/guest"
        return [
            *(("POST", f"{NODE}/{name}", partial(self._on_node, name)) for name in ON_NODE),
            *(("POST", f"{bulk}/{name}", partial(self._in_cluster, name)) for name in IN_CLUSTER),
        ]

    async def _on_node(self, name: str, call: Call) -> str:
        """Without the privilege for everything, all guests must be named, and each needs it."""
        action, wanted = ON_NODE[name], [int(vmid) for vmid in split_list(call.get("vms"))]
        if not self.allowed(call.user, "/", action.privilege):
            for path in [f"/vms/{vmid}" for vmid in wanted] or ["/"]:
                self.require(call.user, path, action.privilege)
        guests = [guest for guest in self._all_guests(wanted) if guest.node == call["node"]]
        upid: str = await self._start_bulk(call, call["node"], name, action, guests)
        return upid

    async def _in_cluster(self, name: str, call: Call) -> str:
        """Guests that the user may not touch are left out."""
        ttype, action = IN_CLUSTER[name]
        wanted = [int(vmid) for vmid in call.get("vms") or ()]
        guests = [
            guest
            for guest in self._all_guests(wanted)
            if self.allowed(call.user, f"/vms/{guest.vmid}", action.privilege)
        ]
        upid: str = await self._start_bulk(call, self.asked_node(), ttype, action, guests)
        return upid

    def _all_guests(self, wanted: Iterable[int]) -> list[Guest]:
        """Guests that are no templates: those that are wanted, or all."""
        vmids = set(wanted)
        return [guest for guest in (*self.vms, *self.cts) if not guest.template and (not vmids or guest.vmid in vmids)]

    async def _start_bulk(self, call: Call, node: str, ttype: str, action: Action, guests: Iterable[Guest]) -> str:
        chosen = sorted((guest for guest in guests if action.chosen(call, guest)), key=place, reverse=action.backwards)

        async def body() -> None:
            for guest in chosen:
                await self._act_on(action, call, guest)

        upid: str = await self.task(node, ttype, "", call.user, body)
        return upid

    async def _act_on(self, action: Action, call: Call, guest: Guest) -> None:
        """Do it to one guest, and wait for its task."""
        kind = kind_of(guest)
        label = f"{action.verb} {LABELS[kind]} {guest.vmid}"
        log_line(label)
        request = self._table["POST", f"{NODE}/{kind}/{{vmid}}/{action.path}"]
        values = {"node": guest.node, "vmid": guest.vmid, **action.parameters(call, guest)}
        try:
            with self.on_node(guest.node):
                upid = str(await request(Call(values, call.user)))
            status = await self._end_of(upid)
        except (PveError, TaskError) as error:
            status = str(error)
        if status != "OK":
            log_line(f"{label} failed: {status}")
        elif action is START and startup_of(guest).get("up"):
            log_line(f"Waiting for {startup_of(guest)['up']} seconds (startup delay)")
            await self.clock.sleep(startup_of(guest)["up"])

    async def _end_of(self, upid: str) -> str:
        worker = self._workers.get(upid)
        if worker is not None:
            await asyncio.wait({worker})
        return str(self.tasks[upid].get("exitstatus", "OK"))
