# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding guests in ``/cluster/resources``: one request for all guests of all nodes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import TypeVar

from ansible_collections.homelab.pve.plugins.module_utils.codecs import TAGS, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values, kept, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError

KINDS = {"qemu": "vm", "lxc": "container"}
"""The API's word and ours."""

TOOLS = {"qemu": "qm", "lxc": "pct"}
"""The API's word and the command on a node."""

HA_TYPES = {"qemu": "vm", "lxc": "ct"}
"""The API's word and the HA manager's (format pve-ha-resource-id)."""

LOWEST_VMID, HIGHEST_VMID = 100, 999_999_999
"""From the API schema (format pve-vmid)."""

GONE = re.compile(r"Configuration file '\S+' does not exist")
"""PVE's words for a guest that was removed, or moved, since it was listed."""


SIGHTINGS = 3
"""How often a guest is looked for that moves away meanwhile."""

T = TypeVar("T")

NOT_SHOWN = frozenset({"lock", "managed"})
"""What is known of a guest but passes too quickly to be worth telling."""

UNMANAGED = frozenset({"", "ignored"})
"""HA states of a guest the HA manager leaves alone (PVE::HA::Config::vm_is_ha_managed)."""


@dataclass(frozen=True)
class Guest:
    """A guest as the cluster lists it. ``status`` may be some seconds old, and ``unknown`` for a new guest."""

    vmid: int
    name: str
    node: str
    status: str
    type: str
    template: bool
    tags: tuple[str, ...]
    pool: str | None
    lock: str | None = None
    managed: bool = False
    """Whether the HA manager decides about its power state."""

    @property
    def label(self) -> str:
        """For messages: ``vm 104 (web)``."""
        return f"{KINDS[self.type]} {self.vmid}" + (f" ({self.name})" if self.name else "")

    @property
    def tool(self) -> str:
        """PVE's command for it on its node."""
        return TOOLS[self.type]

    @property
    def ha_id(self) -> str:
        """Its id as a resource of the HA manager, ``vm:104``."""
        return f"{HA_TYPES[self.type]}:{self.vmid}"

    def path(self, *rest: object) -> str:
        """Its path in the API."""
        return url("/nodes/{}/{}/{}" + "/{}" * len(rest), self.node, self.type, self.vmid, *rest)

    def shown(self) -> dict[str, Json]:
        """As a module returns it."""
        shown = {name: value for name, value in asdict(self).items() if name not in NOT_SHOWN}
        return {**shown, "tags": list(self.tags)}


def guest(row: Values) -> Guest:
    """From a row of ``/cluster/resources``."""
    return Guest(
        vmid=int(row["vmid"]),
        name=str(row.get("name") or ""),
        node=str(row["node"]),
        status=str(row.get("status") or "unknown"),
        type=str(row["type"]),
        template=bool(int(row.get("template") or 0)),
        tags=tuple(TAGS.parse(row.get("tags") or "")),
        pool=row.get("pool") or None,
        lock=row.get("lock") or None,
        managed=str(row.get("hastate") or "") not in UNMANAGED,
    )


def read_guests(read: Reader) -> tuple[Guest, ...]:
    """All guests of the cluster that the login may see, by vmid."""
    rows = read.get("/cluster/resources", {"type": "vm"}) or []
    return kept(read, "guests", lambda: _by_vmid(rows))


def _by_vmid(rows: Iterable[Values]) -> tuple[Guest, ...]:
    return tuple(sorted((guest(row) for row in rows if row.get("type") in KINDS), key=lambda item: item.vmid))


def named(read: Reader, guests: Iterable[Guest]) -> tuple[Guest, ...]:
    """The guests with the names filled in that the cluster doesn't know yet.

    For about ten seconds a new guest is listed without its name and with status unknown: the list comes from the
    statistics daemon (PVE::API2Tools::extract_vm_stats). Its configuration has the name at once.
    """
    found = (item if item.name else _with_name(read, item) for item in guests)
    return tuple(item for item in found if item)


def _with_name(read: Reader, item: Guest) -> Guest | None:
    try:
        config = read.get(item.path("config")) or {}
    except PveError as error:
        if GONE.search(error.message):
            return None
        raise
    name = config.get("name") or config.get("hostname") or f"VM {item.vmid}"
    return replace(item, name=name, template=bool(int(config.get("template") or 0)))


def vmid_bounds(value: Sequence[int] | None) -> tuple[int, int] | None:
    """A ``vmid_range`` option: two numbers, both included."""
    if value is None:
        return None
    if len(value) != 2 or not LOWEST_VMID <= value[0] <= value[1] <= HIGHEST_VMID:  # noqa: PLR2004  a pair
        raise ConfigError(
            f"vmid_range {list(value)} is not a range: give the lowest and the highest vmid, "
            f"both from {LOWEST_VMID} to {HIGHEST_VMID}."
        )
    return value[0], value[1]


def select(guests: Iterable[Guest], wish: Values) -> tuple[Guest, ...]:
    """The guests that meet every criterion that is set (see the options of the module vm_discover)."""
    bounds = vmid_bounds(wish.get("vmid_range"))
    return tuple(item for item in guests if _kind_wanted(item, wish) and _matches(item, wish, bounds))


