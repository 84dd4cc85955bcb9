# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in an archive of vzdump, and how it gets there and out again (pve-manager, PVE/VZDump.pm).

A container's archive is as a node makes it: a tar, compressed as its name says, that begins with the configuration,
``./etc/vzdump/pct.conf``, and has the files of the root and of the mount points that are backed up.

A VM's archive has the name of PVE's format (VMA) but is a tar, compressed as its name says: the configuration, one tar
with the files of each disk, and which disks have a system. It holds everything, so it restores wherever it is put.
"""

from __future__ import annotations

import asyncio
import calendar
import json
import re
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from lab.api import filetree
from lab.api.fake import TaskError, pve_schema
from lab.api.volumes import guest_volumes
from lab.guests import archive as tar
from lab.guests.driver import GuestDriver
from lab.guests.volume import copy_files

SUFFIXES = {"0": "", "1": ".lzo", "lzo": ".lzo", "gzip": ".gz", "zstd": ".zst"}
CONFIG_NAMES = {"lxc": "etc/vzdump/pct.conf", "qemu": "qemu-server.conf"}
# Which drives of a VM have a system: the one thing a disk's files do not tell.
BOOTABLE = "bootable.json"
ARCHIVE = re.compile(r"vzdump-(?P<kind>lxc|qemu)-(?P<vmid>\d+)-(?P<made>\d{4}(?:_\d\d){2}-\d\d(?:_\d\d){2})\..+")
TIME = "%Y_%m_%d-%H_%M_%S"
MOUNT_POINT = re.compile(r"mp\d+")
CREATE = "/nodes/{node}/{kind}"
WHOLE = ("integer", "boolean")
# What stays as it is in a comment; all else is written in hexadecimal.
PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


def kind_of_archive(path: Path) -> str:
    """``qemu`` or ``lxc``; a file with a name of its own is taken for a VM's."""
    found = ARCHIVE.fullmatch(path.name)
    return found["kind"] if found else "qemu"


def made_at(name: str) -> int:
    """The Unix time in an archive's name; 0 for a name that PVE did not give."""
    found = ARCHIVE.fullmatch(name)
    return 0 if not found else calendar.timegm(time.strptime(found["made"], TIME))


# ------------------------------------------------------------------ configuration


def config_text(config: Mapping[str, object]) -> str:
    """A configuration as its file has it; the description is a comment before it."""
    lines = [f"#{quote(line, safe=PLAIN)}" for line in str(config.get("description", "")).splitlines()]
    return "".join(f"{line}\n" for line in [*lines, *_option_lines(config)])


def _option_lines(config: Mapping[str, object]) -> Iterable[str]:
    return (f"{key}: {value}" for key, value in sorted(config.items()) if key != "description")


def config_of(kind: str, text: str) -> dict[str, Any]:
    """The configuration in a file's text, with the types that the API's schema gives its options."""
    notes = "".join(f"{unquote(line[1:])}\n" for line in text.splitlines() if line.startswith("#"))
    # A section begins where a snapshot's configuration does.
    lines = text.partition("\n[")[0].splitlines()
    options = (line.partition(":") for line in lines if line and not line.startswith("#"))
    found = {key: typed(kind, key, value.strip()) for key, _, value in options}
    return found | ({"description": notes if kind == "lxc" else notes.rstrip("\n")} if notes else {})


def typed(kind: str, option: str, value: str) -> object:
    """An option's value: a number where the schema says so."""
    known = pve_schema.load().paths[CREATE.format(node="{node}", kind=kind)]["POST"]["parameters"]["properties"]
    schema = known.get(option, {})
    return int(value) if schema.get("type") in WHOLE and re.fullmatch(r"-?\d+", value) else value


# ------------------------------------------------------------------------ reading


def read_member(path: Path, name: str) -> str:
    """One file of an archive. Raises TaskError for a file that is no archive, or has no such file."""
    try:
        return tar.read(path, f"./{name}").decode()
    except OSError as error:
        raise TaskError(str(error)) from error


