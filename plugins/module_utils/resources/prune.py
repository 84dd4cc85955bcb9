# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing the backups of a storage that retention does not keep (PVE/API2/Storage/PruneBackups.pm).

Proxmox VE says beforehand which those are, and is asked with the same words then to remove them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.codecs import INTEGER, Json, within
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    Field,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    advised,
    diff,
    encoded,
    parsed,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.backups import (
    NO_STORAGE,
    Place,
    no_storage,
    place_of,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import HIGHEST_VMID, LOWEST_VMID
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage import PRUNE

PATH = "/nodes/{}/storage/{}/prunebackups"
FIELDS: tuple[Field, ...] = (
    Field("prune_backups", PRUNE.codec(), wire="prune-backups"),
    Field("type", spec={"choices": ["qemu", "lxc"]}),
    Field("vmid", within(INTEGER, LOWEST_VMID, HIGHEST_VMID)),
)
OPTIONS: Options = {
    "storage": {"type": "str", "required": True},
    "node": {"type": "str"},
    "wait_timeout": {"type": "float", "default": 1800},
}

REMEDIES = {
    "no prune-backups options configured": (
        "Set prune_backups to what is to be kept, or give the storage a retention of its own with the module storage."
    ),
    "does not support backups": "Use a storage whose content has backup in it; the module storage_info lists them.",
}
"""PVE's words for what can't be pruned -> what to do."""


@dataclass(frozen=True)
class Found:
    """Proxmox VE's verdict about each backup, and the ids of those that were just removed."""

    place: Place
    rows: tuple[Values, ...]
    removed: tuple[str, ...] = ()


def describe(read: Reader, wish: Values) -> Found:
    """What retention says of the backups. Raises RefusedError for a storage that has none."""
    place = place_of(read, wish["storage"], wish.get("node"), "to say whose backups are pruned")
    try:
        rows = read.get(url(PATH, place.node, place.storage), asked(wish)) or []
    except PveError as error:
        raise _refusal(error, place) from error
    return Found(place, tuple(sorted(rows, key=_order)), tuple(wish.get(BOUND, {}).get("removed", ())))


def _refusal(error: PveError, place: Place) -> Exception:
    if NO_STORAGE.search(error.said):
        return no_storage(place)
    remedy = advised(REMEDIES, error.said)
    return RefusedError(f"Cannot prune the backups on {place.storage}: {error.said} {remedy}") if remedy else error


def _order(row: Values) -> tuple[int, int, str]:
    return int(row.get("vmid") or 0), -int(row["ctime"]), str(row["volid"])


def asked(wish: Values) -> dict[str, Json]:
    """The parameters of both requests."""
    return encoded(diff(FIELDS, parsed(FIELDS, wish), {}))


def marked(have: Found, *marks: str) -> list[str]:
    """Ids of the backups of which Proxmox VE says one of ``marks``."""
    return [str(row["volid"]) for row in have.rows if row["mark"] in marks]


def plan(wish: Values, have: Found) -> Plan:
    """Remove what retention does not keep, or nothing."""
    gone, storage = marked(have, "remove"), have.place.storage
    if not gone:
        return Plan(reason=f"nothing on {storage} is to be removed: {_counted(have)}")
    every = [str(row["volid"]) for row in have.rows]
    step = Step(
        "DELETE",
        url(PATH, have.place.node, storage),
        asked(wish),
        f"remove {len(gone)} of {len(every)} backups on {storage}: {', '.join(gone)}",
    )
    left = [volid for volid in every if volid not in gone]
    return Plan((step,), before={"backups": every}, after={"backups": left}, bindings={"removed": gone})


def _counted(have: Found) -> str:
    kept, safe = len(marked(have, "keep")), len(marked(have, "protected", "renamed"))
    return f"{kept} are kept, {safe} are protected or have names of their own"


def result(have: Found) -> dict[str, Json]:
    """The module's return value."""
    return {
        "removed": list(have.removed) or marked(have, "remove"),
        "kept": marked(have, "keep"),
        "protected": marked(have, "protected", "renamed"),
    }


PRUNING = Resource(
    kind="backups",
    options=OPTIONS,
    fields=FIELDS,
    describe=describe,
    plan=plan,
    result=result,
    writes=("DELETE /nodes/{}/storage/{}/prunebackups",),
)
