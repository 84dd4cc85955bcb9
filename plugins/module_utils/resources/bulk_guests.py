# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many guests at once (API: ``/cluster/bulk-action/guest``, ``/nodes/{node}/startall`` and its like).

Proxmox VE 9.1 has bulk actions of the cluster; before, and where a node is named, those of the nodes are used. Both
report a guest that fails in a task that ends well, so what became of each is looked at afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Until,
    Values,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest, find, read_guests

BULK = "/cluster/bulk-action/guest"
STARTED, STOPPED, SUSPENDED, MIGRATED = "started", "stopped", "suspended", "migrated"


@dataclass(frozen=True)
class Action:
    """What brings guests into a state: its names in the cluster and on a node, and its options in either's words."""

    verb: str
    in_cluster: str
    on_node: str
    privilege: str
    cluster_options: Mapping[str, str]
    node_options: Mapping[str, str]
    node_params: Values


WORKERS = {"max_workers": "max-workers"}
ENDING = {"force_stop": "force-stop", "guest_timeout": "timeout"}
DISKS = {"target": "target", "with_local_disks": "with-local-disks"}
ACTIONS: Mapping[str, Action] = {
    STARTED: Action(
        "start",
        "start",
        "startall",
        "VM.PowerMgmt",
        {**WORKERS, "guest_timeout": "timeout"},
        WORKERS,
        # Otherwise those that don't start with their node are left out.
        {"force": True},
    ),
    STOPPED: Action("stop", "shutdown", "stopall", "VM.PowerMgmt", {**WORKERS, **ENDING}, {**WORKERS, **ENDING}, {}),
    SUSPENDED: Action(
        "suspend", "suspend", "suspendall", "VM.PowerMgmt", {**WORKERS, "statestorage": "statestorage"}, WORKERS, {}
    ),
    MIGRATED: Action(
        "migrate",
        "migrate",
        "migrateall",
        "VM.Migrate",
        {**WORKERS, **DISKS, "online": "online"},
        # Proxmox VE 8 knows this name only; 9 knows both.
        {"max_workers": "maxworkers", **DISKS},
        {},
    ),
}
CLUSTER_PARAMS: Mapping[str, Values] = {SUSPENDED: {"to-disk": True}, MIGRATED: {"online": True}}
"""Sent unless told otherwise. Guests that are only paused look like running ones in the cluster's list."""

OPTIONS: Options = {
    "state": {"type": "str", "choices": list(ACTIONS), "required": True},
    "vms": {"type": "list", "elements": "int"},
    "node": {"type": "str"},
    "target": {"type": "str"},
    "max_workers": {"type": "int"},
    "guest_timeout": {"type": "int"},
    "force_stop": {"type": "bool"},
    "statestorage": {"type": "str"},
    "online": {"type": "bool"},
    "with_local_disks": {"type": "bool"},
    "wait_timeout": {"type": "float", "default": 1800},
}
RULES: Mapping[str, Sequence[Json]] = {
    "required_one_of": [("vms", "node")],
    "mutually_exclusive": [("vms", "node")],
    "required_if": [("state", MIGRATED, ("target",))],
}
WRITES = (
    *(f"POST {BULK}/{action.in_cluster}" for action in ACTIONS.values()),
    *(f"POST /nodes/{{}}/{action.on_node}" for action in ACTIONS.values()),
)


@dataclass(frozen=True)
class Found:
    """The guests that are meant, those of them that are not in the state, and whether the cluster has bulk actions."""

    guests: tuple[Guest, ...]
    pending: tuple[Guest, ...]
    in_cluster: bool = False


def describe(read: Reader, wish: Values) -> Found:
    """Raises RefusedError for a guest that is missing or hidden, ConfigError for options of other states."""
    guests = _chosen(read, wish)
    # The list may be some seconds old: what seems to be pending is asked for itself.
    pending = tuple(item for item in guests if not _is_so(item, wish) and not _is_so(_now(read, item), wish))
    in_cluster = bool(pending) and wish.get("vms") is not None and _has_bulk(read)
    _check(wish, in_cluster or (not pending and wish.get("vms") is not None))
    return Found(guests, pending, in_cluster)


def _chosen(read: Reader, wish: Values) -> tuple[Guest, ...]:
    if wish.get("vms") is None:
        there = (item for item in read_guests(read) if item.node == wish["node"] and not item.template)
        return tuple(item for item in there if wish["state"] != SUSPENDED or item.type == "qemu")
    known = {item.vmid: item for item in read_guests(read)}
    found = tuple(known.get(vmid) or find(read, vmid) for vmid in sorted(set(wish["vms"])))
    for item in found:
        if item.template:
            raise RefusedError(f"Cannot have {item.label} {wish['state']}: it is a template.")
        if item.type != "qemu" and wish["state"] == SUSPENDED:
            raise RefusedError(f"Cannot have {item.label} suspended: Proxmox VE suspends VMs only.")
    return found


def _is_so(item: Guest, wish: Values) -> bool:
    """Whether a guest is in the state. A VM that is suspended to disk does not run."""
    if wish["state"] == MIGRATED:
        return bool(item.node == wish["target"])
    return (item.status == "running") is (wish["state"] == STARTED)


