# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on storages, by the names of the module storage_content. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.homelab.pve.plugins.module_utils.codecs import STORAGE_CONTENT, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError

OPTIONS: Options = {
    "storage": {"type": "str"},
    "node": {"type": "str"},
    "content": {"type": "str", "choices": ["iso", "vztmpl", "import", "snippets", "backup", "images", "rootdir"]},
    "vmid": {"type": "int"},
}

KEPT = ("volid", "content", "format", "size", "used", "ctime", "vmid", "notes", "parent", "encrypted", "verification")
"""Of PVE's row: what stays as it is where it says something."""


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module: the volumes that meet every criterion that is set, by storage, node and volume id.

    A storage that was named has to answer; of others that don't it is said.
    """
    found, warnings = list[dict[str, Json]](), list[str]()
    for place in _places(read, wish):
        try:
            found += _volumes(read, wish, place)
        except PveError as error:
            if wish.get("storage"):
                raise
            warnings.append(f"Storage {place['storage']} on node {place['node']} could not be listed: {error.said}")
    order = sorted(found, key=lambda row: (row["storage"], row["node"], row["volid"]))
    return {"changed": False, "volumes": order, **({"warnings": warnings} if warnings else {})}


def _places(read: Reader, wish: Values) -> Iterator[Values]:
    """Where to look: each storage that is there and takes the content, a shared one on one node only."""
    seen = set[str]()
    for row in _usable(read.get("/cluster/resources", {"type": "storage"}) or [], wish):
        if row["storage"] not in seen:
            yield row
        if row.get("shared"):
            seen.add(str(row["storage"]))


def _usable(rows: Sequence[Values], wish: Values) -> list[Values]:
    return [
        row
        for row in sorted(rows, key=lambda row: str(row["node"]))
        if wish.get("storage") in (None, row["storage"])
        and wish.get("node") in (None, row["node"])
        and _takes(row, wish.get("content"))
    ]


def _takes(row: Values, content: str | None) -> bool:
    """Whether the storage takes the content; one for nothing can't be listed (see STORAGE_CONTENT)."""
    taken = STORAGE_CONTENT.decode(row.get("content", ""))
    return content in taken if content else bool(taken)


def _volumes(read: Reader, wish: Values, place: Values) -> list[dict[str, Json]]:
    params = {name: wish[name] for name in ("content", "vmid") if wish.get(name) is not None}
    rows = read.get(url("/nodes/{}/storage/{}/content", place["node"], place["storage"]), params) or []
    # A list by guest still has what belongs to no guest (../golden storage, content-vmid).
    return [shown(row, place) for row in rows if wish.get("vmid") in (None, row.get("vmid"))]


def shown(row: Values, place: Values) -> dict[str, Json]:
    """A row of PVE's by the names of the module storage_content."""
    known = {name: row[name] for name in KEPT if row.get(name) is not None}
    marked = {"protected": bool(int(row["protected"]))} if row.get("protected") is not None else {}
    where = {"storage": str(place["storage"]), "node": str(place["node"])}
    return {**known, **marked, **where, "filename": _filename(str(row["volid"]))}


def _filename(volid: str) -> str:
    """The name without what says the content, or the guest, before it."""
    name = volid.partition(":")[2]
    return name.partition("/")[2] or name
