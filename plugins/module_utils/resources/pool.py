# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource pools and their members (PVE/API2/Pool.pm).

Pools are read and written at ``/pools`` with the parameter ``poolid``: the old paths below it can't hold the slash of
a nested pool. Before Proxmox VE 8.1, which brought those, there are the old paths only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.homelab.pve.plugins.module_utils.codecs import TEXT, VMIDS, Json, matching, set_of
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Change,
    Field,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    diff,
    parsed,
    url,
    views,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.presence import check_guests, check_storages
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import KEY, STATE

POOLS = "/pools"
POOL_PATH = POOLS + "/{}"
PART = r"[A-Za-z0-9._-]+"
POOLID = matching(
    rf"{PART}(?:/{PART}){{0,2}}",
    "the id of a pool: up to three names of letters, digits, '.', '_' and '-', with '/' between them",
)
FIELDS: tuple[Field, ...] = (Field("comment", TEXT), Field("vms", VMIDS), Field("storage", set_of(",")))
KEY_FIELD = Field("poolid", POOLID)
UNDEFINED = "property is not defined in schema|unknown option"
"""The words for a parameter that the release doesn't know, of the API and of pvesh."""

ADVICE: Values = {
    rf"allow-move: (?:{UNDEFINED})": (
        "This release of Proxmox VE moves no guest from pool to pool: take it out of the other pool first."
    )
}
OPTIONS: Options = {"poolid": KEY, **STATE, "allow_move": {"type": "bool", "default": False}}


@dataclass(frozen=True)
class Found:
    """What is known about a pool: its ``row``, None when there is none, and what its wish needs to be judged by."""

    row: Values | None
    nested: tuple[str, ...] = ()
    """Ids of the pools in it; read for a removal only."""

    homes: Mapping[int, str] = field(default_factory=dict)
    """The pools that wished guests are in, this one aside; read when there are guests to be added."""

    path: str = POOLS
    """Where it is written, but for its creation."""


def members(row: Values) -> dict[str, Json]:
    """A pool as the module's options have it. Members that no longer exist are not told by Proxmox VE."""
    rows = row.get("members") or []
    return {
        "poolid": row["poolid"],
        "comment": str(row.get("comment") or ""),
        "vms": sorted(int(item["vmid"]) for item in rows if item["type"] != "storage"),
        "storage": sorted({str(item["storage"]) for item in rows if item["type"] == "storage"}),
    }


def read_pool(read: Reader, poolid: str) -> Values | None:
    """The pool, or None when Proxmox VE says that there is none."""
    return look(read, poolid)[0]


def look(read: Reader, poolid: str) -> tuple[Values | None, str]:
    """The pool, None when Proxmox VE says that there is none, and the path it is written at.

    Raises RefusedError for a pool in another where the release has none.
    """
    try:
        (row,) = read.get(POOLS, {"poolid": poolid})
    except PveError as error:
        if re.search(UNDEFINED, error.errors.get("poolid", "")):
            return _look_by_path(read, poolid)
        _need_absent(error, poolid)
        return None, POOLS
    return {"poolid": poolid, **row}, POOLS


def _look_by_path(read: Reader, poolid: str) -> tuple[Values | None, str]:
    if "/" in poolid:
        raise RefusedError(
            f"Cannot look for pool {poolid}: this release of Proxmox VE has no pools in pools; they came with 8.1."
        )
    path = url(POOL_PATH, poolid)
    try:
        return {"poolid": poolid, **read.get(path)}, path
    except PveError as error:
        _need_absent(error, poolid)
        return None, path


def _need_absent(error: PveError, poolid: str) -> None:
    """Raise any error but the one that says that there is no such pool."""
    if f"pool '{poolid}' does not exist" not in error.message:
        raise error


def describe(read: Reader, wish: Values) -> Found:
    """The pool. Raises RefusedError for wished members that aren't there: PVE takes those, and never shows them."""
    poolid = str(parsed((KEY_FIELD,), wish)["poolid"])
    row, path = look(read, poolid)
    if wish["state"] == "absent":
        return Found(row, _nested(read, poolid) if row else (), path=path)
    wished, have = parsed(FIELDS, wish), members(row or {"poolid": poolid})
    new = {name: [item for item in wished.get(name, ()) if item not in have[name]] for name in ("vms", "storage")}
    check_storages(read, new["storage"])
    return Found(row, homes=_homes(read, new["vms"]), path=path)


def _nested(read: Reader, poolid: str) -> tuple[str, ...]:
    names = (str(row["poolid"]) for row in read.get(POOLS))
    return tuple(sorted(name for name in names if name.startswith(f"{poolid}/")))


def _homes(read: Reader, vmids: Sequence[int]) -> dict[int, str]:
    return {vmid: str(row["pool"]) for vmid, row in check_guests(read, vmids).items() if row.get("pool")}


