# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's root file system and mount points: how they are written, created, changed, grown and moved. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Codec, Json, Properties, size_bytes
from ansible_collections.homelab.pve.plugins.module_utils.engine import Change, Field, Step, Values
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

COUNT = 256
"""PVE::LXC::Config: MAX_MOUNT_POINTS."""

ROOTFS = "rootfs"
KEY = re.compile(r"(mp|unused)(\d+)")
DELETED = "absent"
"""The value of a volume that is to go with its data."""

MOUNT = Properties(
    default_key="volume",
    kinds={
        **dict.fromkeys(("volume", "storage", "mp"), "str"),
        **dict.fromkeys(("acl", "backup", "keepattrs", "quota", "replicate", "ro", "shared"), "bool"),
        "mountoptions": "set",
        "size": "size",
    },
    defaults={"keepattrs": False, "quota": False, "replicate": True, "ro": False, "shared": False},
)
MOUNT_OPTIONS = ("discard", "lazytime", "noatime", "nodev", "noexec", "nosuid")
BARE_SIZE = re.compile(r"\d+(?:\.\d+)?([KMGT]?)", re.IGNORECASE)
"""PVE takes a bare number of GiB where the storage is clear; with a unit it is ours."""


def _checked(mount: dict[str, Json]) -> dict[str, Json]:
    unknown = sorted(set(str(mount.get("mountoptions") or "").split(";")) - {"", *MOUNT_OPTIONS})
    if unknown:
        raise ValueError(f"mountoptions: '{unknown[0]}' is none of {', '.join(MOUNT_OPTIONS)}")
    # PVE::LXC rounds down to MiB (create_disks): what is there would never be what was wished.
    if mount.get("size") and size_bytes(mount["size"]) % 2**20:
        raise ValueError(f"size: {mount['size']} is not a whole number of MiB")
    return mount


def _parse(value: Json) -> dict[str, Json]:
    """A volume as a user writes it, in PVE's form or ours, in ours: ``storage`` and ``size`` for a new one."""
    mount = _checked(MOUNT.parse(value))
    volume = str(mount.get("volume", ""))
    if bare := BARE_SIZE.fullmatch(volume):
        del mount["volume"]
        return {**mount, **MOUNT.parse({"size": volume if bare.group(1) else f"{volume}G"})}
    found = ALLOCATED.match(volume)
    if not found:
        return mount
    del mount["volume"]
    return {**mount, "storage": found.group(1), "size": MOUNT.parse({"size": f"{found.group(2)}G"})["size"]}


def _encode(mount: Mapping[str, Json]) -> str:
    """A volume as PVE takes it."""
    rest = {name: value for name, value in mount.items() if name != "storage"}
    if mount.get("storage") is None:
        return MOUNT.encode(rest)
    size = gibibytes(size_bytes(rest.pop("size", "0")))
    return MOUNT.encode({**rest, "volume": f"{mount['storage']}:{size}"})


CODEC = Codec(_parse, MOUNT.decode, _encode, MOUNT.merge, MOUNT.same, ansible_type="dict")
FIELD = Field("mp", CODEC)


def wanted(params: Values) -> dict[str, Json]:
    """The options ``rootfs`` and ``mp`` in canonical form, by key; None stands for a mount point to detach."""
    root = {ROOTFS: params[ROOTFS]} if params.get(ROOTFS) is not None else {}
    found = {key: _wanted(key, value) for key, value in {**root, **(params.get("mp") or {})}.items()}
    refuse_detaching_beside_deleting(
        "mp",
        [key for key, mount in found.items() if mount is None],
        [key for key in found if key.startswith("unused")],
    )
    default = params.get("storage")
    return {key: _placed(mount, default) for key, mount in found.items()}


def _wanted(key: str, value: Json) -> dict[str, Json] | None:
    number = KEY.fullmatch(key)
    if key != ROOTFS and not (number and int(number.group(2)) < COUNT):
        raise ConfigError(f"Option 'mp': '{key}' is none of mp0 to mp{COUNT - 1}.")
    if value == DELETED:
        return {DELETED: True}
    if number and number.group(1) == "unused":
        raise ConfigError(
            f"Option 'mp': {key} can only be deleted ({key}: {DELETED}). Give its volume to a mount point instead."
        )
    if value in ("", {}, None):
        return None
    try:
        return _parse(value)
    except ValueError as error:
        raise ConfigError(f"{_option(key)}: {error}") from error


def _option(key: str) -> str:
    return f"Option '{ROOTFS}'" if key == ROOTFS else f"Option 'mp': {key}"


def _placed(mount: dict[str, Json] | None, storage: str | None) -> dict[str, Json] | None:
    """A new volume without a storage of its own goes where the option ``storage`` says."""
    if mount is None or storage is None or {"volume", "storage", DELETED} & set(mount):
        return mount
    return {**mount, DEFAULT_STORAGE: storage}