def _kind_wanted(item: Guest, wish: Values) -> bool:
    wanted = {"qemu"} | ({"lxc"} if wish.get("include_containers") else set())
    return item.type in wanted and (bool(wish.get("include_templates")) or not item.template)


def _matches(item: Guest, wish: Values, bounds: tuple[int, int] | None) -> bool:
    pattern, tags = wish.get("name_pattern"), TAGS.parse(wish.get("tags") or [])
    exact = ((item.pool, wish.get("pool")), (item.node, wish.get("node")), (item.status, wish.get("status")))
    return (
        (pattern is None or fnmatchcase(item.name, pattern))
        and (bounds is None or bounds[0] <= item.vmid <= bounds[1])
        and set(tags) <= set(item.tags)
        and all(wanted is None or actual == wanted for actual, wanted in exact)
    )


TELL_APART = "Give the vmid, or a pool or vmid_range that tells them apart."


def only(found: Sequence[Guest], described: str, remedy: str = TELL_APART) -> Guest | None:
    """The one guest found, None for none; two or more are refused, because either could be the wrong one."""
    if len(found) > 1:
        listed = ", ".join(f"{item.vmid} on {item.node}" for item in found)
        raise RefusedError(f"{described} is ambiguous: {listed}. {remedy}")
    return found[0] if found else None


def find(read: Reader, vmid: int) -> Guest:
    """The guest with this id, on whichever node it is. Raises RefusedError when there is none."""
    found = next((item for item in read_guests(read) if item.vmid == vmid), None) or made_since(read, vmid)
    if found is None:
        raise RefusedError(f"There is no guest with vmid {vmid}. Check the vmid.")
    return found


def made_since(read: Reader, vmid: int) -> Guest | None:
    """The guest that has a vmid which the list of guests doesn't have: somebody has made it since that was read.

    None where nobody has the vmid. Raises RefusedError for a guest that the login may not see.
    """
    if not is_taken(read, vmid):
        return None
    # With everything else in it, the list is another answer than the one that may have been kept.
    rows = read.get("/cluster/resources") or []
    found = next((item for item in _by_vmid(rows) if item.vmid == vmid), None)
    if found is None:
        raise hidden(vmid)
    return found


GUEST_OPTIONS: dict[str, dict[str, Json]] = {"vmid": {"type": "int"}, "name": {"type": "str"}}
GUEST_RULES: dict[str, Sequence[Json]] = {
    "required_one_of": [("vmid", "name")],
    "mutually_exclusive": [("vmid", "name")],
}
"""How modules are told which existing guest is meant."""


def meant(read: Reader, params: Values) -> Guest:
    """The guest of the option ``vmid`` or ``name``. Raises RefusedError when there is none, or two of the name."""
    name = params.get("name")
    if not name:
        return find(read, params["vmid"])
    candidates = [item for item in named(read, read_guests(read)) if item.name == name]
    found = only(candidates, f"The name '{name}'", "Give the vmid.")
    if found is None:
        raise RefusedError(
            f"There is no guest named '{name}', or the login may not see it. Check the name, and that the login has "
            "the privilege VM.Audit on the guest."
        )
    return found


TAKEN = re.compile(r"VM \d+ already exists")


def followed(look: Callable[[], T]) -> T:
    """What ``look`` finds and reads; again when the guest moved to another node in between."""
    for _sighting in range(SIGHTINGS - 1):
        try:
            return look()
        except PveError as error:
            if not GONE.search(error.message):
                raise
    return look()


def is_taken(read: Reader, vmid: int) -> bool:
    """Whether a guest has the vmid, be it one the login may not see.

    The list leaves out what the login has no VM.Audit for; this question PVE answers for anybody (PVE::API2::Cluster:
    nextid).
    """
    try:
        read.get("/cluster/nextid", {"vmid": vmid})
    except PveError as error:
        if TAKEN.search(error.errors.get("vmid", "")):
            return True
        raise
    return False


def hidden(vmid: int) -> RefusedError:
    """A guest that is there, but not for this login."""
    return RefusedError(
        f"The guest with vmid {vmid} is hidden from the login. "
        f"Grant VM.Audit on /vms/{vmid} to the user, and to the token if it has privilege separation."
    )


def only_node(read: Reader, purpose: str) -> str:
    """The node of a cluster of one; with more, the user has to say which."""
    nodes = sorted(str(row["node"]) for row in read.get("/nodes"))
    if len(nodes) != 1:
        raise ConfigError(f"Option 'node' is needed {purpose}: the nodes are {', '.join(nodes)}.")
    return nodes[0]


def discover(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module vm_discover."""
    # Only those are asked for their names that are wanted otherwise: one on a node that is down fails nobody else.
    likely = select(read_guests(read), {**wish, "name_pattern": None, "include_templates": True})
    found = select(named(read, likely), wish)
    return {"changed": False, "vms": [item.shown() for item in found]}


DISCOVER_OPTIONS: dict[str, dict[str, Json]] = {
    "name_pattern": {"type": "str"},
    "vmid_range": {"type": "list", "elements": "int"},
    "tags": {"type": "list", "elements": "str"},
    "pool": {"type": "str"},
    "node": {"type": "str"},
    "status": {"type": "str", "choices": ["running", "stopped"]},
    "include_containers": {"type": "bool", "default": False},
    "include_templates": {"type": "bool", "default": False},
}
