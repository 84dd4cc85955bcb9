# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restoring guests from their backups, which is a way of creating them (qemu-server, pve-container: API2 create)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from fakepve.lxc import random_mac  # type: ignore[import-untyped]
from fakepve.qemu import with_mac  # type: ignore[import-untyped]

from lab.api import archives
from lab.api.archives import CONFIG_NAMES, config_of, kind_of_archive, read_member
from lab.api.backups import BackupArea
from lab.api.directory import ROOT
from lab.api.fake import Call, FakeVm, PveError, TaskError, Values, die
from lab.api.guests import is_cloudinit
from lab.api.tasks import log_line
from lab.api.volumes import guest_volumes
from lab.guests.driver import GuestError

# The options of a container that is being restored which are its archive's.
_archived: ContextVar[frozenset[str]] = ContextVar("archived", default=frozenset())
MOUNT = re.compile(r"rootfs|mp\d+")
CARD = re.compile(r"net\d+")
GIB = 1024**3
UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": GIB, "T": 1024 * GIB}
# Parameters of a request that are no options of a VM.
REQUEST_ONLY = frozenset(
    {"node", "vmid", "archive", "storage", "force", "unique", "pool", "bwlimit", "start", "live-restore", "ha-managed"}
)


def size_in_gib(value: str) -> str:
    """The size in a volume's options as a request for a new volume says it: in GiB."""
    found = re.search(r"size=(\d+(?:\.\d+)?)([KMGT]?)", value)
    return f"{float(found[1]) * UNITS[found[2]] / GIB:g}" if found else "1"


def new_volume(storage: str, value: str) -> str:
    """The request for a volume like an archived one, on a storage."""
    options = [part for part in value.split(",")[1:] if not part.startswith("size=")]
    return ",".join([f"{storage}:{size_in_gib(value)}", *options])


def with_own_mac(value: str) -> str:
    """A container's network card with an address that no other has."""
    return re.sub(r"hwaddr=[^,]+", f"hwaddr={random_mac()}", value)


def is_archive(source: str) -> bool:
    """Whether what a container is made from is a backup: a volume, or a path on the node."""
    return ":backup/" in source or source.startswith("/")


def check_path(source: str, user: str) -> None:
    """Refuse a path of somebody who is not root (qemu-server, PVE/API2/Qemu.pm)."""
    if source.startswith("/") and user != ROOT:
        raise die("Only root can pass arbitrary filesystem paths.")


