# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volume groups and thin pools on disks of a node (PVE::API2::Disks::LVM, LVMThin).

A thin pool is made in a volume group of its own that has its name.
"""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.resources.disk_volume import DiskVolume


def is_thin(wish: Values) -> bool:
    """Whether a thin pool is meant."""
    return bool(wish["type"] == "lvmthin")


def group(wish: Values) -> str:
    """The volume group of a thin pool."""
    return str(wish.get("volume_group") or wish["name"])


def find(read: Reader, wish: Values) -> Values | None:
    """The volume group, or the thin pool in its group."""
    rows = read.get(url("/nodes/{}/disks/{}", wish["node"], wish["type"]))
    if is_thin(wish):
        return next((row for row in rows if (row["vg"], row["lv"]) == (group(wish), wish["name"])), None)
    return next((row for row in rows["children"] if row["name"] == wish["name"]), None)


def shown(row: Values) -> dict[str, Json]:
    """A volume group or thin pool for people; sizes in bytes."""
    if "lv" in row:
        sizes = {"size": int(row["lv_size"]), "used": int(row["used"])}
        return {"name": row["lv"], "type": "lvmthin", "volume_group": row["vg"], **sizes}
    return {
        "name": row["name"],
        "type": "lvm",
        "devices": [str(item["name"]) for item in row.get("children") or []],
        "size": int(row["size"]),
        "used": int(row["size"]) - int(row["free"]),
        "logical_volumes": int(row.get("lvcount") or 0),
    }


def holds(row: Values) -> str:
    """What is on it. PVE removes a group with all its logical volumes, and a pool with all volumes in it."""
    if "lv" in row:
        return f"{row['used']} bytes in thin volumes" if int(row["used"]) else ""
    count = int(row.get("lvcount") or 0)
    return f"{count} logical volume{'s' if count > 1 else ''}" if count else ""


def check(wish: Values) -> str:
    """What is wrong with the wish of a creation."""
    if is_thin(wish) and group(wish) != wish["name"]:
        return (
            f"Proxmox VE makes a thin pool in a volume group of its own that is called {wish['name']} as well. Leave "
            "out volume_group."
        )
    return ""


def _carries(wish: Values, store: Values) -> bool:
    same = store.get("type") == wish["type"] and store.get("vgname") == group(wish)
    return bool(same and (not is_thin(wish) or store.get("thinpool") == wish["name"]))


LVM_VOLUME = DiskVolume(
    kind="lvm_volume",
    noun=lambda wish: "thin pool" if is_thin(wish) else "volume group",
    path=lambda wish: str(wish["type"]),
    collections=("lvm", "lvmthin"),
    read=find,
    carries=_carries,
    devices=lambda wished: [wished["device"]],
    shown=shown,
    fields=(Field("device"),),
    required=("device",),
    holds=holds,
    removal=lambda wish: {"volume-group": group(wish)} if is_thin(wish) else {},
    check=check,
    options={"type": {"type": "str", "choices": ["lvm", "lvmthin"], "default": "lvm"}, "volume_group": {"type": "str"}},
).resource()