DEFAULT_STORAGE = "default-storage"
"""Where a volume is made that is not there; one that is there stays where it is."""


def is_volume(held: object) -> bool:
    """Whether a mount point holds a volume of a storage, and not a directory or device of the host."""
    return not str(held).startswith("/")


def compare(guest: str, key: str, wish: dict[str, Json] | None, have: Mapping[str, Json] | None) -> VolumeChange | None:
    """What turns the volume into the wished one. Raises RefusedError for what would lose data."""
    if key == ROOTFS and (wish is None or wish.get(DELETED)):
        raise ConfigError(f"Option 'rootfs': {guest} can't be without its root file system. Leave the option out.")
    if have is None:
        return _added(guest, key, wish) if wish and not wish.get(DELETED) else None
    if wish is None or wish.get(DELETED):
        return _removed(key, wish, have)
    return _changed(guest, key, {name: item for name, item in wish.items() if name != DEFAULT_STORAGE}, have)


def _removed(key: str, wish: Mapping[str, Json] | None, have: Mapping[str, Json]) -> VolumeChange:
    """Detached, and its volume deleted if that is wished: what is detached already has no mount point any more."""
    attached, goes = not key.startswith("unused"), wish is not None and is_volume(have["volume"])
    change = Change(FIELD, key, have, None) if attached else None
    return VolumeChange(key, change, before=MOUNT.encode(have), waits=attached and not goes, delete=goes)


def deletion(volumes: Sequence[VolumeChange], path: str, reason: str) -> Step:
    """LXC deletes only what is detached already, and names it anew when it detaches it.

    So where a volume is by then is looked up by its id, and the digest vouches for that (PVE::LXC::Config,
    vmconfig_apply_pending).
    """
    ids = frozenset(str(MOUNT.decode(volume.before)["volume"]) for volume in volumes)
    return Step("PUT", path, {}, reason, late=partial(_where_detached, ids))


def _where_detached(ids: frozenset[str], config: Values) -> Values:
    places = {str(value): key for key, value in config.items() if key.startswith("unused")}
    if lost := sorted(ids - set(places)):
        raise RefusedError(
            f"{', '.join(lost)} is not detached any more: somebody else has changed the container meanwhile. "
            "Nothing was deleted. Look at its volumes, and run again."
        )
    return {"delete": ",".join(sorted(places[volume] for volume in ids)), "digest": config.get("digest")}


def _added(guest: str, key: str, wish: Mapping[str, Json]) -> VolumeChange:
    placed = {"storage": wish.get(DEFAULT_STORAGE), **wish}
    mount = {name: item for name, item in placed.items() if name != DEFAULT_STORAGE and item is not None}
    if "volume" not in mount and not (mount.get("storage") and mount.get("size")):
        raise ConfigError(
            f"{_option(key)}: {key} does not exist on {guest} yet. Give storage and size to make it, "
            "or volume to use one that exists."
        )
    if key != ROOTFS and not mount.get("mp"):
        raise ConfigError(f"{_option(key)}: the new {key} of {guest} needs mp, its path in the container.")
    return VolumeChange(key, Change(FIELD, key, None, mount), after=_encode(mount))


def _changed(guest: str, key: str, wish: Mapping[str, Json], have: Mapping[str, Json]) -> VolumeChange | None:
    _refuse_replacing(guest, key, wish, have)
    after = MOUNT.merge(have, {name: item for name, item in wish.items() if name not in {"storage", "size"}})
    move_to = wish["storage"] if wish.get("storage") not in (None, storage_of(have["volume"])) else None
    size = grown(guest, key, wish.get("size"), have.get("size"))
    final = {**after, **({"size": size} if size else {})}
    change = None if MOUNT.same(have, after) else Change(FIELD, key, have, final)
    if not (change or move_to or size):
        return None
    shown = MOUNT.encode(final) + (f" on {move_to}" if move_to else "")
    return VolumeChange(key, change, move_to, size, MOUNT.encode(have), shown, waits=change is not None)


def _refuse_replacing(guest: str, key: str, wish: Mapping[str, Json], have: Mapping[str, Json]) -> None:
    held = have["volume"]
    if not is_volume(held):
        if wish.get("size") or wish.get("storage"):
            raise RefusedError(
                f"Cannot give {key} of {guest} a size or storage: it is {held} of the host, not a volume. "
                f"Detach that first ({key}: '' in the option mp), or use another mount point."
            )
        return
    if wish.get("volume", held) != held:
        how = f"{key}: '' in the option mp" if key != ROOTFS else "by making the container anew"
        raise occupied(guest, key, held, how, "mount point")


VOLUMES = Volumes(
    CODEC,
    wanted,
    compare,
    set_verb="PUT",
    move_action="move_volume",
    move_parameter="volume",
    moves_running=False,
    grows_first=True,
    deletion=deletion,
)
