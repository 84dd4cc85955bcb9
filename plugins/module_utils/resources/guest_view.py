# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of a guest before anything is planned: itself, or what is needed to make it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    HOME,
    RESERVED,
    Reader,
    Values,
    kept,
    unlisted,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import PermissionDeniedError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_ha import read_ha
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Ingredients, Kind
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_motion import elsewhere, preconditions
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import (
    GONE,
    HIGHEST_VMID,
    KINDS,
    UNMANAGED,
    Guest,
    followed,
    guest,
    made_since,
    named,
    only,
    only_node,
    read_guests,
    vmid_bounds,
)

NO_SNAPSHOT = re.compile(r"snapshot '[^']*' does not exist")

CANDIDATES = 100
"""How many ids to try when others take them at the same moment."""


ELSEWHERE = re.compile(rf"{GONE.pattern}|hostname lookup '[^']+' failed")
"""PVE's words for a guest that is not on a node, and for a node that isn't there at all."""

KNOWN = frozenset({"running", "stopped", "paused", "suspended"})

HALF_MADE = frozenset({"lock", "digest"})
"""All that is in the configuration of a guest whose creation ended before it began."""


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
    """As it will be after the next start."""

    status: str = "stopped"
    pending: tuple[str, ...] = ()
    """Options in which the running guest differs from that."""

    running: Values = field(default_factory=dict)
    """The configuration in force now."""

    motion: Values = field(default_factory=dict)
    """What PVE says about a move to the wished node, where one is wished."""

    ha: Values | None = None
    """The HA resource, where something is wished of it."""

    node: str | None = None
    source: Source | None = None
    free: tuple[int, ...] = ()
    ingredients: Ingredients = field(default_factory=Ingredients)


def describe(kind: Kind, read: Reader, wish: Values) -> View:
    """Find the guest by vmid, or by name (with pool and vmid_range, where given), and read it.

    One that moves to another node while it is looked for is looked for again.
    """
    bound = wish.get(BOUND)
    if bound and wish["state"] != "absent":
        made = _present(kind, read, wish, _made(kind, wish, bound), fresh=True)
        return replace(made, pending=tuple(sorted({*made.pending, *bound.get("waiting", ())})))
    return followed(lambda: _seen(kind, read, wish))


def _seen(kind: Kind, read: Reader, wish: Values) -> View:
    there = _where_said(kind, read, wish)
    if there:
        return _present(kind, read, wish, there, fresh=True)
    guests = read_guests(read)
    found = identify(kind, read, guests, wish)
    if found:
        return _present(kind, read, wish, found)
    # The list leaves out what the login may not see: that is neither absent, nor an id that is free.
    found = _of_kind(kind, made_since(read, wish["vmid"])) if wish.get("vmid") else None
    if found:
        return _present(kind, read, wish, found)
    return View() if wish["state"] == "absent" else _prospect(kind, read, wish, guests)


def _where_said(kind: Kind, read: Reader, wish: Values) -> Guest | None:
    """The guest, if it is where the user says: its own status is told in one request, and is never old."""
    node, vmid = wish.get("node"), wish.get("vmid")
    # Only the cluster's list knows a guest's pool.
    if not node or not vmid or wish.get("pool"):
        return None
    path = url("/nodes/{}/{}/{}/status/current", node, kind.type, vmid)
    try:
        if unlisted(read, path):
            return None
        current = read.get(path)
    except PermissionDeniedError:
        return None
    except PveError as error:
        if not ELSEWHERE.search(error.message):
            raise
        return None
    if "ha" not in current:  # a row of the node's list: what HA manages is told by the cluster's
        return None
    row = {**current, "vmid": vmid, "node": node, "type": kind.type, "status": power_state(current)}
    return replace(guest(row), managed=_managed(current))


def power_state(current: Values) -> str:
    """Stopped, running, paused or suspended (to disk), from a guest's ``status/current``."""
    if current.get("qmpstatus") == "paused":
        return "paused"
    return "suspended" if current.get("lock") == "suspended" else str(current["status"])


def _managed(current: Values) -> bool:
    ha = current.get("ha") or {}
    return bool(int(ha.get("managed") or 0)) and ha.get("state") not in UNMANAGED


def identify(kind: Kind, read: Reader, guests: Sequence[Guest], wish: Values) -> Guest | None:
    """The guest that is meant, if it exists."""
    if wish.get("vmid"):
        by_vmid = kept(read, "guests by vmid", lambda: {item.vmid: item for item in guests})
        return _of_kind(kind, by_vmid.get(wish["vmid"]))
    name = wish[kind.name_key]
    likely = (item for item in guests if item.name in {"", name} and item.type == kind.type)
    candidates = named(read, (item for item in likely if _in_scope(item, wish)))
    return only([item for item in candidates if item.name == name], f"The name '{name}'")


