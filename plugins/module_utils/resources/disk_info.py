# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node's disks are, and what is made on them."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources import directory, lvm_volume, zfs_pool
from ansible_collections.homelab.pve.plugins.module_utils.resources.node_disks import called, disks, shown
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import KEY

INFO_OPTIONS: Options = {
    "node": KEY,
    "disk": {"type": "str"},
    "type": {"type": "str", "choices": ["unused", "journal_disks"]},
    "include_partitions": {"type": "bool", "default": False},
    "skipsmart": {"type": "bool", "default": False},
    "smart": {"type": "bool", "default": False},
    "volumes": {"type": "bool", "default": False},
}
NO_ZFS = "zfsutils-linux not installed"


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module disk_info: the disks that meet every criterion that is set, by device."""
    node, smart = wish["node"], not wish["skipsmart"]
    rows = disks(read, node, smart=smart, partitions=wish["include_partitions"], kind=wish.get("type"))
    found = [row for row in rows if not wish.get("disk") or called(row, wish["disk"])]
    answer = {
        "changed": False,
        "disks": [_told(read, node, row, wish["smart"]) for row in sorted(found, key=lambda row: str(row["devpath"]))],
    }
    return {**answer, **_volumes(read, node)} if wish["volumes"] else answer


def _told(read: Reader, node: str, row: Values, smart: bool) -> dict[str, Json]:
    """A disk; a partition has no health of its own."""
    if not smart or row.get("parent"):
        return shown(row)
    return {**shown(row), "smart": read.get(url("/nodes/{}/disks/smart", node), {"disk": row["devpath"]})}


def _volumes(read: Reader, node: str) -> dict[str, Json]:
    base = url("/nodes/{}/disks", node)
    groups = [*read.get(f"{base}/lvm")["children"], *read.get(f"{base}/lvmthin")]
    return {
        "directories": [directory.shown(row) for row in read.get(f"{base}/directory")],
        "lvm_volumes": [lvm_volume.shown(row) for row in groups],
        "zfs_pools": [zfs_pool.shown(row) for row in pools(read, f"{base}/zfs")],
    }


def pools(read: Reader, path: str) -> list[Values]:
    """The ZFS pools with their devices; none on a node without ZFS."""
    try:
        rows = read.get(path)
    except PveError as error:
        if NO_ZFS in error.message:
            return []
        raise
    return [{**row, "tree": read.get(f"{path}/{url('{}', row['name'])}").get("children") or []} for row in rows]
