# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guests that HA manages: their power and motion are the manager's (../golden ha, ha-3node).

Resources, rules, the manager and what it tells of itself are in ``ha_*.py``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from lab.api.fake import Call, FakeVm, Route, TaskError, Values, die
from lab.api.ha_resources import ONE, TITLES
from lab.api.ha_status import HaStatusArea
from lab.api.tasks import log_line

# Lab seconds a guest has to shut down before its power is cut (PVE/HA/Resources/PVEVM.pm).
SHUTDOWN_TIMEOUT = 60.0


class HaArea(HaStatusArea):
    """Mixin: managed guests, and ``migrate`` and ``relocate`` of resources."""

    def __init__(self, **options: object) -> None:
        """Start without a guest that is to be stopped at once."""
        super().__init__(**options)
        self._hard_stops: set[int] = set()

    def routes(self) -> list[Route]:
        """The motion of resources."""
        return [
            ("POST", ONE + "/migrate", self._ha_motion("migrate")),
            ("POST", ONE + "/relocate", self._ha_motion("relocate")),
        ]

    # ------------------------------------------------------------ manager's own

    async def _manager_task(self, guest: Any, *, start: bool) -> str:  # noqa: ANN401 - a guest of fakepve
        hard = guest.vmid in self._hard_stops
        self._hard_stops.discard(guest.vmid)

        async def body() -> None:
            if start:
                await self._power_on(guest)
            else:
                await self._end_managed(guest, hard=hard)

        ttype = "qmstart" if start else "qmstop" if hard else "qmshutdown"
        with self.on_node(guest.node):
            upid: str = await self.task(guest.node, ttype, guest.vmid, "root@pam", body, vm=guest)
        return upid

    async def _end_managed(self, guest: FakeVm, *, hard: bool) -> None:
        """Shut a VM down; the power of one that does not listen is cut in the end."""
        listens = not hard and guest.acpi and guest.vmid in await self.driver.running()
        if not (listens and await self.driver.shutdown(guest.vmid, SHUTDOWN_TIMEOUT)):
            await self.clock.sleep(0.0 if hard or listens else SHUTDOWN_TIMEOUT)
            await self.driver.kill(guest.vmid)
        self._powered_off(guest)

    async def _motion_task(self, guest: Any, call: Call) -> str:  # noqa: ANN401
        taking_disks = Call({**call.values, "with-local-disks": 1}, call.user)

        async def body() -> None:
            if guest.status == "running" and not call.get("online"):
                # A relocation stops the guest here; it starts there.
                await self._end_managed(guest, hard=False)
            await self.move_guest(guest, taking_disks)

        upid: str = await self.task(guest.node, "qmigrate", guest.vmid, call.user, body, vm=guest)
        return upid

    # --------------------------------------------------------- managed guests

    def _managed(self, call: Call) -> FakeVm | None:
        guest = self.vm(int(call["vmid"]))
        return guest if guest is not None and guest.node == call["node"] and self.is_managed(guest) else None

    def is_managed(self, guest: Any) -> bool:  # noqa: ANN401
        """Whether the manager decides over a guest; disarmed, HA may leave it alone."""
        disarm = self.ha_memory_of_manager().disarm
        return bool(guest.ha_managed) and not (disarm and disarm["mode"] == "ignore")

    async def _start(self, call: Call) -> str:
        """A managed guest is started by the manager: the task only asks for it."""
        managed = self._managed(call)
        return await super()._start(call) if managed is None else await self._ask_state(managed, call, "started")

    async def _stop(self, call: Call) -> str:
        managed = self._managed(call)
        if managed is None:
            return await super()._stop(call)
        self._hard_stops.add(managed.vmid)
        return await self._ask_state(managed, call, "stopped")

    async def _shutdown(self, call: Call) -> str:
        managed = self._managed(call)
        return await super()._shutdown(call) if managed is None else await self._ask_state(managed, call, "stopped")

    async def _ask_state(self, guest: Any, call: Call, state: str) -> str:  # noqa: ANN401
        verb = "start" if state == "started" else "stop"
        sid = self._full_sid(str(guest.vmid))

        async def body() -> None:
            log_line(f"Requesting HA {verb} for {TITLES[sid[:2]]} {guest.vmid}")
            self._check_no_error(sid)
            self.ha_resources[sid]["state"] = state
            self._follow_wish(sid)

        upid: str = await self.task(guest.node, f"ha{verb}", guest.vmid, call.user, body)
        return upid

    # ---------------------------------------------------------------- motion

    async def _preconditions(self, call: Call) -> Values:
        """Of a managed VM also which resources come along, and which stand in the way."""
        found: Values = await super()._preconditions(call)
        guest = self.vm(int(call["vmid"]))
        if guest is None or not self.is_managed(guest):
            return found
        sid = self._full_sid(str(guest.vmid))
        blocked = {node: {"blocking-ha-resources": rows} for node in self.nodes if (rows := self._blocking(sid, node))}
        refused = {node: why | blocked.get(node, {}) for node, why in found["not_allowed_nodes"].items()}
        return found | {
            "dependent-ha-resources": self._mates(sid),
            "allowed_nodes": [node for node in found["allowed_nodes"] if node not in blocked],
            "not_allowed_nodes": refused,
        }

    def _ha_motion(self, action: str) -> Callable[[Call], Awaitable[Values]]:
        async def handle(call: Call) -> Values:
            sid, node = self._full_sid(call["sid"]), call["node"]
            if sid not in self.ha_resources:
                raise die(f"resource '{sid}' is not HA managed")
            self._check_no_error(sid)
            mates, blocking = self._mates(sid), self._blocking(sid, node)
            self.queue_motion(action, sid, node)
            shown: Values = {"sid": sid, "requested-node": node}
            shown |= {"comigrated-resources": mates} if mates else {}
            return shown | ({"blocking-resources": blocking} if blocking else {})

        return handle

    def queue_motion(self, action: str, sid: str, node: str) -> None:
        """Ask the manager to move a resource, and with it those it belongs to; in vain where a rule forbids it."""
        services = self.ha_memory_of_manager().services
        if self._blocking(sid, node):
            return
        if sid not in services:
            self.manager_round()
        for moved in [sid, *self._mates(sid)]:
            if moved in services and services[moved].node != node:
                services[moved].command = [action, node]
        self._ask_manager()

    def _mates(self, sid: str) -> list[str]:
        """The resources that a rule keeps with this one."""
        managed = self.ha_memory_of_manager().services
        return sorted(other for other in self._affinity().together.get(sid, ()) if other in managed)

    def _blocking(self, sid: str, node: str) -> list[Values]:
        """Resources on a node, or on their way to it, that a rule keeps apart from this one."""
        apart = sorted(self._affinity().apart.get(sid, ()))
        return [{"sid": other, "cause": "resource-affinity"} for other in apart if node in self._places(other)]

    def _places(self, sid: str) -> set[str | None]:
        """Where a resource is, and where it is going; of one the manager has yet to meet, where the guest is."""
        service = self.ha_memory_of_manager().services.get(sid)
        return {service.node, service.target} if service else {getattr(self._ha_guest(sid), "node", None)}

    async def request_motion(self, guest: Any, target: str, user: str) -> str:  # noqa: ANN401
        """``POST .../migrate`` of a managed guest asks the manager."""
        sid = self._full_sid(str(guest.vmid))

        async def body() -> None:
            log_line(f"Requesting HA migration for {TITLES[sid[:2]]} {guest.vmid} to node {target}")
            blocking = self._blocking(sid, target)
            if blocking:
                log_line(f"cannot migrate resource '{sid}' to node '{target}':")
                log_line("")
                for other in blocking:
                    log_line(
                        f"- resource '{other['sid']}' on target node '{target}' in negative affinity with "
                        f"resource '{sid}'"
                    )
                raise TaskError(f"command 'ha-manager migrate {sid} {target}' failed: exit code 2")
            self.queue_motion("migrate", sid, target)

        upid: str = await self.task(guest.node, "hamigrate", guest.vmid, user, body)
        return upid
