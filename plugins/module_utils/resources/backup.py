# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup that is made now (PVE/API2/VZDump.pm): one task of vzdump on each node that has guests to be backed up.

The guests are chosen here, from what the login may see, and named to vzdump: a guest that may not be backed up fails
the task then, where ``all`` would leave it out silently.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.codecs import NUMBER, Json, within
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    Field,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    diff,
    encoded,
    parsed,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.backups import (
    Place,
    check_takes_backups,
    read_backups,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import KINDS, Guest, find, read_guests
from ansible_collections.homelab.pve.plugins.module_utils.resources.pool import read_pool
from ansible_collections.homelab.pve.plugins.module_utils.resources.vzdump import SELECTION, VZDUMP, check_selection

MAX_AGE = Field("max_age", within(NUMBER, 0))
CHOICES = ("vmid", "pool", "all", "exclude")
HOUR = 3600.0
LOG_LINES = 3
"""How many of a failed guest's last log lines are told."""

STARTING = re.compile(r"Starting Backup of VM (\d+)")
FINISHED = re.compile(r"Finished Backup of VM (\d+)")
FAILED = re.compile(r"Backup of VM (\d+) failed - (.*)")
"""What vzdump logs about each guest (PVE/VZDump.pm, exec_backup_task); it says VM of containers, too."""

ADVICE: Values = {
    r"\(/vms/\d+, VM\.Backup\)": (
        "Grant VM.Backup on the guest to the user, and to the token if it has privilege separation."
    ),
    r"failed - (?:VM|CT) is locked": (
        "Something else is at work on the guest, or was interrupted. If nothing is, remove the lock on its node with "
        "'qm unlock' or 'pct unlock' and the vmid."
    ),
    "not enough space|No space left": "Make room with the module prune, or use another storage.",
}


@dataclass(frozen=True)
class Found:
    """The chosen guests, the storage of each node (None where there is a directory) and the newest backups by vmid."""

    guests: tuple[Guest, ...]
    storages: Mapping[str, str | None]
    newest: Mapping[int, Values]
    now: float = 0
    """Seconds since 1970."""


def describe(read: Reader, wish: Values) -> Found:
    """The guests and their newest backups. Raises RefusedError for guests, pools and storages that aren't there."""
    _check_wish(wish)
    guests = chosen(read, wish)
    storages = {node: _storage(read, wish, node) for node in nodes_of(guests)}
    if BOUND not in wish and wish.get("max_age") is None:
        _check_places(read, storages, nodes_of(guests))
    found = Found(guests, storages, _newest(read, storages, guests), time.time())
    _check_made(found, wish.get(BOUND, {}).get("before", {}))
    if BOUND not in wish and wish.get("max_age") is not None:
        _check_places(read, storages, nodes_of(stale(wish, found)))
    return found


def _check_wish(wish: Values) -> None:
    check_selection(wish, "a backup")
    if not any(wish.get(name) for name in CHOICES):
        raise ConfigError("Option 'vmid', 'pool', 'all' or 'exclude' is needed: it says which guests are backed up.")
    if wish.get("max_age") is not None and wish.get("dumpdir"):
        raise ConfigError("Option 'max_age' needs a storage: Proxmox VE does not tell what is in dumpdir.")


def chosen(read: Reader, wish: Values) -> tuple[Guest, ...]:
    """The guests that are meant, by vmid."""
    choice = parsed(SELECTION, wish)
    guests = read_guests(read)
    known = {item.vmid for item in guests}
    for vmid in choice.get("vmid", ()):
        if vmid not in known:
            find(read, vmid)  # says whether there is none, or whether the login may not see it
    found = tuple(item for item in guests if _is_meant(item, choice))
    if choice.get("pool") and not found and read_pool(read, choice["pool"]) is None:
        raise RefusedError(f"Pool '{choice['pool']}' does not exist. Check the name; the module pool_info lists them.")
    return found


def _is_meant(item: Guest, choice: Values) -> bool:
    if choice.get("node") not in (None, "", item.node):
        return False
    if choice.get("vmid"):
        return item.vmid in choice["vmid"]
    if choice.get("pool"):
        return item.pool == str(choice["pool"])
    return item.vmid not in choice.get("exclude", ())


def nodes_of(guests: Iterable[Guest]) -> list[str]:
    """The nodes they are on."""
    return sorted({item.node for item in guests})


def _storage(read: Reader, wish: Values, node: str) -> str | None:
    """Where the node's backups go; its vzdump.conf may say that if the wish doesn't."""
    if wish.get("dumpdir") or wish.get("storage"):
        return wish.get("storage") or None
    return read.get(url("/nodes/{}/vzdump/defaults", node)).get("storage") or None


def _check_places(read: Reader, storages: Mapping[str, str | None], nodes: Sequence[str]) -> None:
    """Raise RefusedError for a storage that takes no backups."""
    for node in nodes:
        name = storages[node]
        if name is not None:
            check_takes_backups(read, Place(node, name))


def _newest(read: Reader, storages: Mapping[str, str | None], guests: Sequence[Guest]) -> dict[int, dict[str, Json]]:
    """The newest backup of each guest, by vmid."""
    # One guest's list is shorter than a storage's.
    vmid = guests[0].vmid if len(guests) == 1 else None
    found: dict[int, dict[str, Json]] = {}
    for node, name in storages.items():
        rows = read_backups(read, Place(node, name), vmid) if name else []
        mine = {item.vmid for item in guests if item.node == node}
        for row in reversed([row for row in rows if row["vmid"] in mine]):
            found[row["vmid"]] = row
    return found


def _check_made(have: Found, before: Mapping[int, str | None]) -> None:
    """Raise RefusedError for a guest without a new backup: PVE passes silently by what is on another node now."""
    now = {vmid: backup["volid"] for vmid, backup in have.newest.items()}
    missing = [str(vmid) for vmid, volid in before.items() if now.get(vmid) == volid]
    if missing:
        raise RefusedError(
            f"There is no new backup of VM {', '.join(missing)}: Proxmox VE passes by what was moved to another node "
            "meanwhile. Run again."
        )


def stale(wish: Values, have: Found) -> list[Guest]:
    """The guests without a backup that is fresh enough; all of them where nothing is said about that."""
    limit = parsed((MAX_AGE,), wish).get("max_age")
    return [item for item in have.guests if not _is_fresh(have.newest.get(item.vmid), limit, have.now)]


def _is_fresh(backup: Values | None, limit: float | None, now: float) -> bool:
    # One that a backup server found damaged is none.
    return (
        limit is not None
        and backup is not None
        and backup["verification"] != "failed"
        and now - backup["ctime"] <= limit * HOUR
    )


def plan(wish: Values, have: Found) -> Plan:
    """A task for each node, or nothing where the backups are fresh."""
    due = stale(wish, have)
    if not due:
        fresh = f"every backup is at most {wish.get('max_age'):g} hours old" if have.guests else "no guest is chosen"
        return Plan(reason=fresh)
    options = encoded(diff(VZDUMP, parsed(VZDUMP, wish), {}))
    steps = tuple(_step(node, [item for item in due if item.node == node], have, options) for node in nodes_of(due))
    before = {label(item): have.newest[item.vmid]["volid"] for item in due if item.vmid in have.newest}
    after = {label(item): f"a new backup on {_place(have, item.node, options)}" for item in due}
    known = {item.vmid: have.newest.get(item.vmid, {}).get("volid") for item in due if have.storages[item.node]}
    return Plan(steps, before={"newest": before}, after={"newest": after}, bindings={"before": known})


def _place(have: Found, node: str, options: Values) -> str:
    return str(have.storages[node] or options.get("dumpdir") or f"node {node}")


def label(item: Guest) -> str:
    """The guest in words; without its name, which the cluster tells of a new guest only after a while."""
    return f"{KINDS[item.type]} {item.vmid}"


def _step(node: str, guests: Sequence[Guest], have: Found, options: Values) -> Step:
    storage = {"storage": have.storages[node]} if have.storages[node] else {}
    return Step(
        "POST",
        url("/nodes/{}/vzdump", node),
        {"vmid": ",".join(str(item.vmid) for item in guests), **options, **storage},
        f"back up {', '.join(map(label, guests))} on {node} to {_place(have, node, options)}",
        once=True,
        advice=ADVICE,
        parts=parts,
    )


def parts(log: Sequence[str]) -> str:
    """What became of each guest of a task that failed: who failed and why, with its last log lines; who is done."""
    told: list[str] = []
    lines: list[str] = []
    for line in log:
        failed = FAILED.search(line)
        lines = [] if STARTING.search(line) else [*lines, line] if not failed else lines
        if failed:
            told += [f"VM {failed[1]} failed: {failed[2]}", *(f"  {last}" for last in lines[-LOG_LINES:])]
    done = [f"VM {found[1]}" for line in log if (found := FINISHED.search(line))]
    return "\n".join([*told, *([f"Backed up: {', '.join(done)}."] if done else [])])


def result(have: Found) -> dict[str, Json]:
    """The module's return value: the newest backup of each guest."""
    return {"backups": [dict(have.newest[vmid]) for vmid in sorted(have.newest)]}


BACKUP = Resource(
    kind="backup",
    options={"wait_timeout": {"type": "float", "default": 14400}},
    fields=(*SELECTION, *VZDUMP, MAX_AGE),
    describe=describe,
    plan=plan,
    result=result,
    rules={"mutually_exclusive": [("storage", "dumpdir")]},
    writes=("POST /nodes/{}/vzdump",),
)
