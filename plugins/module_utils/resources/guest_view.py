# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of a guest before anything is planned: itself, or what is needed to make it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from ansible_collections.homelab.pve.plugins.module_utils.engine import BOUND, RESERVED, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Ingredients, Kind
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import (
    HIGHEST_VMID,
    KINDS,
    Guest,
    named,
    only,
    only_node,
    read_guests,
    vmid_bounds,
)

CANDIDATES = 100
"""How many ids to try when others take them at the same moment."""


@dataclass(frozen=True)
class Source:
    """What a guest is cloned from."""

    guest: Guest
    config: Values


@dataclass(frozen=True)
class View:
    """What was seen: the guest if there is one (``guest``), and what is needed to make it if there is none."""

    guest: Guest | None = None
    config: Values = field(default_factory=dict)
    status: str = "stopped"
    pending: tuple[str, ...] = ()
    node: str | None = None
    source: Source | None = None
    free: tuple[int, ...] = ()
    ingredients: Ingredients = field(default_factory=Ingredients)


def describe(kind: Kind, read: Reader, wish: Values) -> View:
    """Find the guest by vmid, or by name (with pool and vmid_range, where given), and read it."""
    bound = wish.get(BOUND)
    if bound and wish["state"] != "absent":
        return _present(read, wish, _made(kind, wish, bound), fresh=True)
    guests = read_guests(read)
    found = identify(kind, read, guests, wish)
    if found:
        return _present(read, wish, found)
    return View() if wish["state"] == "absent" else _prospect(kind, read, wish, guests)


def identify(kind: Kind, read: Reader, guests: Sequence[Guest], wish: Values) -> Guest | None:
    """The guest that is meant, if it exists."""
    if wish.get("vmid"):
        found = next((item for item in guests if item.vmid == wish["vmid"]), None)
        if found and found.type != kind.type:
            what = f"{KINDS[found.type]} ({found.name} on {found.node})"
            raise RefusedError(f"vmid {found.vmid} is a {what}, not a {kind.title}.")
        return found
    name = wish[kind.name_key]
    candidates = named(read, (item for item in guests if item.type == kind.type and _in_scope(item, wish)))
    return only([item for item in candidates if item.name == name], f"The name '{name}'")


def _in_scope(item: Guest, wish: Values) -> bool:
    bounds = vmid_bounds(wish.get("vmid_range"))
    return (bounds is None or bounds[0] <= item.vmid <= bounds[1]) and wish.get("pool") in (None, item.pool)


def _made(kind: Kind, wish: Values, bound: Values) -> Guest:
    """The guest a plan has just dealt with; the plan knows its status unless it was about power."""
    return Guest(
        vmid=int(bound["vmid"]),
        name=str(wish.get(kind.name_key) or ""),
        node=bound["node"],
        status=bound.get("status", "unknown"),
        type=kind.type,
        template=False,
        tags=(),
        pool=wish.get("pool"),
    )


def _present(read: Reader, wish: Values, guest: Guest, *, fresh: bool = False) -> View:
    config = read.get(guest.path("config"))
    status = _status(read, wish, guest)
    pending = _pending(read.get(guest.path("pending"))) if fresh and status != "stopped" else ()
    name = config.get("name") or config.get("hostname") or guest.name
    known = replace(guest, name=name, template=bool(int(config.get("template") or 0)))
    return View(known, config, status, pending)


def _status(read: Reader, wish: Values, guest: Guest) -> str:
    """Stopped, running or paused. The cluster's list is some seconds old, so it doesn't do where power is at stake."""
    if wish["state"] == "present" and guest.status in {"running", "stopped"}:
        return guest.status
    current = read.get(guest.path("status", "current"))
    return "paused" if current.get("qmpstatus") == "paused" else str(current["status"])


def _pending(rows: Iterable[Values]) -> tuple[str, ...]:
    return tuple(sorted(str(row["key"]) for row in rows if "pending" in row or row.get("delete")))


def _prospect(kind: Kind, read: Reader, wish: Values, guests: Sequence[Guest]) -> View:
    """What is needed to make the guest."""
    source = _source(kind, read, wish["clone"], guests) if wish.get("clone") else None
    node = str(wish.get("node") or (source.guest.node if source else only_node(read, f"to create a {kind.title}")))
    ingredients = Ingredients() if source else kind.ingredients(read, wish, node)
    return View(node=node, source=source, free=_free(read, wish, guests), ingredients=ingredients)


def _source(kind: Kind, read: Reader, wanted: str, guests: Sequence[Guest]) -> Source:
    machines = [item for item in guests if item.type == kind.type]
    if str(wanted).isdigit():
        found = next((item for item in machines if item.vmid == int(wanted)), None)
    else:
        same = [item for item in machines if item.name == wanted]
        found = only([item for item in same if item.template] or same, f"The template name '{wanted}'")
    if found is None:
        known = ", ".join(f"{item.vmid} ({item.name})" for item in machines if item.template) or "none"
        raise RefusedError(
            f"Template '{wanted}' was not found. Templates there are: {known}. "
            "Give the name or vmid of one of them in the option clone; the login needs VM.Audit and VM.Clone on it."
        )
    return Source(found, read.get(found.path("config")))


def _free(read: Reader, wish: Values, guests: Sequence[Guest]) -> tuple[int, ...]:
    """Ids to try, best first."""
    if wish.get("vmid"):
        return (int(wish["vmid"]),)
    used, bounds = {item.vmid for item in guests} | set(wish.get(RESERVED, ())), vmid_bounds(wish.get("vmid_range"))
    if bounds is None:
        bounds = int(read.get("/cluster/nextid")), HIGHEST_VMID
    free = tuple(islice((vmid for vmid in range(bounds[0], bounds[1] + 1) if vmid not in used), CANDIDATES))
    if not free:
        raise RefusedError(
            f"There is no free vmid from {bounds[0]} to {bounds[1]}. "
            "Remove guests you no longer need, or give a wider vmid_range."
        )
    return free
