# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of storages: full, out of reach, slow. Each type of storage says it in words of its own.

The words are those of the programs PVE runs (pve-storage, PVE/Storage/*Plugin.pm with their ``errmsg``; lvcreate,
qemu-img, zfs and rbd for the rest), put together without a transcript.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from lab.api.fake import TaskError, Values, die
from lab.api.faults_kinds import StorageFault, StorageFull, StorageOffline, StorageSlow
from lab.api.faults_wire import WireArea
from lab.api.tasks import log_line
from lab.api.volumes import VolumeArea

Options = Mapping[str, Any]
NO_SPACE = "No space left on device"
DIRECTORIES = ("dir", "btrfs")


def _thin_pool(options: Options, name: str, _size: int) -> str:
    group = options.get("vgname")
    return (
        f"lvcreate '{group}/{name}' error:   Cannot create new thin volume, free space in thin pool "
        f"{group}/{options.get('thinpool')} reached threshold."
    )


def _image(options: Options, name: str, _size: int) -> str:
    path = f"{options.get('path')}/images/{name}"
    what = "write qcow2 header" if name.endswith(".qcow2") else "preallocate data for the new file"
    return f"unable to create image: qemu-img: {path}: Could not {what}: {NO_SPACE}"


# Storage type -> what PVE says when a volume does not fit: of the options, the volume's name and its size in bytes.
# (LVMPlugin.pm alloc_lvm_image; LvmThinPlugin.pm, ZFSPoolPlugin.pm, RBDPlugin.pm alloc_image; Common.pm)
NO_ROOM: Mapping[str, Callable[[Options, str, int], str]] = {
    "lvm": lambda _options, _name, size: f"not enough free space (0 < {size // 1024})",
    "lvmthin": _thin_pool,
    "zfspool": lambda options, name, _size: f"zfs error: cannot create '{options.get('pool')}/{name}': out of space",
    "rbd": lambda _options, name, _size: f"rbd create '{name}' error: rbd: create error: (28) {NO_SPACE}",
}


def no_room(options: Options, name: str, size: int) -> str:
    """What PVE says when a new volume does not fit."""
    return NO_ROOM.get(str(options.get("type", "dir")), _image)(options, name, size)


def out_of_reach(storage: str, options: Options) -> str:
    """What PVE says when it cannot activate a storage (PVE/Storage.pm activate_storage; Plugin.pm, LVMPlugin.pm)."""
    if options.get("type", "dir") in DIRECTORIES:
        path = options.get("path")
        return f"unable to activate storage '{storage}' - directory '{path}' does not exist or is unreachable"
    return f"storage '{storage}' is not online"


class StorageFaultArea(WireArea, VolumeArea):
    """Mixin: storages that are full, out of reach or slow."""

    def _storage_fault(self, kind: type[StorageFault], storage: str, node: str) -> Any:  # noqa: ANN401 - of that kind
        found = (fault for _, fault in self.faults.of(kind) if fault.storage == storage)
        return next((fault for fault in found if fnmatchcase(node, fault.node)), None)

    def is_full(self, storage: str) -> bool:
        """Whether nothing fits on a storage, as the asked node sees it."""
        return self._storage_fault(StorageFull, storage, self.asked_node()) is not None

    def is_out_of_reach(self, storage: str, node: str | None = None) -> bool:
        """Whether a fault keeps a node from a storage."""
        return self._storage_fault(StorageOffline, storage, node or self.asked_node()) is not None

    def need_reach(self, storage: str, node: str | None = None) -> None:
        """Raise PVE's error for a storage that cannot be activated."""
        if self.is_out_of_reach(storage, node):
            raise die(out_of_reach(storage, self.storages[storage]))

    def why_inactive(self, storage: str) -> str:
        """Why the asked node cannot use a storage at all; empty when it can."""
        if storage not in self.storages:
            return f"storage '{storage}' does not exist"
        return out_of_reach(storage, self.storages[storage]) if self.is_out_of_reach(storage) else ""

    def need_room(self, storage: str, name: str, size: int) -> None:
        """Raise PVE's error for a new volume that does not fit."""
        if self.is_full(storage):
            raise TaskError(no_room(self.storages[storage], name, size))

    def need_room_for_file(self, storage: str, words: str) -> None:
        """Raise an error for a file that does not fit; ``words`` are those of the program that writes it."""
        if self.is_full(storage):
            raise TaskError(f"{words}{NO_SPACE}")

    def need_room_for_archive(self, storage: str, kind: str, path: str, compress: str) -> None:
        """Raise PVE's error for a backup that does not fit, with what its log has before.

        The pipe to the compressor breaks; without one the writer meets the full disk itself.
        """
        if not self.is_full(storage):
            return
        if compress == "zstd":
            log_line(f"INFO: zstd: error 70 : Write error : cannot write block : {NO_SPACE}")
        if kind == "lxc":
            raise TaskError(f"command 'set -o pipefail && tar cpf - >{path}.dat' failed: exit code 1")
        reason = "vma_queue_write: write error - " + (NO_SPACE if compress == "0" else "Broken pipe")
        log_line(f"ERROR: {reason}")
        log_line("INFO: aborting backup job")
        raise TaskError(reason)

    async def take_time(self, storage: str) -> None:
        """Wait as long as a slow storage takes for a volume or file."""
        slow = self._storage_fault(StorageSlow, storage, self.asked_node())
        if slow is not None:
            await self.clock.sleep(slow.seconds)

    # ------------------------------------------------------- where it shows

    async def make_volume(self, volume: str, image: Path | None = None) -> None:
        """Make a volume, slowly if its storage is slow."""
        await self.take_time(volume.partition(":")[0])
        await super().make_volume(volume, image)

    async def copy_directory(self, source: str, target: str) -> None:
        """Copy a volume, slowly if the target's storage is slow."""
        await self.take_time(target.partition(":")[0])
        await super().copy_directory(source, target)

    def _active_store(self, name: str, node: str) -> Any:  # noqa: ANN401 - fakepve's record
        store = super()._active_store(name, node)
        self.need_reach(name, node)
        return store

    def _storage_for(self, sid: str, user: str | None = None, vmid: int | None = None) -> Any:  # noqa: ANN401
        store = super()._storage_for(sid, user, vmid)
        self.need_reach(sid)
        return store

    def _status_item(self, name: str, node: str, formats: bool = False) -> Values:
        item: Values = super()._status_item(name, node, formats)
        if self.is_out_of_reach(name, node):
            item |= {"active": 0, "total": 0, "used": 0, "avail": 0}
        if item["active"] and self._storage_fault(StorageFull, name, node) is not None:
            item |= {"used": item["total"], "avail": 0}
        return item

    def _storage_resource(self, node: str, name: str) -> Values | None:
        item: Values | None = super()._storage_resource(node, name)
        if item is not None and self.is_out_of_reach(name, node):
            item["status"] = "unknown"
        if item is not None and self._storage_fault(StorageFull, name, node) is not None:
            item["disk"] = item["maxdisk"]
        return item