def plan(wish: Values, have: Found) -> Plan:
    """Create, change, remove, or nothing."""
    poolid = str(wish["poolid"])
    if wish["state"] == "absent":
        return _removal(poolid, have)
    there = members(have.row) if have.row else {}
    fields = FIELDS if have.row else tuple(item.explicit() for item in FIELDS)
    changes = diff(fields, parsed(FIELDS, wish), there)
    new, gone = _differences(changes)
    moved = {vmid: have.homes[vmid] for vmid in new.get("vms", ()) if vmid in have.homes}
    if moved and not wish.get("allow_move"):
        listed = ", ".join(f"VM {vmid} in pool {home}" for vmid, home in sorted(moved.items()))
        raise RefusedError(
            f"Cannot add guests to pool {poolid} that are in another pool: {listed}. A guest is in one pool only. "
            "Set allow_move to take them out of the other."
        )
    comment = {change.key: change.after or "" for change in changes if change.key == "comment"}
    creation = [Step("POST", POOLS, {"poolid": poolid, **comment}, f"create pool {poolid}")]
    steps = [] if have.row else creation
    left = comment if have.row else {}
    steps += _joining(poolid, have.path, new, left, bool(moved)) + _leaving(poolid, have.path, gone)
    before, after = views(changes)
    if not steps:
        return Plan(reason=f"pool {poolid} is as wished")
    return Plan(tuple(steps), changes, before=before, after=after if have.row else {"poolid": poolid, **after})


def _differences(changes: Iterable[Change]) -> tuple[dict[str, list[Json]], dict[str, list[Json]]]:
    """Members to be added and to be taken out, by option; only those there are."""
    new: dict[str, list[Json]] = {}
    gone: dict[str, list[Json]] = {}
    for change in changes:
        if change.key != "comment":
            before, after = change.before or [], change.after or []
            new[change.key] = [item for item in after if item not in before]
            gone[change.key] = [item for item in before if item not in after]
    return {name: items for name, items in new.items() if items}, {name: items for name, items in gone.items() if items}


def _named_by(path: str, poolid: str) -> dict[str, str]:
    """The parameter that says which pool is meant, where the path doesn't."""
    return {"poolid": poolid} if path == POOLS else {}


def _joining(poolid: str, path: str, new: Values, comment: Values, moving: bool) -> list[Step]:
    if not new and not comment:
        return []
    params = {**_named_by(path, poolid), **comment, **_lists(new), **({"allow-move": True} if moving else {})}
    reasons = ["set comment of"] if comment else []
    reasons += [f"add {named(new)} to"] if new else []
    return [Step("PUT", path, params, f"{' and '.join(reasons)} pool {poolid}", advice=ADVICE)]


def _leaving(poolid: str, path: str, gone: Values) -> list[Step]:
    if not gone:
        return []
    params = {**_named_by(path, poolid), **_lists(gone), "delete": True}
    return [Step("PUT", path, params, f"take {named(gone)} out of pool {poolid}")]


def _lists(items: Values) -> dict[str, str]:
    return {name: ",".join(map(str, values)) for name, values in items.items()}


def named(items: Values) -> str:
    """Members in words."""
    return ", ".join(
        [*(f"VM {vmid}" for vmid in items.get("vms", ())), *(f"storage {name}" for name in items.get("storage", ()))]
    )


def _removal(poolid: str, have: Found) -> Plan:
    if have.row is None:
        return Plan(reason=f"pool {poolid} is absent already")
    there = members(have.row)
    inside = ", ".join([*filter(None, [named(there)]), *(f"pool {name}" for name in have.nested)])
    if inside:
        raise RefusedError(
            f"Cannot remove pool {poolid}: it has members: {inside}. Take guests and storages out first (vms: [] and "
            "storage: []), and remove the pools in it."
        )
    before = {name: value for name, value in there.items() if value}
    step = Step("DELETE", have.path, _named_by(have.path, poolid), f"remove pool {poolid}")
    return Plan((step,), before=before)


def result(have: Found) -> dict[str, Json]:
    """The module's return value."""
    return {"pool": members(have.row)} if have.row else {}


POOL = Resource(
    kind="pool",
    options=OPTIONS,
    fields=FIELDS,
    describe=describe,
    plan=plan,
    result=result,
    writes=("POST /pools", "PUT /pools", "DELETE /pools", "PUT /pools/{}", "DELETE /pools/{}"),
)

INFO_OPTIONS: Options = {"poolid": {"type": "str"}}


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module pool_info: the pools with their members, by id."""
    names = sorted(str(row["poolid"]) for row in read.get(POOLS))
    rows = (read_pool(read, name) for name in names if wish.get("poolid") in (None, name))
    return {"changed": False, "pools": [members(row) for row in rows if row]}
