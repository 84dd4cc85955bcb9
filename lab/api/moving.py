# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving a VM's disk to another storage, or to another VM (qemu-server, PVE/API2/Qemu.pm: move_vm_disk)."""

from __future__ import annotations

import re

from fakepve.qemu import is_cdrom, join_drive, split_drive  # type: ignore[import-untyped]

from lab.api import settings
from lab.api.fake import Call, FakeVm, PveError, Route, TaskError, die, param_error, split_list
from lab.api.guests import GuestArea, with_size
from lab.api.tasks import log_line
from lab.api.volumes import volume_of

MOVE = "/nodes/{node}/qemu/{vmid}/move_disk"


class MovingArea(GuestArea):
    """Mixin: ``/nodes/{node}/qemu/{vmid}/move_disk``."""

    def routes(self) -> list[Route]:
        """One endpoint for both."""
        return [("POST", MOVE, self._move_disk)]

    async def _move_disk(self, call: Call) -> str:
        """A disk goes to a storage or to another VM; PVE wants exactly one of the two."""
        if call.get("target-vmid") and call.get("storage"):
            raise param_error(storage="either set 'storage' or 'target-vmid', but not both")
        if call.get("target-vmid"):
            return await self._reassign(call)
        if not call.get("storage"):
            raise param_error(storage="missing storage")
        return await self._move(call)

    # ------------------------------------------------------------ to storage

    async def _move(self, call: Call) -> str:
        guest = self.find(call["node"], call["vmid"])
        self.require(call.user, f"/storage/{call['storage']}", "Datastore.AllocateSpace")
        volume = self._movable(guest, call)

        async def body() -> None:
            await self._copy_to_storage(guest, call, volume)

        upid: str = await self.task(guest.node, "qmmove", guest.vmid, call.user, body, vm=guest)
        return upid

    def _movable(self, guest: FakeVm, call: Call) -> str:
        """The volume to move; everything PVE refuses before it starts the task."""
        self._check_lock(guest)
        disk, storage, wanted = call["disk"], call["storage"], call.get("format")
        volume = self._volume_at(guest, disk, "you can't move a cdrom")
        old = volume.partition(":")[0]
        if old == storage and wanted in (None, self._volume_record(volume).get("format")):
            raise die("you can't move to the same storage with same format")
        store = self._check_enabled(storage, guest.node)
        if "images" not in split_list(store.get("content")):
            raise param_error(storage=f"storage '{storage}' does not support vm images")
        if call.get("delete") and self._in_snapshot(guest, volume):
            raise die("you can't move a disk with snapshots and delete the source")
        return volume

    @staticmethod
    def _volume_at(guest: FakeVm, disk: str, cdrom: str) -> str:
        if disk not in guest.config:
            raise die(f"disk '{disk}' does not exist")
        volume = volume_of(guest.config[disk])
        if volume is None:
            raise die(f"disk '{disk}' has no associated volume")
        if is_cdrom(*split_drive(guest.config[disk])):
            raise die(cdrom)
        return volume

    @staticmethod
    def _in_snapshot(guest: FakeVm, volume: str) -> bool:
        return any(volume_of(value) == volume for config in guest.snapshots.values() for value in config.values())

    async def _copy_to_storage(self, guest: FakeVm, call: Call, volume: str) -> None:
        disk, storage = call["disk"], call["storage"]
        log_line(
            f"copying volume '{volume}' from current storage '{volume.partition(':')[0]}' to target storage '{storage}'"
        )
        size = int(self._volume_record(volume).get("size") or 0)
        try:
            wanted = call.get("format") or self.kept_format(volume, storage)
            made = self._qm_alloc(storage, guest.vmid, wanted, size)[0]
        except PveError as error:
            raise TaskError(f"storage migration failed: {error.message}") from error
        await self.copy_volume(volume, made)
        _, properties = split_drive(guest.config[disk])
        guest.config[disk] = with_size(join_drive(made, properties), size)
        log_line(f"allocated target volume '{made}'")
        await self._let_go(guest, volume, remove=bool(call.get("delete")))

    async def _let_go(self, guest: FakeVm, volume: str, *, remove: bool) -> None:
        """The source of a move: removed when that was asked for, else kept as ``unused<n>``."""
        if remove:
            log_line(f"removing source volume '{volume}' after successful copy")
            self._qm_free(volume)
            await self.drop_volume(volume)
            return
        key = settings.free_unused(guest.config)
        guest.config[key] = volume
        log_line(f"adding source volume '{volume}' as '{key}' to config")

    # ----------------------------------------------------------------- to VM

    async def _reassign(self, call: Call) -> str:
        guest, target = self.find(call["node"], call["vmid"]), self._target(call)
        disk, key = call["disk"], call.get("target-disk", call["disk"])
        self._check_reassignment(guest, target, disk, key)

        async def body() -> None:
            log_line(f"reassign disk '{disk}' from VM '{guest.vmid}' as '{key}' to VM '{target.vmid}'")
            self._hand_over(guest, target, disk, key)

        worker = f"{guest.vmid}-{disk}>{target.vmid}-{key}"
        upid: str = await self.task(guest.node, "qmmove", worker, call.user, body, vm=guest)
        return upid

    def _target(self, call: Call) -> FakeVm:
        target = self.vm(int(call["target-vmid"]))
        if target is None:
            raise die(f"could not find target VM {call['target-vmid']}")
        self.require(call.user, f"/vms/{target.vmid}", "VM.Config.Disk")
        return target

    def _check_reassignment(self, guest: FakeVm, target: FakeVm, disk: str, key: str) -> None:
        if guest is target:
            raise param_error(**{"target-vmid": "must be different than source VMID to reassign disk"})
        if guest.node != target.node:
            raise die(f"Both VMs need to be on the same node ({guest.node} != {target.node})")
        self._check_lock(guest)
        self._check_lock(target)
        if guest.template or target.template:
            raise die("Can't move disks from or to template VMs")
        if disk not in guest.config:
            raise die(f"Disk '{disk}' for VM '{guest.vmid}' does not exist")
        if key in target.config:
            raise die(f"Target disk key '{key}' is already in use for VM '{target.vmid}'")
        self._check_free_disk(guest, disk)

    def _check_free_disk(self, guest: FakeVm, disk: str) -> None:
        volume = self._volume_at(guest, disk, "CD drive contents can't be moved to another VM")
        if self._in_snapshot(guest, volume):
            raise die("Can't move disk used by a snapshot to another VM")
        if guest.status == "running" and not settings.UNUSED.fullmatch(disk):
            raise die("Cannot move disk to another VM while the source VM is running - detach first")

    def _hand_over(self, guest: FakeVm, target: FakeVm, disk: str, key: str) -> None:
        """The volume gets a name of the other VM, and both configurations follow."""
        value = str(guest.config.pop(disk))
        if "boot" in guest.config:
            guest.config["boot"] = settings.boot_without(str(guest.config["boot"]), [disk])
        volume, properties = split_drive(value)
        storage, record = volume.partition(":")[0], self._volume_record(volume)
        moved: str = self._qm_alloc(storage, target.vmid, record.get("format"), int(record.get("size") or 0))[0]
        self.mark_bootable(moved, self.is_bootable(volume))
        self.move_volume(volume, moved)
        self._qm_free(volume)
        unused = re.match("unused", key) is not None
        target.config[key] = moved if unused else join_drive(moved, properties)
