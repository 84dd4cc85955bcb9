# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ZFS pools on disks of a node (PVE::API2::Disks::ZFS)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ansible_collections.homelab.pve.plugins.module_utils.codecs import INTEGER, Json, Properties, list_of, within
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.resources.disk_volume import DiskVolume

LEVELS: Mapping[str, int] = {
    "single": 1,
    "mirror": 2,
    "raid10": 4,
    "raidz": 3,
    "raidz2": 4,
    "raidz3": 5,
    "draid": 3,
    "draid2": 4,
    "draid3": 5,
}
"""Level -> how many devices it takes at least."""

COMPRESSIONS = ("on", "off", "gzip", "lz4", "lzjb", "zle", "zstd")
EMPTY = 16 * 1024**2
"""Bytes that a pool without data takes at most."""

VDEV = re.compile(r"(mirror|raidz[123]|draid[123])[-:]")
"""What the name of a redundant group of devices begins with (zpoolconcepts(7))."""


def find(read: Reader, wish: Values) -> Values | None:
    """The pool of that name; how it is built is asked for only when that is wished."""
    path = url("/nodes/{}/disks/zfs", wish["node"])
    row = next((row for row in read.get(path) if row["name"] == wish["name"]), None)
    if row is None or not wish.get("raidlevel") or wish["state"] == "absent":
        return row
    return {**row, "tree": read.get(f"{path}/{url('{}', wish['name'])}").get("children") or []}


def level_of(tree: Sequence[Values]) -> str | None:
    """The level of redundancy a pool was made with, from its devices; None for one that PVE doesn't make."""
    names = [str(item["name"]) for item in (tree[0].get("children") or [])] if tree else []
    found = [VDEV.match(name) for name in names]
    groups = [match[1] for match in found if match]
    if not groups:
        return "single" if len(names) == 1 else None
    if len(groups) > 1:
        return "raid10" if set(groups) == {"mirror"} else None
    return groups[0].removesuffix("1")


def shown(row: Values) -> dict[str, Json]:
    """A pool for people; sizes in bytes."""
    sizes = {name: int(row[name]) for name in ("size", "alloc", "free")}
    return {"name": row["name"], "health": row["health"], **sizes, "raidlevel": level_of(row.get("tree") or [])}


def holds(row: Values) -> str:
    """What is on it, as far as PVE tells: its own bookkeeping takes less than a few MiB."""
    return f"{row['alloc']} bytes of data" if int(row["alloc"]) > EMPTY else ""


def check(wish: Values) -> str:
    """What is wrong with the wish of a creation."""
    level, count = str(wish["raidlevel"]), len(wish["devices"])
    if wish.get("draid_config") and not level.startswith("draid"):
        return f"draid_config is for the levels draid, draid2 and draid3, not for {level}."
    if wish.get("draid_config") and not {"data", "spares"} <= set(wish["draid_config"]):
        return "draid_config needs both data and spares."
    if level == "single" and count > 1:
        return f"raidlevel single takes one device, not {count}. Choose mirror or another level for several."
    if count < LEVELS[level]:
        return f"raidlevel {level} needs at least {LEVELS[level]} devices, devices names {count}."
    if level == "raid10" and count % 2:
        return f"raidlevel raid10 needs an even number of devices, devices names {count}."
    return _draid(level, wish.get("draid_config") or {}, count)


def _draid(level: str, config: Values, count: int) -> str:
    least = LEVELS[level] - 2 + int(config.get("data") or 0) + int(config.get("spares") or 0)
    return f"draid_config asks for {least} devices, devices names {count}." if config and count < least else ""


DRAID = Properties(kinds={"data": "int", "spares": "int"}, limits={"data": (1, None), "spares": (0, None)})

ZFS_POOL = DiskVolume(
    kind="zfs_pool",
    noun=lambda _wish: "ZFS pool",
    path=lambda _wish: "zfs",
    collections=("zfs",),
    read=find,
    carries=lambda wish, store: (
        store.get("type") == "zfspool" and str(store.get("pool")).partition("/")[0] == wish["name"]
    ),
    devices=lambda wished: wished["devices"],
    shown=shown,
    fields=(
        Field("raidlevel", create_only=True, spec={"choices": list(LEVELS)}),
        Field("devices", list_of(",")),
        Field("ashift", within(INTEGER, 9, 16), default=12),
        Field("compression", default="on", spec={"choices": list(COMPRESSIONS)}),
        Field("draid_config", DRAID.codec(), wire="draid-config"),
    ),
    required=("raidlevel", "devices"),
    holds=holds,
    check=check,
).resource()
