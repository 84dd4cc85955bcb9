# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guest volumes on disk: what fakepve only books, the guest driver really makes, copies and removes.

fakepve allocates, renames and frees a volume by a dictionary entry, in the middle of a task. The directories follow
at the end of the same task (:func:`lab.api.tasks.followed_by`), before the guest's lock is released.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.api.images import is_blank
from lab.api.nodes import NodesArea
from lab.guests.driver import GuestDriver

DRIVE_KEY = re.compile(r"(?:ide|sata|scsi|virtio|efidisk|tpmstate|unused|mp)\d+|rootfs")
VOLUME_ID = re.compile(r"(?P<storage>[A-Za-z][A-Za-z0-9._-]*):(?P<name>.+)")


def volume_of(value: object) -> str | None:
    """The volume id a drive's value starts with, or None for a path, ``none`` or ``cdrom``."""
    first = str(value).split(",")[0].removeprefix("file=")
    return first if VOLUME_ID.fullmatch(first) else None


def guest_volumes(config: Mapping[str, Any]) -> dict[str, str]:
    """Drive key -> volume id of the guest's own disks; ISO images and cloud-init drives are not among them."""
    found = {key: volume_of(value) for key, value in config.items() if DRIVE_KEY.fullmatch(key)}
    return {key: volume for key, volume in found.items() if volume and is_disk(volume)}


def is_disk(volume: str) -> bool:
    """Whether a volume id names a guest's disk."""
    name = volume.partition(":")[2].rpartition("/")[2]
    return re.match(r"(?:vm|base|subvol|basevol)-\d+-(?!cloudinit)", name) is not None


def size_of(value: object) -> int:
    """The size in a drive's options, in bytes; 0 for a drive without one."""
    found = re.search(r"(?:^|,)size=(\d+(?:\.\d+)?)([KMGT]?)", str(value))
    return int(float(found[1]) * 1024 ** " KMGT".index(found[2] or " ")) if found else 0


def own_name(name: str) -> str:
    """A volume's name without the base a linked clone puts in front: ``100/base-x/105/vm-y`` -> ``105/vm-y``."""
    return re.sub(r"^(?:\d+/)?base(?:vol)?-[^/]+/", "", name)


class VolumeArea(NodesArea):
    """Mixin: where volumes are, and the driver that keeps them."""

    driver: GuestDriver
    volumes_dir: Path

    def volume_path(self, volume: str) -> Path:
        """The directory of a volume, given as ``storage:name``. Raises ValueError for what could leave the store."""
        storage, _, name = volume.partition(":")
        if ".." in Path(name).parts or name.startswith("/"):
            raise ValueError(f"volume {volume!r} is not below its storage")
        return self.volumes_dir / storage / own_name(name)

    async def make_volume(self, volume: str, image: Path | None = None) -> None:
        """Make the directory of a new volume, empty or from a downloaded image."""
        path = self.volume_path(volume)
        path.parent.mkdir(parents=True, exist_ok=True)
        await self.driver.create_volume(path, image)
        self.mark_bootable(volume, image is not None and not is_blank(image))

    async def copy_volume(self, source: str, target: str) -> None:
        """Copy a volume; a source that was only booked gives an empty one."""
        await self.copy_directory(source, target)
        self.mark_bootable(target, self.is_bootable(source))

    async def copy_directory(self, source: str, target: str) -> None:
        """Copy what is on a volume, with no word about it in the book."""
        path = self.volume_path(target)
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.volume_path(source).exists():
            await self.driver.clone_volume(self.volume_path(source), path)
        else:
            await self.driver.create_volume(path)

    async def drop_volume(self, volume: str) -> None:
        """Remove the directory of a volume that fakepve has freed."""
        await self.driver.delete_volume(self.volume_path(volume))

    def move_volume(self, source: str, target: str) -> None:
        """Rename a volume's directory, as turning a guest into a template renames its volumes."""
        if source != target and self.volume_path(source).exists():
            self.volume_path(target).parent.mkdir(parents=True, exist_ok=True)
            self.volume_path(source).rename(self.volume_path(target))

    def _volume_record(self, volume: str) -> dict[str, Any]:
        storage, _, name = volume.partition(":")
        record: dict[str, Any] = self.storages.get(storage, {}).get("volumes", {}).get(name, {})
        return record

    def mark_bootable(self, volume: str, bootable: bool) -> None:
        """Note whether there is a system on the volume: an empty disk starts a VM in which nothing boots."""
        self._volume_record(volume)["bootable"] = bootable

    def is_bootable(self, volume: str) -> bool:
        """Whether there is a system on the volume."""
        return bool(self._volume_record(volume).get("bootable"))