def bootable_drives(folder: Path) -> frozenset[str]:
    """The drives of an unpacked VM archive that have a system; of an archive from elsewhere none is known."""
    path = folder / BOOTABLE
    return frozenset(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else frozenset()


@asynccontextmanager
async def unpacked(path: Path) -> AsyncIterator[Path]:
    """The files of an archive, in a folder that is gone after the block. Raises ArchiveError for a damaged one."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".restore-") as folder:
        await asyncio.to_thread(tar.unpack, path, Path(folder))
        yield Path(folder)


# ------------------------------------------------------------------------ writing


@dataclass(frozen=True)
class Content:
    """What is put into an archive: the configuration, and the directories of volumes by the key of their drive."""

    config: Mapping[str, Any]
    volumes: Mapping[str, Path]
    bootable: frozenset[str] = frozenset()


def backed_up(kind: str, config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Drive and volume of what a backup has: no unused disks, mount points only if they say so, drives unless not."""
    for key, volume in guest_volumes(config).items():
        options = str(config[key]).split(",")
        chosen = "backup=1" in options if kind == "lxc" and MOUNT_POINT.fullmatch(key) else "backup=0" not in options
        if chosen and not key.startswith("unused"):
            yield key, volume


def mount_path(value: object) -> str:
    """Where a mount point is, below the root."""
    found = re.search(r"(?:^|,)mp=([^,]+)", str(value))
    return found[1].strip("/") if found else ""


async def write_vm(driver: GuestDriver, path: Path, content: Content, room: Path) -> None:
    """Make a VM's archive, with ``room`` for what lies between. Raises GuestError or ArchiveError."""
    with tempfile.TemporaryDirectory(dir=room, prefix=".vzdump-") as scratch:
        folder = Path(scratch, "content")
        folder.mkdir()
        for key, volume in content.volumes.items():
            await driver.pack(volume, folder / f"drive-{key}.tar")
        (folder / CONFIG_NAMES["qemu"]).write_text(config_text(content.config), encoding="utf-8")
        (folder / BOOTABLE).write_text(json.dumps(sorted(content.bootable)), encoding="utf-8")
        await asyncio.to_thread(tar.pack, folder, path)


async def write_container(driver: GuestDriver, path: Path, content: Content, room: Path) -> None:
    """Make a container's archive, with ``room`` beside the volumes: only there an overlay's whiteouts can be made.

    Raises GuestError or ArchiveError.
    """
    members = {CONFIG_NAMES["lxc"]: config_text(content.config).encode()}
    points = {key: volume for key, volume in content.volumes.items() if MOUNT_POINT.fullmatch(key)}
    with tempfile.TemporaryDirectory(dir=room, prefix=".vzdump-") as scratch:
        root = Path(scratch, "root")
        await (driver.clone_volume(content.volumes["rootfs"], root) if points else driver.create_volume(root))
        for key, volume in points.items():
            await asyncio.to_thread(
                copy_files, driver.folder(volume), driver.folder(root) / mount_path(content.config[key])
            )
        await driver.pack(root if points else content.volumes.get("rootfs", root), path, members)
        await driver.delete_volume(root)


async def fill_container(
    driver: GuestDriver, path: Path, config: Mapping[str, Any], volumes: Mapping[str, Path]
) -> None:
    """Put the files of a container's archive on its new volumes. Raises GuestError, ArchiveError if damaged."""
    root = volumes["rootfs"]
    await driver.unpack(path, root, (f"./{CONFIG_NAMES['lxc']}",))
    for key, volume in volumes.items():
        place = driver.folder(root) / mount_path(config[key])
        if MOUNT_POINT.fullmatch(key) and place.is_dir():
            await asyncio.to_thread(copy_files, place, driver.folder(volume))
            await asyncio.to_thread(filetree.empty, place)