def _of_kind(kind: Kind, found: Guest | None) -> Guest | None:
    if found and found.type != kind.type:
        what = f"{KINDS[found.type]} ({found.name} on {found.node})"
        raise RefusedError(f"vmid {found.vmid} is a {what}, not a {kind.title}.")
    return found


def _in_scope(item: Guest, wish: Values) -> bool:
    bounds = vmid_bounds(wish.get("vmid_range"))
    return (bounds is None or bounds[0] <= item.vmid <= bounds[1]) and wish.get("pool") in (None, item.pool)


def _made(kind: Kind, wish: Values, bound: Values) -> Guest:
    """The guest a plan has just dealt with; the plan knows its status unless it was about power."""
    return Guest(
        vmid=int(bound["vmid"]),
        name=str(wish.get(kind.name_key) or ""),
        node=bound["node"],
        status=bound.get("status") or "unknown",
        type=kind.type,
        template=False,
        tags=(),
        pool=wish.get("pool"),
    )


def _present(kind: Kind, read: Reader, wish: Values, guest: Guest, *, fresh: bool = False) -> View:
    """Read the guest. ``fresh``: what is known of its status is not some seconds old."""
    rows = read.get(guest.path("pending"))
    config, running = pending_config(rows), running_config(rows)
    if is_half_made(config):
        raise half_made(guest)
    status, managed = _status(read, wish, guest, fresh=fresh)
    name = config.get("name") or config.get("hostname") or guest.name
    template = bool(int(config.get("template") or 0))
    known = replace(guest, name=name, template=template, status=status, managed=managed)
    motion = preconditions(read, known, wish["node"]) if kind.motion and elsewhere(wish, known) else {}
    ha = read_ha(read, wish, guest.ha_id)
    return View(known, config, status, _pending(rows), running, motion, ha)


def pending_config(rows: Iterable[Values]) -> dict[str, Json]:
    """A guest's configuration with what waits for its next start."""
    return {str(row["key"]): row.get("pending", row.get("value")) for row in rows if not row.get("delete")}


def running_config(rows: Iterable[Values]) -> dict[str, Json]:
    """A guest's configuration without what waits for its next start."""
    return {str(row["key"]): row["value"] for row in rows if "value" in row}


def _status(read: Reader, wish: Values, guest: Guest, *, fresh: bool) -> tuple[str, bool]:
    """The power state, and whether the HA manager decides about it.

    The cluster's list is some seconds old, so it doesn't do where power is at stake.
    """
    at_stake = wish["state"] != "present" or wish.get("restart", "never") != "never"
    if guest.status in KNOWN and (fresh or not at_stake):
        suspended = guest.status == "stopped" and guest.lock == "suspended"
        return ("suspended" if suspended else guest.status), guest.managed
    current = read.get(guest.path("status", "current"))
    return power_state(current), _managed(current) if "ha" in current else guest.managed


def _pending(rows: Iterable[Values]) -> tuple[str, ...]:
    return tuple(sorted(str(row["key"]) for row in rows if "pending" in row or row.get("delete")))


def is_half_made(config: Values) -> bool:
    """Whether there is nothing of a guest but the lock of its creation."""
    return set(config) <= HALF_MADE and config.get("lock") == "create"


def half_made(guest: Guest) -> RefusedError:
    """A guest of which there is nothing but the lock of its creation."""
    return RefusedError(
        f"There is nothing of {guest.label} on {guest.node} but the lock of its creation. If nobody is creating it at "
        f"the moment, Proxmox VE gave up half-way: remove it on {guest.node} with "
        f"'{guest.tool} unlock {guest.vmid} && {guest.tool} destroy {guest.vmid}'."
    )


def _prospect(kind: Kind, read: Reader, wish: Values, guests: Sequence[Guest]) -> View:
    """What is needed to make the guest."""
    source = _source(kind, read, wish, guests) if wish.get("clone") else None
    wanted = wish.get("node") or wish.get(HOME)
    node = str(wanted or (source.guest.node if source else only_node(read, f"to create a {kind.title}")))
    ingredients = Ingredients() if source else kind.ingredients(read, wish, node)
    return View(node=node, source=source, free=_free(read, wish, guests), ingredients=ingredients)


def _source(kind: Kind, read: Reader, wish: Values, guests: Sequence[Guest]) -> Source:
    wanted, machines = wish["clone"], [item for item in guests if item.type == kind.type]
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
    return Source(found, _copied(read, found, wish.get("snapname")))


def _copied(read: Reader, source: Guest, snapname: str | None) -> Values:
    """The configuration a clone begins with."""
    try:
        found: Values = read.get(source.path("config"), {"snapshot": snapname} if snapname else None)
    except PveError as error:
        if not NO_SNAPSHOT.search(error.message):
            raise
        raise RefusedError(
            f"Cannot clone {source.label}: it has no snapshot '{snapname}'. The module snapshot_info lists those it "
            "has; without snapname it is cloned as it is now."
        ) from error
    return found


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
