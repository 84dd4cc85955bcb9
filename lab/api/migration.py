# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving a VM to another node of the cluster (qemu-server, PVE/API2/Qemu.pm and PVE/QemuMigrate.pm; ../golden migrate).

The nodes share one process, so nothing is copied: the guest and its local volumes get another node's name. What PVE
refuses at once, and what fails in its task, is refused and fails here in the same words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fakepve.qemu import drives_of, is_cdrom, join_drive, split_drive  # type: ignore[import-untyped]

from lab.api.fake import Call, FakeVm, PveError, Route, TaskError, die, param_error, split_list
from lab.api.guests import GuestArea, is_cloudinit
from lab.api.settings import UNUSED
from lab.api.tasks import log_line
from lab.api.volumes import volume_of

MIGRATE = "/nodes/{node}/qemu/{vmid}/migrate"
ROOT_ONLY = ("force", "migration_type", "migration_network")
# Devices of a node that a guest can't take along (PVE/QemuMigrate/Helpers.pm: check_local_resources).
LOCAL_DEVICE = re.compile(r"(?:hostpci|usb|serial|parallel)\d+|ivshmem")
SCAN_FAILED = "Problem found while scanning volumes - can't migrate VM - check log"


def local_devices(config: Mapping[str, Any]) -> list[str]:
    """The options that tie a VM to its node."""
    return sorted(key for key, value in config.items() if LOCAL_DEVICE.fullmatch(key) and _is_tied(key, str(value)))


def _is_tied(key: str, value: str) -> bool:
    if key.startswith("serial"):
        return value != "socket"
    return not (key.startswith("usb") and "spice" in value) and "mapping=" not in value


@dataclass(frozen=True)
class LocalDisk:
    """A volume on a storage that the other nodes don't see."""

    key: str
    volume: str
    cdrom: bool

    @property
    def attached(self) -> bool:
        """Whether it is plugged in, and not an ``unused<n>``."""
        return UNUSED.fullmatch(self.key) is None

    @property
    def label(self) -> str:
        """As a migration's log has it."""
        return f"found local disk '{self.volume}' ({'attached' if self.attached else 'unused'})"


