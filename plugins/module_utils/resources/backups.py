# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of guests as the storages have them: archives of vzdump, and snapshots of a Proxmox Backup Server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from ansible_collections.homelab.pve.plugins.module_utils.codecs import STORAGE_CONTENT, Json, truth
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError

PBS_KINDS = {"pbs-vm": "qemu", "pbs-ct": "lxc"}
"""Format of a backup server's snapshot -> type of the guest (PVE::Storage::PBSPlugin, list_volumes)."""

NAMED_KIND = re.compile(r"/vzdump-(qemu|lxc)-\d+-")
"""In the name vzdump gives an archive (PVE::VZDump)."""

NO_STORAGE = re.compile(r"storage '[^']*' does not exist|No such storage")
NOT_SHOWN = frozenset({"cipassword"})
"""Options of an archived configuration that are nobody's business."""

INFO_OPTIONS: Options = {
    "vmid": {"type": "int"},
    "storage": {"type": "str"},
    "node": {"type": "str"},
    "config": {"type": "bool", "default": False},
}


@dataclass(frozen=True)
class Place:
    """A storage that a node has for backups."""

    node: str
    storage: str
    shared: bool = False
    active: bool = True


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module backup_info: the backups that meet every criterion that is set, the newest first."""
    offline, places = _places(read, wish)
    rows = [row for place in places if place.active for row in read_backups(read, place, wish.get("vmid"))]
    if wish.get("config"):
        rows = [{**row, "config": read_config(read, row)} for row in rows]
    asleep = [place for place in places if not place.active]
    return {"changed": False, "backups": newest_first(rows), "warnings": [*_unseen(offline), *_inactive(asleep)]}


def _unseen(offline: Sequence[str]) -> Iterator[str]:
    for node in offline:
        yield f"Node {node} is offline: backups that are on it alone are not listed."


def _inactive(places: Sequence[Place]) -> Iterator[str]:
    for place in places:
        yield f"Storage {place.storage} is not active on node {place.node}: the backups on it are not listed."


def _places(read: Reader, wish: Values) -> tuple[list[str], list[Place]]:
    """Nodes that can't be asked, and the wished storages of the others; a shared storage is asked for once."""
    rows = [row for row in read.get("/nodes") if wish.get("node") in (None, row["node"])]
    offline = sorted(str(row["node"]) for row in rows if row.get("status") == "offline")
    found: dict[tuple[str, str], Place] = {}
    for node in sorted(str(row["node"]) for row in rows if row["node"] not in offline):
        for place in _on_node(read, node):
            key = ("", place.storage) if place.shared else (node, place.storage)
            if wish.get("storage") in (None, place.storage) and not (key in found and found[key].active):
                found[key] = place
    return offline, list(found.values())


def _on_node(read: Reader, node: str) -> Iterator[Place]:
    for row in read.get(url("/nodes/{}/storage", node), {"content": "backup", "enabled": True}) or []:
        yield Place(node, str(row["storage"]), truth(row.get("shared") or 0), truth(row.get("active") or 0))


def read_backups(read: Reader, place: Place, vmid: int | None = None) -> list[dict[str, Json]]:
    """The backups on a storage that the login may see, with one request. Raises RefusedError for no such storage."""
    asked = {"content": "backup", **({"vmid": vmid} if vmid else {})}
    try:
        rows = read.get(url("/nodes/{}/storage/{}/content", place.node, place.storage), asked) or []
    except PveError as error:
        if NO_STORAGE.search(error.said):
            raise no_storage(place) from error
        raise
    return newest_first([_backup(place, row) for row in rows if row.get("content", "backup") == "backup"])


def check_takes_backups(read: Reader, place: Place) -> None:
    """Raise RefusedError for a storage that takes no backups: PVE's task would find out."""
    try:
        rows = read.get(url("/nodes/{}/storage", place.node), {"storage": place.storage})
    except PveError as error:
        if NO_STORAGE.search(error.said):
            raise no_storage(place) from error
        raise
    if not rows:
        raise no_storage(place)
    taken = STORAGE_CONTENT.decode(rows[0].get("content", ""))
    if "backup" not in taken:
        raise RefusedError(
            f"Storage '{place.storage}' does not take backups: its content is {', '.join(taken) or 'none'}. Add backup "
            "with the option content of the module storage, or use another storage."
        )
    if not truth(rows[0].get("active", 1)):
        raise RefusedError(
            f"Storage '{place.storage}' is not active on node {place.node}: it is disabled, or what it is on can't be "
            "reached."
        )


