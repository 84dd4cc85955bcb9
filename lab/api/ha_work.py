# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HA manager at work: its passes on the lab's clock, and what the nodes' managers do to the guests.

A real manager looks every ten seconds. This one acts ``manager_pause`` seconds after something was asked of it, so
that nobody waits for what is merely a rhythm; what takes long on a node because it has to (giving a node up, fencing
it, moving back what was moved against a rule) takes as long on the lab's clock.
"""

from __future__ import annotations

import asyncio
from typing import Any

from lab.api.fake import Call, FakeVm
from lab.api.ha_manager import FAILED, FENCE_DELAY, OK, ROUND, WORKED_ON, Pass, work
from lab.api.ha_memory import Memory, Service, World
from lab.api.ha_rules import HaRulesArea
from lab.background import Background

# What a node that was lost may leave in a guest's configuration, and its recovery removes (PVE/HA/Manager.pm).
REMOVABLE_LOCKS = frozenset(
    {"backup", "mounted", "migrate", "clone", "rollback", "snapshot", "snapshot-delete", "suspending", "suspended"}
)
# Lab seconds that an idle manager's last sign of life lies back when the lab begins.
IDLE_FOR = 3600.0


def has_loop() -> bool:
    """Whether this is called on an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class HaWorkArea(HaRulesArea):
    """Mixin: the manager's passes."""

    # Real seconds until the manager does what was asked for.
    manager_pause = 0.05

    def __init__(self, **options: object) -> None:
        """Start with a manager that has nothing to do."""
        super().__init__(**options)
        self._ha_memory: Memory | None = None
        # The look that was asked for, and what nodes' managers are doing.
        self._look_asked: asyncio.Task[None] | None = None
        self._passes = Background()
        self._at_work: dict[str, str] = {}
        self._recoveries: dict[str, asyncio.Task[None]] = {}
        self._ticking: asyncio.Task[None] | None = None

    # ----------------------------------------------------------------- memory

    def ha_memory_of_manager(self) -> Memory:
        """What the manager keeps; before HA is used for the first time there is none, and it knows no node."""
        if self._ha_memory is None:
            self._ha_memory = Memory(self.node, self.clock.now() - IDLE_FOR)
        return self._ha_memory

    @property
    def ha_status(self) -> dict[str, Any]:
        """The same as JSON, to be saved."""
        return self.ha_memory_of_manager().document()

    @ha_status.setter
    def ha_status(self, document: dict[str, Any]) -> None:
        self._ha_memory = Memory.load(document)

    def _ha_seen(self) -> list[str]:
        """The nodes of the part of the cluster that has quorum; none without one."""
        return self.quorate_nodes()

    def _ha_world(self) -> World:
        guests = {sid: self._ha_guest(sid) for sid in self.ha_resources}
        there = {sid: guest for sid, guest in guests.items() if guest is not None}
        running = {sid for sid, guest in there.items() if guest.status == "running"}
        homes = {sid: str(guest.node) for sid, guest in there.items()}
        wishes = {sid: {**self.failback_of(sid), **self.ha_resources[sid]} for sid in there}
        return World(self.clock.now(), list(self.nodes), self._ha_seen(), wishes, homes, running, self._affinity())

    # ------------------------------------------------------------------ rhythm

    def _ask_manager(self) -> None:
        """The manager looks soon, and from now on in its rhythm."""
        self._tick_on()
        if self._look_asked is None:
            self._look_asked = asyncio.create_task(self._soon())

    async def _soon(self) -> None:
        await asyncio.sleep(self.manager_pause)
        self._look_asked = None
        self.manager_round()

    async def manager_settled(self) -> None:
        """Wait until the manager has done what was asked of it so far."""
        while self._look_asked is not None or self._passes:
            await asyncio.gather(
                *self._passes, *([self._look_asked] if self._look_asked else []), return_exceptions=True
            )

    async def manager_now(self) -> None:
        """Have the manager look at once, and wait until it has done what was asked of it."""
        if self._look_asked is not None:
            self._look_asked.cancel()
            self._look_asked = None
        if self.ha_resources:
            self.manager_turn()
        await self.manager_settled()

    def _tick_on(self, *, anew: bool = False) -> None:
        """Have the rhythm go on, ``anew`` from this moment."""
        if anew and self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        while self.ha_resources:
            await self.clock.sleep(ROUND)
            self.manager_turn()

    def manager_turn(self) -> None:
        """What happens in the rhythm: watchdogs run out, and the manager looks."""
        self._bark()
        self.manager_round()

    def node_changed(self, node: str) -> None:
        """A node went or came: the manager counts from this moment."""
        super().node_changed(node)
        memory = self.ha_memory_of_manager()
        if node not in self._ha_seen() and memory.nodes.get(node) in ("online", "maintenance"):
            memory.online[node] = self.clock.now()
        if self.ha_resources and has_loop():
            self._tick_on(anew=True)
            self.manager_round()

    async def stop_workers(self) -> None:
        """Interrupt what the manager has yet to do, and every task."""
        single = [task for task in (self._ticking, self._look_asked) if task is not None]
        waiting = [*self._passes, *self._recoveries.values(), *single]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await super().stop_workers()

    # ------------------------------------------------------------------ passes

    def manager_round(self) -> None:
        """One pass of the manager, and of every node's manager; without quorum nothing can be written."""
        world = self._ha_world()
        if not world.seen:
            return
        memory = self.ha_memory_of_manager()
        before = memory.substance()
        Pass(memory, world).run()
        for sid, service in memory.services.items():
            self._follow_service(sid, service, world)
        for sid in work(memory, world):
            self._set_to_work(sid, memory.services[sid])
        if memory.substance() != before:
            self.changed()

    def _follow_service(self, sid: str, service: Service, world: World) -> None:
        """The guest's own view of its state; one that was recovered is the new node's."""
        guest = self._ha_guest(sid)
        if guest is None:
            return
        guest.ha_state = service.state
        lost = guest.node != service.node and guest.node not in world.seen and service.state in WORKED_ON
        if lost and sid not in self._recoveries:
            self._recoveries[sid] = asyncio.create_task(self._recover(sid, guest, service.node))

    async def _recover(self, sid: str, guest: Any, node: str) -> None:  # noqa: ANN401 - a guest of fakepve
        """The guest of a fenced node is another's: what ran there is gone for sure, and so are its locks."""
        await self.driver.kill(guest.vmid)
        self._lose_power(guest)
        guest.node = node
        if guest.lock in REMOVABLE_LOCKS:
            guest.lock = None
            guest.config.pop("lock", None)
        del self._recoveries[sid]

    def _lose_power(self, guest: Any) -> None:  # noqa: ANN401
        if isinstance(guest, FakeVm):
            self._powered_off(guest, renewed=False)
        else:
            guest.status, guest.pid = "stopped", None

    def _bark(self) -> None:
        """The watchdog of a node that is cut off with something to look after: it loses its power."""
        memory, now = self.ha_memory_of_manager(), self.clock.now()
        for node, lrm in list(memory.lrms.items()):
            away = now - memory.online.get(node, now)
            busy = lrm.state != "wait_for_agent_lock" and memory.active_on(node)
            if busy and away >= FENCE_DELAY and self.is_cut_off(node):
                self.set_node_state(node, "off")

    # ----------------------------------------------------------- node's manager

    def _set_to_work(self, sid: str, service: Service) -> None:
        if self._at_work.get(sid) != service.uid:
            self._at_work[sid] = service.uid
            self._passes.start(self._serve(sid, service, service.uid, service.state))

    async def _serve(self, sid: str, service: Service, uid: str, state: str) -> None:
        """Do what a state asks for, report, and have the manager read it."""
        code = OK if await self._act(sid, service, state) else FAILED
        if service.uid != uid:
            return
        service.exit_code = code
        lrm = self.ha_memory_of_manager().lrms.get(service.node)
        if lrm is not None:
            others = {key: value for key, value in lrm.results.items() if value["sid"] != sid}
            lrm.results = others | {uid: {"sid": sid, "state": state, "exit_code": code}}
        self._at_work.pop(sid, None)
        self.manager_round()

    async def _act(self, sid: str, service: Service, state: str) -> bool:
        """Whether the guest is then as it was to be."""
        guest = self._ha_guest(sid)
        if guest is None:
            return False
        if sid in self._recoveries:
            await self._recoveries[sid]
        if state == "started":
            return await self._keep_started(sid, guest)
        if state == "request_stop":
            return await self._keep_stopped(guest)
        return await self._bring(guest, str(service.target), online=state == "migrate")

    async def _keep_started(self, sid: str, guest: Any) -> bool:  # noqa: ANN401
        """Start the guest, again as often as its resource says (PVE/HA/LRM.pm: handle_service_exitcode)."""
        for _ in range(1 + int(self.ha_resources.get(sid, {}).get("max_restart", 1))):
            if guest.status == "running":
                return True
            await self._ended(await self._manager_task(guest, start=True))
        return bool(guest.status == "running")

    async def _keep_stopped(self, guest: Any) -> bool:  # noqa: ANN401
        if guest.status == "running":
            await self._ended(await self._manager_task(guest, start=False))
        return bool(guest.status != "running")

    async def _bring(self, guest: Any, node: str, *, online: bool) -> bool:  # noqa: ANN401
        """The manager's migration; one it cannot make leaves the guest where it is."""
        with self.on_node(guest.node):
            await self._ended(await self._motion_task(guest, Call({"target": node, "online": int(online)}, "root@pam")))
        return bool(guest.node == node)

    async def _manager_task(self, guest: Any, *, start: bool) -> str:  # noqa: ANN401
        """Begin to start or stop a guest, as root@pam; returns the task's UPID."""
        raise NotImplementedError

    async def _motion_task(self, guest: Any, call: Call) -> str:  # noqa: ANN401
        """Begin to move a guest; returns the task's UPID."""
        raise NotImplementedError

    async def _ended(self, upid: str) -> None:
        """Wait for a task to end."""
        worker = self._workers.get(upid)
        if worker is not None:
            await asyncio.wait({worker})
