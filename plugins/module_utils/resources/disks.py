# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM's drives: how they are written, created, changed, grown and moved. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Codec, Json, Properties, size_bytes
from ansible_collections.homelab.pve.plugins.module_utils.engine import Change, Field, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.volumes import (
    ALLOCATED,
    VolumeChange,
    Volumes,
    gibibytes,
    grown,
    occupied,
    refuse_detaching_beside_deleting,
    storage_of,
)

BUSES = {"ide": 4, "sata": 6, "scsi": 31, "virtio": 16, "efidisk": 1, "tpmstate": 1}
"""How many drives each bus takes (PVE::QemuServer::Drive)."""

UNUSED, UNUSED_COUNT = "unused", 256
"""Where a detached volume stays (PVE::QemuServer::Drive, MAX_UNUSED_DISKS)."""

KEY = re.compile(rf"^(ide|sata|scsi|virtio|efidisk|tpmstate|{UNUSED})(\d+)$")
DELETED = "absent"
"""The value of a drive that is to go with its volume."""

CLOUDINIT = "cloudinit"
EMPTY_DRIVE = frozenset({"none", "cdrom"})

_LIMITS = ("iops", "mbps", "bps")
_PLACE = {"storage": "str", "import-from": "str"}
"""What only a wish has: where a new volume is to be made, and from what."""

DRIVE = Properties(
    default_key="file",
    aliases={"import_from": "import-from", "volume": "file", "pre_enrolled_keys": "pre-enrolled-keys"},
    kinds={
        **_PLACE,
        **dict.fromkeys(("file", "format", "media", "cache", "aio", "discard", "rerror", "werror", "serial"), "str"),
        **dict.fromkeys(("wwn", "model", "vendor", "product", "detect_zeroes", "efitype", "version", "ms-cert"), "str"),
        **dict.fromkeys(("backup", "iothread", "replicate", "ro", "scsiblock", "shared", "snapshot", "ssd"), "bool"),
        **{f"{limit}{part}": "float" for limit in _LIMITS for part in ("", "_rd", "_wr", "_max", "_rd_max", "_wr_max")},
        **{f"{limit}{part}_length": "int" for limit in _LIMITS for part in ("_max", "_rd_max", "_wr_max")},
        "queues": "int",
        "size": "size",
        "pre-enrolled-keys": "bool",
    },
    choices={
        "aio": ("native", "threads", "io_uring"),
        "cache": ("none", "writethrough", "writeback", "unsafe", "directsync"),
        "discard": ("ignore", "on"),
        "efitype": ("2m", "4m"),
        "format": ("raw", "qcow", "qed", "qcow2", "vmdk", "cloop"),
        "media": ("cdrom", "disk", "cloudinit"),
        "ms-cert": ("2011", "2023", "2023w", "2023k"),
        "rerror": ("ignore", "report", "stop"),
        "version": ("v1.2", "v2.0"),
        "werror": ("enospc", "ignore", "report", "stop"),
    },
)  # fmt: skip
DRIVE_CODEC = DRIVE.codec()


def _parse(value: Json) -> dict[str, Json]:
    """A drive as a user writes it, in PVE's form or ours, in ours: ``storage`` and ``size`` for a new volume."""
    drive = DRIVE.parse(value)
    file = str(drive.get("file", ""))
    if found := ALLOCATED.match(file):
        del drive["file"]
        return {**drive, "storage": found.group(1), "size": DRIVE.parse({"size": f"{found.group(2)}G"})["size"]}
    if file.endswith(f":{CLOUDINIT}"):
        del drive["file"]
        return {**drive, "storage": file.partition(":")[0], "media": CLOUDINIT}
    return {**drive, "media": "cdrom"} if file in EMPTY_DRIVE else drive


def _encode(drive: Mapping[str, Json]) -> str:
    """A drive as PVE takes it."""
    rest = {name: value for name, value in drive.items() if name != "storage"}
    storage = drive.get("storage")
    if storage is None:
        return DRIVE.encode(rest)
    if drive.get("media") == CLOUDINIT:
        rest.pop("media")
        return DRIVE.encode({**rest, "file": f"{storage}:{CLOUDINIT}"})
    size = rest.pop("size", None)
    # An import takes the image's own size; it is grown afterwards.
    gib = "0" if drive.get("import-from") else gibibytes(size_bytes(size or "0"))
    return DRIVE.encode({**rest, "file": f"{storage}:{gib}"})


DISK = Codec(_parse, DRIVE.decode, _encode, DRIVE.merge, DRIVE.same, ansible_type="dict")
FIELD = Field("disks", DISK)


