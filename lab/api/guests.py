# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making, copying and removing VMs: fakepve checks and books, the volumes follow in the same task."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from fakepve.qemu import NEW_DISK  # type: ignore[import-untyped]
from fakepve.storage import spec_of  # type: ignore[import-untyped]

from lab.api import settings
from lab.api.cloudinit import cards
from lab.api.fake import Call, FakeVm, PveError, Route, TaskError, die, param_error, split_list
from lab.api.images import virtual_size
from lab.api.power import PowerArea
from lab.api.storage import StorageArea
from lab.api.tasks import followed_by, log_line
from lab.api.volumes import guest_volumes, is_disk, volume_of
from lab.guests.driver import GuestError

QEMU = "/nodes/{node}/qemu"
IMPORTABLE = ("images", "import")
CLOUDINIT_SIZE = 4 * 1024**2
UNITS = ("", "K", "M", "G", "T")


def without(value: str, *names: str) -> str:
    """A property string without some of its options."""
    return ",".join(part for part in value.split(",") if part.partition("=")[0] not in names)


def with_size(value: str, size: int) -> str:
    """A drive's value with its ``size=``, which PVE writes in alphabetical order with the other options."""
    volume, *rest = without(value, "size").split(",")
    return ",".join([volume, *sorted([*rest, f"size={readable(size)}"])])


def readable(size: int) -> str:
    """Bytes as PVE writes a disk's size: the largest unit that gives a whole number."""
    unit = 0
    while size and size % 1024 == 0 and unit + 1 < len(UNITS):
        size, unit = size // 1024, unit + 1
    return f"{size}{UNITS[unit]}"


def import_source(value: object) -> str | None:
    """The ``import-from`` of a drive."""
    found = re.search(r"(?:^|,)import-from=([^,]+)", str(value))
    return found[1] if found else None


