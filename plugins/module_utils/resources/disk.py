# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One disk of a node: given a partition table, or wiped. Nothing is done to a disk that isn't named twice, or in use.

PVE refuses to wipe what is mounted or has a holder; it would wipe the disk of a ZFS pool (PVE::API2::Disks).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json, matching, size_bytes
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    Field,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    parsed,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.disk_info import pools
from ansible_collections.homelab.pve.plugins.module_utils.resources.node_disks import called, disks, shown
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import KEY

PROOFS = ("serial", "wwn", "size")
"""What a disk is told by, beside its device."""

FIELDS = (
    Field("uuid", matching(r"[0-9A-Fa-f-]{1,36}", "a UUID")),
    Field("serial"),
    Field("wwn"),
    Field("size"),
)
OPTIONS: Options = {
    "node": KEY,
    "disk": KEY,
    "state": {"type": "str", "choices": ["gpt", "wiped"], "required": True},
    "wait_timeout": {"type": "float", "default": 600},
}


@dataclass(frozen=True)
class Found:
    """A disk, the partitions on it, and what they belong to."""

    row: Values
    partitions: Sequence[Values] = ()
    owners: tuple[str, ...] = ()


def describe(read: Reader, wish: Values) -> Found:
    """The disk. Raises RefusedError when the node has none of that name."""
    rows = disks(read, wish["node"])
    row = next((row for row in rows if called(row, wish["disk"])), None)
    if row is None:
        known = ", ".join(str(row["devpath"]) for row in rows if not row.get("parent"))
        raise RefusedError(f"Node {wish['node']} has no disk {wish['disk']}. It has {known}.")
    parts = [part for part in rows if part.get("parent") == row["devpath"]]
    harmless = BOUND in wish or wish["state"] != "wiped" or is_blank(row, parts)
    names = [str(item[key]) for item in (row, *parts) for key in ("devpath", "by_id_link") if item.get(key)]
    return Found(row, parts, () if harmless else tuple(_owners(read, wish["node"], names)))


def is_blank(row: Values, partitions: Sequence[Values]) -> bool:
    """Whether there is nothing on a disk, no partition table either; a partition is blank when it isn't used."""
    return not (row.get("used") or partitions or (row.get("gpt") and not row.get("parent")))


def _owners(read: Reader, node: str, names: Sequence[str]) -> Iterator[str]:
    """The volume groups and ZFS pools that a disk is part of, in words."""
    base = url("/nodes/{}/disks", node)
    for group in read.get(f"{base}/lvm")["children"]:
        if any(str(item["name"]) in names for item in group.get("children") or []):
            yield f"volume group {group['name']} (module lvm_volume)"
    for pool in pools(read, f"{base}/zfs"):
        if any(_is_part(leaf, names) for leaf in _leaves(pool["tree"])):
            yield f"ZFS pool {pool['name']} (module zfs_pool)"


def _leaves(tree: Sequence[Values]) -> Iterator[str]:
    for item in tree:
        if item.get("children"):
            yield from _leaves(item["children"])
        else:
            yield str(item["name"])


def _is_part(leaf: str, names: Sequence[str]) -> bool:
    """Whether a device of a pool is the disk, or its first partition by either way of naming it."""
    return leaf in names or any(leaf in (f"{name}1", f"{name}p1", f"{name}-part1") for name in names)


def plan(wish: Values, found: Found) -> Plan:
    """Make the table, wipe, or nothing."""
    wished = parsed(FIELDS, wish)
    device = str(found.row["devpath"])
    name = f"{device} of node {wish['node']}"
    _check_proof(wished, shown(found.row), name, "wipe" if wish["state"] == "wiped" else "partition")
    return _wiping(wish, found, device, name) if wish["state"] == "wiped" else _table(wish, wished, found, device, name)


def _check_proof(wished: Values, told: Values, name: str, verb: str) -> None:
    given = {proof: wished[proof] for proof in PROOFS if proof in wished}
    if not given:
        known = ", ".join(f"{proof}: {told[proof]}" for proof in PROOFS if told[proof] is not None)
        raise ConfigError(
            f"Cannot {verb} {name}: set serial, wwn or size, so that no other disk is meant. It has {known}."
        )
    for proof, value in given.items():
        same = size_bytes(value) == told[proof] if proof == "size" else value == told[proof]
        if not same:
            raise RefusedError(
                f"Cannot {verb} {name}: its {proof} is {told[proof]}, not {value}. Check which disk it is."
            )


def _table(wish: Values, wished: Values, found: Found, device: str, name: str) -> Plan:
    if found.row.get("gpt"):
        return Plan(reason=f"{name} has a GUID partition table")
    for problem in _uses(found):
        raise RefusedError(f"Cannot partition {name}: {problem}. Wipe it first (state: wiped) if it may be lost.")
    params = {"disk": device, **({"uuid": wished["uuid"]} if "uuid" in wished else {})}
    step = Step("POST", url("/nodes/{}/disks/initgpt", wish["node"]), params, f"make a GUID partition table on {name}")
    return Plan((step,), before={"gpt": False}, after={"gpt": True})


def _uses(found: Found) -> Iterator[str]:
    if found.row.get("parent"):
        yield f"it is a partition of {found.row['parent']}"
    if found.row.get("used"):
        yield f"it is in use ({found.row['used']})"


def _wiping(wish: Values, found: Found, device: str, name: str) -> Plan:
    if is_blank(found.row, found.partitions):
        return Plan(reason=f"{name} is blank")
    for problem in obstacles(found):
        raise RefusedError(f"Cannot wipe {name}: {problem}")
    step = Step("PUT", url("/nodes/{}/disks/wipedisk", wish["node"]), {"disk": device}, f"wipe {name}")
    before = {str(item["devpath"]): item.get("used") or "unused" for item in (found.row, *found.partitions)}
    return Plan((step,), before=before, after={device: "blank"})


def obstacles(found: Found) -> Iterator[str]:
    """Why a disk can't be wiped, in words."""
    for item in (found.row, *found.partitions):
        if item.get("mounted"):
            yield f"{item['devpath']} is mounted. Remove what is on it first, for example with the module directory."
        if int(item.get("osdid") or 0) > 0 or item.get("osdid") in (0, "0"):
            yield f"{item['devpath']} is the disk of Ceph's osd.{item['osdid']}. Destroy that first."
    for owner in found.owners:
        yield f"it belongs to {owner}. Remove that first."


def result(found: Found) -> dict[str, Json]:
    """The module's return value."""
    return {"disk": shown(found.row)}


DISK = Resource(
    kind="disk",
    options=OPTIONS,
    fields=FIELDS,
    describe=describe,
    plan=plan,
    result=result,
    writes=("POST /nodes/{}/disks/initgpt", "PUT /nodes/{}/disks/wipedisk"),
)