def wanted(params: Values) -> dict[str, Json]:
    """The option ``disks`` in canonical form, by drive; None stands for a drive to detach."""
    found = {key: _wanted(key, value) for key, value in (params.get("disks") or {}).items()}
    refuse_detaching_beside_deleting(
        "disks",
        [key for key, drive in found.items() if drive is None],
        [key for key, drive in found.items() if drive and key.startswith(UNUSED)],
    )
    return found


def _wanted(key: str, value: Json) -> dict[str, Json] | None:
    found = KEY.match(key)
    if not found or int(found.group(2)) >= BUSES.get(found.group(1), UNUSED_COUNT):
        known = ", ".join(f"{bus}0" if count == 1 else f"{bus}0-{count - 1}" for bus, count in sorted(BUSES.items()))
        raise ConfigError(f"Option 'disks': '{key}' is no drive. Drives are {known}.")
    if value in (None, "", {}):
        return None
    if value == DELETED:
        return {DELETED: True}
    if found.group(1) == UNUSED:
        raise ConfigError(
            f"Option 'disks': {key} can only be deleted ({key}: {DELETED}). "
            "Give its volume as file of a drive to attach it."
        )
    try:
        return _parse(value)
    except ValueError as error:
        raise ConfigError(f"Option 'disks': {key}: {error}") from error


def compare(guest: str, key: str, wish: dict[str, Json] | None, have: Mapping[str, Json] | None) -> VolumeChange | None:
    """What turns the drive into the wished one. Raises RefusedError for what would lose data."""
    if wish and wish.get(DELETED):
        return VolumeChange(key, delete=True, before=DRIVE.encode(have)) if have is not None else None
    if have is None:
        return _added(guest, key, wish) if wish else None
    if wish is None:
        return VolumeChange(key, Change(FIELD, key, have, None), before=DRIVE.encode(have))
    options = _options(guest, key, wish, have)
    after = DRIVE.merge(have, options)
    change = None if DRIVE.same(have, after) else Change(FIELD, key, have, after)
    move_to, size = _moved(guest, key, wish, have), _grown(guest, key, wish, have)
    if not (change or move_to or size):
        return None
    final = DRIVE.merge(after, {"size": size} if size else {})
    shown = DRIVE.encode(final) if not move_to else f"{DRIVE.encode(final)} on {move_to}"
    return VolumeChange(key, change, move_to, size, DRIVE.encode(have), shown)


def _added(guest: str, key: str, wish: dict[str, Json]) -> VolumeChange:
    if not wish.get("storage") and not wish.get("file"):
        raise ConfigError(
            f"Option 'disks': {key} does not exist on {guest} yet. Give storage and size to make it, "
            "or file to use a volume that exists."
        )
    if wish.get("storage") and not (wish.get("size") or wish.get("import-from") or wish.get("media") == CLOUDINIT):
        if not key.startswith(("efidisk", "tpmstate")):
            raise ConfigError(f"Option 'disks': the new {key} of {guest} needs a size, or import_from.")
        wish = {**wish, "size": "1G"}  # PVE ignores it for these two: they have a fixed size
    grow = wish.get("size") if wish.get("import-from") else None
    return VolumeChange(key, Change(FIELD, key, None, wish), size=grow, after=_encode(wish))


def _options(guest: str, key: str, wish: Mapping[str, Json], have: Mapping[str, Json]) -> dict[str, Json]:
    """The part of the wish that is set by writing the drive again."""
    ignored = {"storage", "size", "import-from", "format"} | ({"media"} if wish.get("media") == CLOUDINIT else set())
    if wish.get("media") == CLOUDINIT and CLOUDINIT not in have["file"]:
        raise _occupied(guest, key, have)
    if wish.get("file", have["file"]) != have["file"] and have.get("media") != "cdrom":
        raise _occupied(guest, key, have)
    return {name: value for name, value in wish.items() if name not in ignored}


def _occupied(guest: str, key: str, have: Mapping[str, Json]) -> RefusedError:
    return occupied(guest, key, have["file"], f"{key}: '' in the option disks", "drive")


def _moved(guest: str, key: str, wish: Mapping[str, Json], have: Mapping[str, Json]) -> str | None:
    storage = wish.get("storage")
    if storage is None or storage == storage_of(have["file"]):
        return None
    if have.get("media") == "cdrom":
        raise _occupied(guest, key, have)
    return str(storage)


def _grown(guest: str, key: str, wish: Mapping[str, Json], have: Mapping[str, Json]) -> str | None:
    if have.get("media") == "cdrom" or key.startswith(("efidisk", "tpmstate")):
        return None
    return grown(guest, f"disk {key}", wish.get("size"), have.get("size"))


DRIVES = Volumes(DISK, wanted, compare, set_verb="POST", move_action="move_disk", move_parameter="disk")