def as_written(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a create request as they go into the configuration: tags in order.

    A password stays as it was given: only a change of it is hashed (../golden qemu, cloudinit-dump).
    """
    return {key: value if key == "cipassword" else settings.normal(key, value) for key, value in values.items()}


def is_cloudinit(value: object) -> bool:
    """Whether a drive's value names a cloud-init drive, new (``local:cloudinit``) or existing."""
    volume = volume_of(value)
    return volume is not None and re.search(r"(?::|-)cloudinit(?:\.\w+)?$", volume) is not None


class GuestArea(PowerArea, StorageArea):
    """Mixin: create, clone, template and destroy."""

    def routes(self) -> list[Route]:
        """The requests that make or remove volumes."""
        return [
            ("POST", QEMU, self._create_vm),
            ("DELETE", f"{QEMU}/{{vmid}}", self._destroy_vm),
            ("POST", f"{QEMU}/{{vmid}}/clone", self._clone_vm),
            ("POST", f"{QEMU}/{{vmid}}/template", self._template_vm),
        ]

    # ---------------------------------------------------------------- drives

    def _qm_new_drive(self, vmid: int, key: str, value: str, default: str | None) -> tuple[str, list[str]]:
        """fakepve's allocation of one drive, with PVE's name for a cloud-init drive and without ``import-from``."""
        volume = volume_of(value)
        if volume and not NEW_DISK.match(volume) and not is_cloudinit(value) and not import_source(value):
            self._need_volume(volume)
        if is_cloudinit(value):
            volume = self._new_cloudinit(vmid, (volume_of(value) or "").partition(":")[0] or str(default))
            return f"{volume},media=cdrom", [volume]
        source = import_source(value)
        # Before anything is booked: a source that is not there must leave nothing behind.
        size = self._source_size(source) if source else None
        made: tuple[str, list[str]] = super()._qm_new_drive(vmid, key, without(value, "import-from"), default)
        if size is None:
            return made
        self._volume_record(made[1][0])["size"] = size
        return with_size(made[0], size), made[1]

    def _qm_alloc(
        self, sid: str, vmid: int, fmt: str | None, size: int, linked_from: str | None = None
    ) -> tuple[str, str]:
        """fakepve's allocation, with the node a volume is on."""
        self._check_enabled(sid, self.asked_node())
        self.need_reach(sid)
        self.need_room(sid, self._next_name(sid, vmid, fmt), size)
        made: tuple[str, str] = super()._qm_alloc(sid, vmid, fmt, size, linked_from)
        if not self.is_shared(sid):
            self._volume_record(made[0])["node"] = self.asked_node()
        return made

    def _next_name(self, sid: str, vmid: int, fmt: str | None) -> str:
        """The name the next volume of a guest gets."""
        store = self.storages[sid]
        fmt = fmt or store.get("format") or (spec_of(store) or {"format": "raw"})["format"]
        name: str = self._volume_name(store, vmid, fmt, self._qm_free_name(sid, vmid, fmt))[0]
        return name

    def _need_volume(self, volume: str) -> None:
        storage, _, name = volume.partition(":")
        if storage in self.storages:
            self._check_enabled(storage, self.asked_node())
        if name not in (self._volumes(storage) if storage in self.storages else {}):
            raise TaskError(f"volume '{volume}' does not exist")

    def kept_format(self, volume: str, storage: str) -> str | None:
        """The format a volume has after a move to a storage: its own where that can hold it, else the default."""
        own = self._volume_record(volume).get("format")
        known = (spec_of(self.storages[storage]) or {}).get("formats") or ["raw"]
        return own if own in known else None

    def _new_cloudinit(self, vmid: int, storage: str, wanted: str = "qcow2") -> str:
        """Book the volume of a cloud-init drive (../golden qemu: ``local:100/vm-100-cloudinit.qcow2``)."""
        store = self._store(storage)
        in_files = store.get("type") in ("dir", "nfs", "cifs", "btrfs")
        name = f"{vmid}/vm-{vmid}-cloudinit.{wanted}" if in_files else f"vm-{vmid}-cloudinit"
        store.setdefault("volumes", {})[name] = {
            "content": "images",
            "format": wanted if in_files else "raw",
            "size": CLOUDINIT_SIZE,
            "vmid": vmid,
            "ctime": 0,
        } | ({} if self.is_shared(storage) else {"node": self.asked_node()})
        return f"{storage}:{name}"

    def _qm_free(self, volid: str) -> None:
        """Forget a volume that belongs to a guest: an ISO image in the drive stays where it is."""
        if is_disk(volid) or is_cloudinit(volid):
            super()._qm_free(volid)

    # --------------------------------------------------------------- imports

    def _qm_check_drive(  # noqa: PLR0917 - fakepve's signature
        self, user: str, vmid: int, pool: str | None, key: str, value: str, default: str | None
    ) -> None:
        """fakepve's checks, then what PVE checks of ``import-from`` before the task (../golden flows-01)."""
        super()._qm_check_drive(user, vmid, pool, key, without(value, "import-from"), default)
        source = import_source(value)
        if source is None:
            return
        if not re.match(r"[^:]+:0(,|$)", value):
            wanted = "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>"
            raise param_error(**{key: wanted})
        self._check_source(user, key, source)

    def _check_source(self, user: str, key: str, source: str) -> None:
        if source.startswith("/"):
            if user != "root@pam":
                raise PveError(500, "Only root can pass arbitrary filesystem paths.")
            return
        storage, _, name = source.partition(":")
        vtype, owner, _format = self._parse_volname(self._store(storage), name)
        self._check_access(user, storage, vtype, owner, source)
        if vtype not in IMPORTABLE:
            raise param_error(**{key: f"{source} has wrong type '{vtype}' - needs to be 'images' or 'import'"})

    def _image_path(self, source: str) -> Path | None:
        """The file an import reads, or None when the source is another guest's disk."""
        if is_disk(source):
            return None
        storage, _, name = source.partition(":")
        path = Path(source) if source.startswith("/") else self.file_path(storage, name)
        if not path.is_file():
            shown = source if source.startswith("/") else self._volume_path(storage, name, "import")
            raise TaskError(f"failed to stat '{shown}'")
        return path

    def _source_size(self, source: str) -> int:
        path = self._image_path(source)
        return int(self._volume_record(source).get("size") or 0) if path is None else virtual_size(path)

    # ---------------------------------------------------------------- create

    def check_bridges(self, user: str, config: Mapping[str, Any]) -> None:
        """Who plugs a card in needs the right to use the bridge, or the VLAN (PVE::QemuServer, check_bridge_access)."""
        for _, card in cards(config):
            if card.get("bridge"):
                path = f"/sdn/zones/localnetwork/{card['bridge']}" + (f"/{card['tag']}" if card.get("tag") else "")
                self.require(user, path, "SDN.Use")

    async def _create_vm(self, call: Call) -> object:
        for option in settings.ROOT_ONLY:
            if option in call.values and call.user != "root@pam":
                raise die(f"only root can set '{option}' config")
        self.check_bridges(call.user, call.values)
        sources = {key: source for key, value in call.values.items() if (source := import_source(value))}

        async def finish() -> None:
            await self._finish_create(self.vm(int(call["vmid"])), sources)
            if call.get("start"):
                await self._start_new(self.vm(int(call["vmid"])))

        with followed_by(finish):
            return await self._qm_create(as_written(call.values), call.user)

    async def _finish_create(self, guest: FakeVm, sources: Mapping[str, str]) -> None:
        async def make() -> None:
            # PVE writes an empty boot order for a VM with nothing to boot from, and reads it back as a space.
            guest.config.setdefault("boot", " ")
            for key, volume in guest_volumes(guest.config).items():
                await self._make_disk(volume, sources.get(key))
                log_line(f"{key}: successfully created disk '{guest.config[key]}'")

        await self._locked_work(guest, "create", make, f"unable to create VM {guest.vmid} - ")

    async def _make_disk(self, volume: str, source: str | None) -> None:
        image = self._image_path(source) if source else None
        if source and image is None:
            await self.copy_volume(source, volume)
        else:
            await self.make_volume(volume, image)

    async def _start_new(self, guest: FakeVm) -> None:
        """fakepve calls a guest running that was created with ``start=1``; boot it."""
        self._powered_off(guest)
        await self._boot(guest)

    async def _locked_work(self, guest: FakeVm, lock: str, work: Callable[[], Awaitable[None]], prefix: str) -> None:
        """Do volume work on a new guest under its lock; a guest that cannot be finished is removed again."""
        self._qm_lock(guest, lock)
        try:
            await work()
        except (TaskError, PveError, GuestError, OSError) as error:
            await self._abandon(guest)
            raise TaskError(f"{prefix}{error}") from error
        self._qm_lock(guest, None)

    async def _abandon(self, guest: FakeVm) -> None:
        for volume in guest_volumes(guest.config).values():
            self._qm_free(volume)
            await self.drop_volume(volume)
        if guest in self.vms:
            self.vms.remove(guest)

    # ----------------------------------------------------------------- clone

    async def _clone_vm(self, call: Call) -> object:
        sources = self._clone_sources(call)
        source = self.vm(int(call["vmid"]))
        self.check_bridges(call.user, source.config if source else {})
        self._check_clone_target(call, sources)
        taken = self.guest(int(call["newid"]))
        if source and taken and taken.node != call["node"]:
            # Only the write of the new configuration notices a guest of another node (../golden migrate).
            path = f"/etc/pve/nodes/{call['node']}/qemu-server/{taken.vmid}.conf"
            reason = f"close (rename) atomic file '{path}' failed: File exists"
            return await self._refuse_in_task(call, "qmclone", source, reason)
        # PVE's default: a template is cloned linked, every other guest in full.
        full = bool(call.get("full", not (source and source.template)))
        with followed_by(lambda: self._finish_clone(call, sources, full)):
            return await self._qm_clone(call.values, call.user)

    def _check_clone_target(self, call: Call, sources: Mapping[str, str]) -> None:
        """PVE copies onto another node only what both see (PVE/API2/Qemu.pm: clone_vm)."""
        target = call.get("target", call["node"])
        if target == call["node"] or target not in self.nodes:
            return
        storages = {volume.partition(":")[0] for volume in sources.values()}
        if not all(self.is_shared(storage) for storage in storages):
            raise die(f"can't clone VM to node '{target}' (VM uses local storage)")
        for storage in storages:
            self._check_enabled(storage, target)

    def _clone_sources(self, call: Call) -> dict[str, str]:
        """Drive key -> volume of the guest to clone; empty when there is none, which fakepve then says."""
        source = self.vm(int(call["vmid"]))
        config = source.snapshots.get(call.get("snapname"), source.config) if source else {}
        return guest_volumes(config)

    async def _finish_clone(self, call: Call, sources: Mapping[str, str], full: bool) -> None:
        guest = self.vm(int(call["newid"]))

        async def copy() -> None:
            self._renew_cloudinit(guest, call.get("format", "qcow2"))
            for key, volume in guest_volumes(guest.config).items():
                log_line(f"create {'full' if full else 'linked'} clone of drive {key} ({sources[key]})")
                await self.copy_volume(sources[key], volume)
                if not full:
                    self._volume_record(volume)["base"] = sources[key]

        await self._locked_work(guest, "clone", copy, "clone failed: ")

    def _renew_cloudinit(self, guest: FakeVm, wanted: str) -> None:
        """A clone has a cloud-init drive of its own, on the storage of the original's, in the format of its disks."""
        for key in [key for key, value in guest.config.items() if is_cloudinit(value)]:
            storage = str(guest.config[key]).partition(":")[0]
            guest.config[key] = f"{self._new_cloudinit(guest.vmid, storage, wanted)},media=cdrom,size=4M"

    # -------------------------------------------------------------- template

    async def _template_vm(self, call: Call) -> object:
        guest = self.find(call["node"], call["vmid"])
        before = guest_volumes(guest.config)

        async def rename() -> None:
            for key, volume in guest_volumes(guest.config).items():
                self.move_volume(before[key], volume)

        with followed_by(rename):
            return await self._qm_template(call.values, call.user)

    # --------------------------------------------------------------- destroy

    async def _destroy_vm(self, call: Call) -> object:
        guest = self.find(call["node"], call["vmid"])
        await self.look()
        used = next((volume for volume in guest_volumes(guest.config).values() if self._is_base(volume)), None)
        if used:
            return await self._refuse_in_task(
                call, "qmdestroy", guest, f"base volume '{used}' is still in use by linked cloned"
            )
        volumes = self._volumes_to_drop(guest, unreferenced=bool(call.get("destroy-unreferenced-disks")))

        async def drop() -> None:
            await self.driver.kill(guest.vmid)
            for volume in volumes:
                self._warn_of_lost(volume)
                await self.drop_volume(volume)

        with followed_by(drop):
            return await self._qm_destroy(call.values, call.user)

    def _warn_of_lost(self, volume: str) -> None:
        """A volume whose storage is gone is no reason to keep its guest (../golden flows-03-storage-dir)."""
        storage = volume.partition(":")[0]
        if storage not in self.storages:
            reason = f"storage '{storage}' does not exist"
            log_line(f"WARN: failed to get path and owner of volume '{volume}': {reason}")

    def _is_base(self, volume: str) -> bool:
        """Whether a linked clone stands on this volume."""
        records = (record for store in self.storages.values() for record in store.get("volumes", {}).values())
        return any(record.get("base") == volume for record in records)

    async def _refuse_in_task(self, call: Call, ttype: str, guest: FakeVm, reason: str) -> str:
        async def body() -> None:
            raise TaskError(reason)

        upid: str = await self.task(guest.node, ttype, guest.vmid, call.user, body)
        return upid

    def _volumes_to_drop(self, guest: FakeVm, *, unreferenced: bool) -> list[str]:
        """Volumes that go with the guest: those it names and, if asked, every other one that carries its VMID."""
        named = set(guest_volumes(guest.config).values())
        for name, snapshot in guest.snapshots.items():
            volumes = set(guest_volumes(snapshot).values())
            named |= volumes | {f"{volume}@{name}" for volume in volumes}
        owned = {
            f"{storage}:{name}"
            for storage, store in self.storages.items()
            for name, volume in store.get("volumes", {}).items()
            if unreferenced and volume.get("vmid") == guest.vmid and "images" in split_list(store.get("content"))
        }
        return sorted(named | {volume for volume in owned if is_disk(volume)})