class MigrationArea(GuestArea):
    """Mixin: ``/nodes/{node}/qemu/{vmid}/migrate``."""

    def routes(self) -> list[Route]:
        """What a migration would meet, and the migration."""
        return [("GET", MIGRATE, self._preconditions), ("POST", MIGRATE, self._migrate)]

    # --------------------------------------------------------- preconditions

    def _local_disks(self, guest: FakeVm) -> list[LocalDisk]:
        rows = [*((key, volume, is_cdrom(volume, props)) for key, volume, props in drives_of(guest.config))]
        rows += [(key, split_drive(value)[0], False) for key, value in guest.config.items() if UNUSED.fullmatch(key)]
        return [LocalDisk(*row) for row in rows if volume_of(row[1]) and not self.is_shared(row[1].partition(":")[0])]

    def _shown_disk(self, guest: FakeVm, disk: LocalDisk) -> dict[str, Any]:
        storage, _, name = disk.volume.partition(":")
        size = int(self._volumes(storage).get(name, {}).get("size") or 0)
        cloudinit = is_cloudinit(disk.volume)
        snapshots = {
            name: 1
            for name, config in guest.snapshots.items()
            if disk.volume in {volume for _, volume, _ in drives_of(config)}
        }
        return {
            "volid": disk.volume,
            "cdrom": int(disk.cdrom),
            "is_attached": int(disk.attached),
            "is_cloudinit": int(cloudinit),
            "is_tpmstate": int(disk.key == "tpmstate0"),
            "is_unused": int(not disk.attached),
            "is_vmstate": 0,
            "replicate": 1,
            "shared": 0,
            **({"drivename": disk.key} if disk.attached else {}),
            # Of a cloud-init drive and of a detached disk a node does not say the size.
            **({"size": size} if disk.attached and not cloudinit else {}),
            **({"referenced_in_snapshot": snapshots} if snapshots else {}),
        }

    def _missing_storages(self, guest: FakeVm, node: str) -> list[str]:
        """Storages of the guest's drives that a node does not have; detached disks are not looked at."""
        used = {volume.partition(":")[0] for _, volume, _ in drives_of(guest.config) if volume_of(volume)}
        return sorted(name for name in used if name in self.storages and not self._storage_enabled(name, node))

    async def _preconditions(self, call: Call) -> dict[str, Any]:
        guest = self.find(call["node"], call["vmid"])
        self._check_lock(guest)
        missing = {name: self._missing_storages(guest, name) for name in self.nodes if name != guest.node}
        return {
            "running": int(guest.status == "running"),
            "allowed_nodes": [name for name, storages in missing.items() if not storages],
            "not_allowed_nodes": {
                name: {"unavailable_storages": storages} if storages else {} for name, storages in missing.items()
            },
            "local_disks": [self._shown_disk(guest, disk) for disk in self._local_disks(guest)],
            "local_resources": local_devices(guest.config),
            "mapped-resources": [],
            "mapped-resource-info": {},
            "has-dbus-vmstate": 1,
            **({"dependent-ha-resources": []} if guest.ha_managed else {}),
        }

    # ------------------------------------------------------------- migration

    async def _migrate(self, call: Call) -> str:
        guest = self._checked_migration(call)
        target, user = call["target"], call.user
        if guest.ha_managed:
            return await self.request_motion(guest, target, user)

        async def body() -> None:
            await self.need_way(target)
            await self.move_guest(guest, call)

        upid: str = await self.task(guest.node, "qmigrate", guest.vmid, user, body, vm=guest)
        return upid

    async def request_motion(self, guest: Any, target: str, user: str) -> str:  # noqa: ANN401 - a guest of fakepve
        """Ask the HA manager to move a guest; the area of HA resources does it."""
        raise NotImplementedError

    def _checked_migration(self, call: Call) -> FakeVm:
        """Everything PVE refuses before it starts the task."""
        if call["target"] == call["node"]:
            raise param_error(target="target is local node.")
        self.need_node(call["target"])
        for name in ROOT_ONLY:
            if call.get(name) and call.user != "root@pam":
                raise param_error(**{name: "Only root may use this option."})
        guest = self.find(call["node"], call["vmid"])
        self._check_lock(guest)
        if guest.status == "running" and not call.get("online"):
            raise die("can't migrate running VM without --online")
        self._check_storages(guest, call)
        return guest

    def _check_storages(self, guest: FakeVm, call: Call) -> None:
        target, wanted = call["target"], call.get("targetstorage")
        if wanted is None or wanted == "1":
            for name in self._missing_storages(guest, target):
                self._check_enabled(name, target)
            return
        self.require(call.user, f"/vms/{guest.vmid}", "VM.Config.Disk")
        for name in split_list(wanted):
            storage = name.rpartition(":")[2]
            self._store(storage)
            self.require(call.user, f"/storage/{storage}", "Datastore.AllocateSpace")
            self._check_enabled(storage, target)

    async def move_guest(self, guest: FakeVm, call: Call) -> None:
        """The migration's task: scan the volumes, then the guest is the target's."""
        log_line(
            f"starting migration of VM {guest.vmid} to node '{call['target']}' ({self.address_of(call['target'])})"
        )
        self._scan(guest, call)
        self._take_along(guest, call)
        guest.node = call["target"]
        log_line("migration finished successfully (duration 00:00:00)")

    def _scan(self, guest: FakeVm, call: Call) -> None:
        devices = local_devices(guest.config)
        if devices:
            raise self._aborted(f"can't migrate VM which uses local devices: {', '.join(devices)}")
        disks = self._local_disks(guest)
        for disk in disks:
            log_line(disk.label)
        problems = [(disk, problem) for disk in disks if (problem := self._obstacle(guest, disk, call))]
        for disk, problem in problems:
            log_line(f"can't migrate local disk '{disk.volume}': {problem}")
        if problems:
            raise self._aborted(SCAN_FAILED)

    def _obstacle(self, guest: FakeVm, disk: LocalDisk, call: Call) -> str | None:
        """Why a volume keeps the guest where it is."""
        record = self._volume_record(disk.volume)
        if disk.cdrom:
            return None if is_cloudinit(disk.volume) else "local cdrom image"
        if record.get("base"):
            return f"it's a clone of '{str(record['base']).rpartition('/')[2].rpartition(':')[2]}'"
        if self._is_base(disk.volume):
            return "referenced by linked clone(s)"
        live = guest.status == "running" and disk.attached and not call.get("with-local-disks")
        return "can't live migrate attached local disks without with-local-disks option" if live else None

    @staticmethod
    def _aborted(reason: str) -> TaskError:
        log_line(f"ERROR: {reason}")
        log_line("aborting phase 1 - cleanup resources")
        log_line(f"ERROR: migration aborted (duration 00:00:00): {reason}")
        return TaskError("migration aborted")

    def _take_along(self, guest: FakeVm, call: Call) -> None:
        """The local volumes are the target's from now on, on the storage that was asked for."""
        for disk in self._local_disks(guest):
            storage = disk.volume.partition(":")[0]
            goal = target_storage(call.get("targetstorage"), storage)
            volume = disk.volume if goal == storage else self._relocate(guest, disk.volume, goal, call["target"])
            self._volume_record(volume)["node"] = call["target"]
            value = str(guest.config[disk.key]).replace(disk.volume, volume, 1)
            live = guest.status == "running" and disk.attached and not disk.cdrom
            guest.config[disk.key] = self._with_format(value) if live else value
            log_line(f"volume '{disk.volume}' is '{volume}' on the target")

    def _with_format(self, value: str) -> str:
        """A drive's value with the format of its volume, which a live copy writes down (../golden migrate)."""
        volume, properties = split_drive(value)
        known = self._volume_record(volume).get("format")
        written: str = join_drive(volume, {**({"format": known} if known else {}), **properties})
        return written

    def _relocate(self, guest: FakeVm, volume: str, goal: str, node: str) -> str:
        """Move a volume to another storage of the target node; returns its id there."""
        record = self._volume_record(volume)
        try:
            with self.on_node(node):
                moved = self._qm_alloc(goal, guest.vmid, self.kept_format(volume, goal), int(record.get("size") or 0))[
                    0
                ]
        except PveError as error:
            reason = f"storage migration for '{volume}' to storage '{goal}' failed - {error.message}"
            raise self._aborted(reason) from error
        self.mark_bootable(moved, self.is_bootable(volume))
        self.move_volume(volume, moved)
        self._qm_free(volume)
        return moved


def target_storage(wanted: str | None, storage: str) -> str:
    """Where a volume goes by the ``targetstorage`` of a request: ``other``, ``from:to,...`` or ``1`` for no change."""
    pairs = [entry.partition(":") for entry in split_list(wanted)]
    mapping: dict[str, str] = {old: new for old, colon, new in pairs if colon}
    default = next((old for old, colon, _ in pairs if not colon and old != "1"), storage)
    return mapping.get(storage, default)