def _now(read: Reader, item: Guest) -> Guest:
    """The guest as its node says it is."""
    return replace(item, status=str(read.get(item.path("status", "current"))["status"]))


def _has_bulk(read: Reader) -> bool:
    try:
        read.get(BULK)
    except PveError as error:
        if error.not_implemented:
            return False
        raise
    return True


def _check(wish: Values, in_cluster: bool) -> None:
    """Raise ConfigError for an option that the action, or the API that is used for it, does not have."""
    action = ACTIONS[str(wish["state"])]
    known = action.cluster_options if in_cluster else action.node_options
    for option in {**WORKERS, **ENDING, **DISKS, "statestorage": "", "online": ""}:
        if wish.get(option) is None or option in known:
            continue
        if option in action.cluster_options:
            raise ConfigError(
                f"Option '{option}': the action of a node has no such option. Name the guests (vms), "
                "on Proxmox VE 9.1 or later."
            )
        raise ConfigError(f"Option '{option}' is not for state {wish['state']}.")


def plan(wish: Values, have: Found) -> Plan:
    """One step for all guests that are not in the state, or one for those of each node."""
    if not have.pending:
        return Plan(reason=f"all {len(have.guests)} guests are {wish['state']}")
    action = ACTIONS[str(wish["state"])]
    if have.in_cluster:
        steps: tuple[Step, ...] = (_in_cluster(action, wish, have.pending),)
    else:
        nodes = sorted({item.node for item in have.pending})
        steps = tuple(
            _on_node(action, wish, node, [item for item in have.pending if item.node == node]) for node in nodes
        )
    before = {str(item.vmid): _shown(item, wish) for item in have.pending}
    after = {str(item.vmid): str(wish.get("target") or wish["state"]) for item in have.pending}
    return Plan(steps, before=before, after=after)


def _shown(item: Guest, wish: Values) -> str:
    return item.node if wish["state"] == MIGRATED else "stopped" if wish["state"] == STARTED else "started"


def _in_cluster(action: Action, wish: Values, guests: Sequence[Guest]) -> Step:
    params = {"vms": [item.vmid for item in guests], **CLUSTER_PARAMS.get(str(wish["state"]), {})}
    return _step(
        action, f"{BULK}/{action.in_cluster}", {**params, **_given(action.cluster_options, wish)}, guests, wish
    )


def _on_node(action: Action, wish: Values, node: str, guests: Sequence[Guest]) -> Step:
    params = {"vms": ",".join(str(item.vmid) for item in guests), **action.node_params}
    path = url(f"/nodes/{{}}/{action.on_node}", node)
    return _step(action, path, {**params, **_given(action.node_options, wish)}, guests, wish)


def _given(names: Mapping[str, str], wish: Values) -> dict[str, Json]:
    return {wire: wish[option] for option, wire in names.items() if wish.get(option) is not None}


def _step(action: Action, path: str, params: Values, guests: Sequence[Guest], wish: Values) -> Step:
    """The write; what the HA manager decides about is waited for, as it is only asked by the task."""

    def done(read: Reader, answer: Json, _timeout: float) -> Json:
        left = [item for item in _left(read, guests, wish) if not item.managed]
        if left:
            raise RefusedError(_failed(read, answer, left, action, wish))
        return answer

    named = ", ".join(item.label for item in guests)
    where = f" to node {wish['target']}" if wish["state"] == MIGRATED else ""
    waited = Until(
        lambda read: None if _left(read, guests, wish) else True,
        "the HA manager has not done it after {timeout} s. The module ha_status_info shows what it does.",
    )
    return Step("POST", path, params, f"{action.verb} {named}{where}", once=True, follow=done, until=waited)


def _left(read: Reader, guests: Iterable[Guest], wish: Values) -> list[Guest]:
    """Those that are not in the state yet, as they are now."""
    meant = {item.vmid for item in guests}
    found = [item for item in read_guests(read) if item.vmid in meant and not _is_so(item, wish)]
    return [item for item in (_now(read, item) for item in found) if not _is_so(item, wish)]


def _failed(read: Reader, upid: Json, left: Sequence[Guest], action: Action, wish: Values) -> str:
    """What to say about guests that are not in the state, with the lines of the task's log about them."""
    path = url("/nodes/{}/tasks/{}/log", str(upid).split(":")[1], upid)
    lines = [str(line.get("t") or "") for line in read.get(path, {"limit": 0}) or []]
    said = "".join(f"\n  {line}" for line in lines if "failed" in line or "ERROR" in line)
    return (
        f"these are not {wish['state']}: {', '.join(item.label for item in left)}. Guests on which the login has no "
        f"{action.privilege} are left out by Proxmox VE." + (f" Its task says:{said}" if said else "")
    )


def shown(have: Found) -> dict[str, Json]:
    """The module's return value."""
    return {"guests": [item.shown() for item in have.guests]}


BULK_GUESTS = Resource(
    kind="guests", options=OPTIONS, rules=RULES, describe=describe, plan=plan, result=shown, writes=WRITES
)