def no_storage(place: Place) -> RefusedError:
    """What is said of a storage that isn't there."""
    return RefusedError(
        f"Storage '{place.storage}' does not exist on node {place.node}, or the login has neither Datastore.Audit nor "
        f"Datastore.AllocateSpace on /storage/{place.storage}. Check the name; the module storage_info lists the "
        "storages the login may see."
    )


def newest_first(rows: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """By time; what is equally old by its id."""
    return sorted(rows, key=lambda row: (-row["ctime"], row["volid"]))


def _backup(place: Place, row: Values) -> dict[str, Json]:
    vmid, notes = row.get("vmid"), row.get("notes") or row.get("comment")
    return {
        "volid": str(row["volid"]),
        "node": place.node,
        "storage": place.storage,
        "vmid": None if vmid is None else int(vmid),
        "type": kind_of(row),
        "ctime": int(row.get("ctime") or 0),
        "size": int(row.get("size") or 0),
        "format": row.get("format"),
        "notes": str(notes or "").rstrip("\n"),
        "protected": truth(row.get("protected") or 0),
        "verification": (row.get("verification") or {}).get("state"),
        # A backup server tells the fingerprint of the key, or 1 where it doesn't know it.
        "encrypted": str(row.get("encrypted") or "0") != "0",
    }


def kind_of(row: Values) -> str | None:
    """Type of the guest a backup is of, qemu or lxc; None for a name that doesn't say it."""
    known = row.get("subtype") or PBS_KINDS.get(str(row.get("format")))
    found = NAMED_KIND.search(str(row["volid"]))
    return str(known) if known else found[1] if found else None


def read_config(read: Reader, backup: Values) -> dict[str, str]:
    """The configuration of the guest in a backup. Raises PveError for one that can't be read."""
    text = read.get(url("/nodes/{}/vzdump/extractconfig", backup["node"]), {"volume": backup["volid"]})
    return archived_config(str(text))


def archived_config(text: str) -> dict[str, str]:
    """A configuration file by option, without its snapshots. The description is its comments, encoded as in a URL."""
    # A section in brackets is a snapshot; vzdump's own comments say which drive is which volume.
    lines = [line for line in text.partition("\n[")[0].splitlines() if line and not line.startswith("#qmdump#")]
    notes = [unquote(line[1:]) for line in lines if line.startswith("#")]
    pairs = (line.partition(":") for line in lines if not line.startswith("#"))
    options = {name: value.strip() for name, _colon, value in pairs if name not in NOT_SHOWN}
    return {**options, **({"description": "\n".join(notes)} if notes else {})}


def place_of(read: Reader, storage: str, node: str | None, purpose: str) -> Place:
    """Where the storage can be asked for: on ``node``, or on one of the nodes that share it.

    Raises ConfigError where each node has one of its own and none is named, RefusedError when there is none.
    """
    if node:
        return Place(node, storage)
    rows = read.get("/cluster/resources", {"type": "storage"}) or []
    found = sorted((row for row in rows if row.get("storage") == storage), key=_readiness)
    if not found:
        raise RefusedError(
            f"Storage '{storage}' does not exist, or the login has no Datastore.Audit on /storage/{storage}. "
            "Check the name; the module storage_info lists the storages the login may see."
        )
    if len(found) > 1 and not truth(found[0].get("shared") or 0):
        nodes = ", ".join(sorted(str(row["node"]) for row in found))
        raise ConfigError(
            f"Option 'node' is needed {purpose}: the nodes {nodes} each have a storage '{storage}' of their own."
        )
    return Place(str(found[0]["node"]), storage, truth(found[0].get("shared") or 0))


def _readiness(row: Values) -> tuple[bool, str]:
    return row.get("status") != "available", str(row["node"])
