# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power: start, stop, shutdown, reboot, reset, suspend and resume of VMs that really boot."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

from lab.api import settings
from lab.api.cloudinit import boot_disk, cards, guest_spec
from lab.api.fake import Call, FakeVm, Route, TaskError, die, param_error
from lab.api.faults_storage import StorageFaultArea
from lab.api.node import NodeArea
from lab.api.tasks import Body, TaskArea
from lab.api.volumes import guest_volumes, volume_of

STATUS = "/nodes/{node}/qemu/{vmid}/status"
# Seconds (PVE/API2/Qemu.pm: vm_shutdown and vm_reboot wait so long when the request names no timeout).
SHUTDOWN_TIMEOUT = 60.0

Action = Callable[[FakeVm, Call], Awaitable[str | None]]


def timeout_of(call: Call) -> float:
    """The request's timeout in seconds."""
    return float(call.get("timeout") or SHUTDOWN_TIMEOUT)


class PowerArea(TaskArea, StorageFaultArea, NodeArea):
    """Mixin: ``/nodes/{node}/qemu/{vmid}/status/*``."""

    # Whether a VM whose disk holds no system, or that has no disk, gets a guest all the same. So it is in the lab
    # without real guests, where nothing boots and every VM is to answer.
    boots_empty_disks = True

    def routes(self) -> list[Route]:
        """Every action on a VM's power state."""
        return [
            ("POST", f"{STATUS}/start", self._start),
            ("POST", f"{STATUS}/stop", self._stop),
            ("POST", f"{STATUS}/shutdown", self._shutdown),
            ("POST", f"{STATUS}/reboot", self._power_action("qmreboot", self._restart)),
            ("POST", f"{STATUS}/reset", self._power_action("qmreset", self._reset)),
            ("POST", f"{STATUS}/suspend", self._suspend),
            ("POST", f"{STATUS}/resume", self._power_action("qmresume", self._thaw)),
        ]

    # ------------------------------------------------------------- requests

    def _root_only(self, call: Call, *names: str) -> None:
        for name in names:
            if call.get(name) and call.user != "root@pam":
                raise param_error(**{name: "Only root may use this option."})

    def _power_task(self, call: Call, ttype: str, guest: FakeVm | None, body: Body) -> Awaitable[str]:
        return self.task(call["node"], ttype, call["vmid"], call.user, body, vm=guest)

    async def _start(self, call: Call) -> str:
        """PVE checks everything in the worker: a missing, running, locked or template VM fails the task."""
        self._root_only(call, "skiplock", "stateuri", "migratedfrom", "migration_type")

        async def body() -> None:
            await self._power_on(self.find(call["node"], call["vmid"]), skiplock=bool(call.get("skiplock")))

        return await self._power_task(call, "qmstart", self.vm(int(call["vmid"])), body)

    async def _stop(self, call: Call) -> str:
        guest = self.find(call["node"], call["vmid"])
        self._root_only(call, "skiplock", "migratedfrom")

        async def body() -> None:
            if guest.lock and not call.get("skiplock"):
                raise TaskError(f"VM is locked ({guest.lock})")
            await self.driver.kill(guest.vmid)
            self._powered_off(guest)

        return await self._power_task(call, "qmstop", guest, body)

    def _power_action(self, ttype: str, action: Action) -> Callable[[Call], Awaitable[str]]:
        """A handler for what only a running VM can do: PVE refuses at once when it does not run."""

        async def handle(call: Call) -> str:
            guest = self.find(call["node"], call["vmid"])
            self._root_only(call, "skiplock")
            if guest.status != "running" and ttype != "qmshutdown":
                raise die(f"VM {guest.vmid} not running")

            async def body() -> str | None:
                if guest.lock and not call.get("skiplock"):
                    raise TaskError(f"VM is locked ({guest.lock})")
                return await action(guest, call)

            return await self._power_task(call, ttype, guest, body)

        return handle

    async def _shutdown(self, call: Call) -> str:
        return await self._power_action("qmshutdown", self._power_down)(call)

    async def _suspend(self, call: Call) -> str:
        """Pausing is a task ``qmpause``, writing the state to disk ``qmsuspend`` (../golden qemu)."""
        ttype, action = ("qmsuspend", self._hibernate) if call.get("todisk") else ("qmpause", self._freeze)
        return await self._power_action(ttype, action)(call)

    # --------------------------------------------------------------- actions

    async def _power_on(self, guest: FakeVm, skiplock: bool = False) -> None:
        if guest.template:
            raise TaskError("you can't start a vm if it's a template")
        if guest.lock not in (None, "suspended") and not skiplock:
            raise TaskError(f"VM is locked ({guest.lock})")
        if guest.status == "running":
            raise TaskError(f"VM {guest.vmid} already running")
        if guest.start_error:
            raise TaskError(guest.start_error)
        # What was suspended goes on with what it had.
        if guest.lock != "suspended":
            settings.apply_pending(guest)
        await self._boot(guest)
        if guest.lock == "suspended":
            self._qm_lock(guest, None)

    async def _boot(self, guest: FakeVm) -> None:
        """Boot the guest through the driver; the VM of an empty disk runs, with nothing in it."""
        key = boot_disk(guest.config)
        volume = volume_of(guest.config[key]) if key else None
        with self.on_node(guest.node):
            self._check_disks(guest)
        self._check_bridges(guest)
        if self.boots_empty_disks or (volume and self.is_bootable(volume)):
            spec = guest_spec(guest.vmid, guest.config, self._boot_path(guest, volume), str(uuid.uuid4()))
            await self.driver.boot(spec)
            guest.agent = {}
        self._powered_on(guest)

    def _boot_path(self, guest: FakeVm, volume: str | None) -> Path:
        return self.volume_path(volume or f"none:vm-{guest.vmid}-disk-0")

    def _check_disks(self, guest: FakeVm) -> None:
        """A start fails in the task when a disk of the configuration is not on its storage."""
        for volume in guest_volumes(guest.config).values():
            storage, _, name = volume.partition(":")
            if storage not in self.storages:
                raise TaskError(f"storage '{storage}' does not exist")
            self.need_reach(storage)
            if name not in self._volumes(storage):
                raise TaskError(f"volume '{volume}' does not exist")

    def _check_bridges(self, guest: FakeVm) -> None:
        """A start fails in the task when a card's bridge is not on the node (../golden flows-05-network)."""
        for _, card in cards(guest.config):
            bridge = card.get("bridge")
            if bridge and not self.has_bridge(bridge):
                raise TaskError(f"bridge '{bridge}' does not exist")

    @staticmethod
    def _powered_on(guest: FakeVm) -> None:
        guest.status = guest.qmpstatus = "running"
        guest.started_at = time.time()

    @staticmethod
    def _powered_off(guest: FakeVm, *, renewed: bool = True) -> None:
        """``renewed``: whether what waited for that is in force now."""
        guest.status = guest.qmpstatus = "stopped"
        guest.started_at = None
        guest.agent = None
        if renewed:
            settings.apply_pending(guest)

    async def _power_down(self, guest: FakeVm, call: Call) -> str | None:
        if guest.status != "running":
            return None
        if await self._asked_to_power_off(guest, timeout_of(call)):
            self._powered_off(guest)
            return None
        if not call.get("forceStop"):
            raise TaskError("VM quit/powerdown failed - got timeout")
        await self.driver.kill(guest.vmid)
        self._powered_off(guest)
        return "VM still running - terminating now with SIGTERM"

    async def _asked_to_power_off(self, guest: FakeVm, timeout: float) -> bool:
        """True when the guest is gone; one that does not listen, or is not there, makes PVE wait in vain."""
        if guest.acpi and guest.vmid in await self.driver.running():
            return await self.driver.shutdown(guest.vmid, timeout)
        await self.pause(timeout)
        return False

    async def _restart(self, guest: FakeVm, call: Call) -> None:
        """PVE shuts the guest down and starts it anew, so that pending changes come into force."""
        if not await self._asked_to_power_off(guest, timeout_of(call)):
            raise TaskError("VM quit/powerdown failed - got timeout")
        settings.apply_pending(guest)
        await self._boot(guest)

    async def _reset(self, guest: FakeVm, _call: Call) -> None:
        """The reset button: the same configuration, without a shutdown, without pending changes."""
        await self.driver.kill(guest.vmid)
        await self._boot(guest)

    async def _freeze(self, guest: FakeVm, _call: Call) -> None:
        if guest.vmid in await self.driver.running():
            await self.driver.suspend(guest.vmid)
        guest.qmpstatus = "paused"

    async def _hibernate(self, guest: FakeVm, _call: Call) -> None:
        """Memory is not kept in the lab: the guest is powered off and locked, as PVE leaves it."""
        await self.driver.kill(guest.vmid)
        self._powered_off(guest, renewed=False)
        self._qm_lock(guest, "suspended")

    async def _thaw(self, guest: FakeVm, _call: Call) -> None:
        if guest.vmid in await self.driver.running():
            await self.driver.resume(guest.vmid)
        guest.qmpstatus = "running"

    # ----------------------------------------------------------------- truth

    async def look(self) -> None:
        """Notice guests that ended by themselves: what the guest did wins over what was last recorded."""
        running = await self.driver.running()
        for guest in self.vms:
            if guest.agent is not None and guest.lock_holder is None and guest.vmid not in running:
                self._powered_off(guest)