class RestoreArea(BackupArea):
    """Mixin: guests from archives."""

    def archived(self, volume: str, refusal: str) -> Values:
        """The configuration in an archive. Raises TaskError behind ``refusal``."""
        try:
            path = self.archive_path(volume)
        except PveError as error:
            raise TaskError(f"{refusal} - {error.message}") from error
        if not path.is_file():
            raise TaskError(f"{refusal} - volume '{volume}' does not exist")
        kind = kind_of_archive(path)
        try:
            return config_of(kind, read_member(path, CONFIG_NAMES[kind]))
        except TaskError as error:
            raise TaskError(f"{refusal} - {error}") from error

    # ------------------------------------------------------------- containers

    async def _create_ct(self, call: Call) -> object:
        """A container that is restored has the archive's volumes, where the request names no others."""
        if not call.get("restore") or not is_archive(call["ostemplate"]):
            return await super()._create_ct(call)
        check_path(call["ostemplate"], call.user)
        try:
            config = await asyncio.to_thread(self.archived, call["ostemplate"], "")
        except TaskError:
            return await self._refuse_restore(call, call["ostemplate"])
        try:
            self.check_bridges(call.user, {key: value for key, value in config.items() if key not in call.values})
        except PveError as error:
            return await self._failing_restore(call, f"unable to restore CT {call['vmid']} - 403 {error.message}")
        storage = call.get("storage") or "local"
        mounts = {key: new_volume(storage, value) for key, value in config.items() if MOUNT.fullmatch(key)}
        given = {} if any(MOUNT.fullmatch(key) for key in call.values) else mounts
        archived = {"unprivileged": config.get("unprivileged", 0), **given}
        self.require(call.user, f"/storage/{storage}", "Datastore.AllocateSpace")
        token = _archived.set(frozenset(archived.keys() - call.values.keys()))
        try:
            return await super()._create_ct(Call({**archived, **call.values}, call.user))
        finally:
            _archived.reset(token)

    def _check_modify_perm(
        self, user: str, vmid: int, pool: str | None, old: Values | None, new: Values, *more: object
    ) -> None:
        """What is as in the archive needs no right to configure it (pve-container, PVE/API2/LXC.pm)."""
        given = {name: value for name, value in new.items() if name not in _archived.get()}
        super()._check_modify_perm(user, vmid, pool, old, given, *more)

    async def _refuse_restore(self, call: Call, volume: str) -> str:
        """The task that finds no archive."""

        async def body() -> None:
            log_line(f"recovering backed-up configuration from '{volume}'")
            self.archived(volume, f"unable to restore CT {call['vmid']}")

        self._check_vmid_unused(int(call["vmid"]))
        upid: str = await self.task(call["node"], "vzrestore", call["vmid"], call.user, body)
        return upid

    async def _failing_restore(self, call: Call, words: str) -> str:
        """The task that ends before anything is made."""

        async def body() -> None:
            log_line(f"recovering backed-up configuration from '{call['ostemplate']}'")
            raise TaskError(words)

        upid: str = await self.task(call["node"], "vzrestore", call["vmid"], call.user, body)
        return upid

    def _ct_ostype(self, vmid: int, call: Call) -> None:
        """What the request does not say is as in the archive, and not as in a template."""
        if not call.get("restore"):
            super()._ct_ostype(vmid, call)
            return
        guest = self.guest(vmid)
        log_line("merging backed-up and given configuration..")
        for option, value in self.archived(call["ostemplate"], f"unable to restore CT {vmid}").items():
            if option not in call.values and not MOUNT.fullmatch(option):
                fresh = call.get("unique") and CARD.fullmatch(option)
                guest.config[option] = with_own_mac(str(value)) if fresh else value

    async def fill_new_ct(self, call: Call) -> None:
        """The files of the archive go where the request, or the archive, has the volumes."""
        await super().fill_new_ct(call)
        if not call.get("restore") or not is_archive(call["ostemplate"]):
            return
        guest = self.guest(int(call["vmid"]))
        log_line(f"restoring '{self._shown_path(call['ostemplate'])}' now..")
        volumes = {key: self.volume_path(volume) for key, volume in guest_volumes(guest.config).items()}
        await archives.fill_container(self.driver, self.archive_path(call["ostemplate"]), guest.config, volumes)

    # --------------------------------------------------------------------- VMs

    async def _create_vm(self, call: Call) -> object:
        if not call.get("archive"):
            return await super()._create_vm(call)
        self._check_restore(call)

        async def body() -> None:
            if call.get("live-restore"):
                raise TaskError("live-restore is only compatible with backup images from a Proxmox Backup Server")
            await self._restore_vm(call)

        upid: str = await self.task(call["node"], "qmrestore", call["vmid"], call.user, body)
        return upid

    def _check_restore(self, call: Call) -> None:
        """Who may restore, and over what."""
        check_path(call["archive"], call.user)
        vmid, pool = int(call["vmid"]), call.get("pool")
        existing = self.vm(vmid)
        if existing is None or not call.get("force"):
            self._check_vmid_unused(vmid)
        elif existing.status == "running":
            raise die(f"unable to restore VM {vmid} - vm is running")
        elif existing.config.get("protection"):
            raise die(f"unable to restore VM {vmid} - protection mode enabled")
        self._qm_check_pool(pool)
        places = [f"/vms/{vmid}", *([f"/pool/{pool}"] if pool else [])]
        if not any(self.allowed(call.user, path, "VM.Allocate") for path in places):
            raise PveError(403, "Permission check failed")
        if call.get("storage"):
            self.require(call.user, f"/storage/{call['storage']}", "Datastore.AllocateSpace")

    async def _restore_vm(self, call: Call) -> None:
        vmid, archive = int(call["vmid"]), call["archive"]
        config = await asyncio.to_thread(self.archived, archive, f"unable to restore VM {vmid}")
        try:
            self.check_bridges(call.user, {**config, **call.values})
        except PveError as error:
            raise TaskError(f"403 {error.message}") from error
        await self._clear_for(vmid)
        guest = FakeVm(vmid, f"VM {vmid}", node=call["node"], config={})
        guest.config.clear()
        self.vms.append(guest)
        if kind_of_archive(self.archive_path(archive)) != "qemu":
            log_line("error before or during data restore, some or all disks were not completely restored.")
            raise TaskError(f"ERROR: file '{self._shown_path(archive)}' does not look like a QemuServer vzdump backup")
        guest.config.update(self._restored_options(call, config))
        try:
            async with archives.unpacked(self.archive_path(archive)) as folder:
                bootable = archives.bootable_drives(folder)
                for key, value in config.items():
                    content = folder / f"drive-{key}.tar"
                    await self._restore_drive(call, guest, key, str(value), content, bootable=key in bootable)
        except (GuestError, OSError) as error:
            # What was made so far goes again (qemu-server, PVE/QemuServer.pm: restore_destroy_volumes).
            await self._clear_for(vmid)
            raise TaskError(f"unable to restore VM {vmid} - {error}") from error
        guest.name = guest.config.get("name", guest.name)
        await self._finish_restore(call, guest)

    def _shown_path(self, volume: str) -> str:
        storage, separator, name = volume.partition(":")
        return str(self._volume_path(storage, name, "backup")) if separator else volume

    async def _clear_for(self, vmid: int) -> None:
        """Remove the VM that is restored over."""
        existing = self.vm(vmid)
        if existing is None:
            return
        for volume in guest_volumes(existing.config).values():
            self._qm_free(volume)
            await self.drop_volume(volume)
        self.vms.remove(existing)

    @staticmethod
    def _restored_options(call: Call, config: Mapping[str, Any]) -> Values:
        """The options that are no disks: as in the archive, or as the request says."""
        disks = {*guest_volumes(config), *(key for key, value in config.items() if is_cloudinit(value))}
        options = {key: value for key, value in config.items() if key not in disks and key != "lock"}
        for key in options if call.get("unique") else ():
            if CARD.fullmatch(key):
                options[key] = with_mac(options[key], fresh=True)
        given = {key: value for key, value in call.values.items() if key not in REQUEST_ONLY}
        return {**options, **given}

    async def _restore_drive(
        self, call: Call, guest: FakeVm, key: str, value: str, content: Path, *, bootable: bool
    ) -> None:
        """Allocate one drive as in the archive, and put back what was on it."""
        source = value.partition(":")[0]
        storage = call.get("storage") or source
        if is_cloudinit(value):
            guest.config[key] = self._qm_new_drive(guest.vmid, key, f"{storage}:cloudinit", None)[0]
            return
        if key not in guest_volumes({key: value}) or key.startswith("unused") or key in call.values:
            return
        guest.config[key], made = self._qm_new_drive(guest.vmid, key, new_volume(storage, value), None)
        target = self.volume_path(made[0])
        target.parent.mkdir(parents=True, exist_ok=True)
        await self.driver.create_volume(target)
        if content.is_file():
            await self.driver.unpack(content, target)
        self.mark_bootable(made[0], bootable)
        log_line(f"map '{key}' to '{made[0]}'")

    async def _finish_restore(self, call: Call, guest: FakeVm) -> None:
        if call.get("pool"):
            self._pool_join(call["pool"], guest.vmid)
        if call.get("start"):
            await self._start_new(guest)
