# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a guest, VM or container: taken, described, removed, returned to, and told about. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, DESCRIPTION, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    compare,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_power import power_step
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import (
    GUEST_OPTIONS,
    GUEST_RULES,
    KINDS,
    Guest,
    followed,
    meant,
)

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,39}")
"""Format pve-configid and maxLength of the API schema."""

NOW = "current"
"""PVE lists the guest's present state as a snapshot of this name."""

RESERVED = {"qemu": (NOW, "pending"), "lxc": (NOW, "vzdump")}
"""Names PVE keeps for itself (PVE::API2::Qemu and PVE::API2::LXC::Snapshot)."""

COMMENT = Field("description", DESCRIPTION)

APPLIES = {
    "description": ("present",),
    "vmstate": ("present",),
    "start": ("rollback",),
    "keep": ("present", "absent"),
}
"""Option -> the states it means something with."""


@dataclass(frozen=True)
class Snapshot:
    """One snapshot. ``snaptime`` in seconds since 1970; ``unfinished`` is what PVE was doing to it, else empty."""

    name: str
    description: str
    snaptime: int
    vmstate: bool
    parent: str | None
    unfinished: str

    @property
    def view(self) -> dict[str, Json]:
        """Its side of a diff."""
        return {"description": self.description, "vmstate": self.vmstate}


@dataclass(frozen=True)
class Snapshots:
    """A guest's snapshots, the oldest first, and what its present state stems from."""

    guest: Guest
    rows: tuple[Snapshot, ...]
    running: bool
    parent: str | None
    asked: str | None = None
    """The name the wish is about."""

    def find(self, name: Json) -> Snapshot | None:
        """The snapshot of this name."""
        return next((row for row in self.rows if row.name == name), None)


def read_snapshots(read: Reader, guest: Guest, asked: str | None = None) -> Snapshots:
    """All snapshots of a guest, with one request."""
    rows = read.get(guest.path("snapshot")) or []
    now: Values = next((row for row in rows if row["name"] == NOW), {})
    found = [_snapshot(row) for row in rows if row["name"] != NOW]
    running = bool(int(now.get("running") or 0))
    return Snapshots(guest, oldest_first(found), running, now.get("parent"), asked)


def _snapshot(row: Values) -> Snapshot:
    return Snapshot(
        name=str(row["name"]),
        description=DESCRIPTION.decode(row.get("description") or ""),
        snaptime=int(row.get("snaptime") or 0),
        vmstate=BOOLEAN.decode(row.get("vmstate") or 0),
        parent=row.get("parent") or None,
        unfinished=str(row.get("snapstate") or ""),
    )


def oldest_first(rows: Sequence[Snapshot]) -> tuple[Snapshot, ...]:
    """By time. Of the same second a child is younger than its parent."""
    parents = {row.name: row.parent for row in rows}
    return tuple(sorted(rows, key=lambda row: (row.snaptime, len(_ancestors(row.name, parents)), row.name)))


def _ancestors(name: str, parents: Mapping[str, str | None]) -> list[str]:
    found: list[str] = []
    parent = parents.get(name)
    while parent and parent not in found:
        found.append(parent)
        parent = parents.get(parent)
    return found


def describe(read: Reader, wish: Values) -> Snapshots:
    """The guest and its snapshots."""
    return followed(lambda: read_snapshots(read, meant(read, wish), wish.get("snapname")))


def plan(wish: Values, have: Snapshots) -> Plan:
    """Take, describe, remove, return to, or nothing."""
    _check(wish, have.guest)
    return PLANS[wish["state"]](wish, have)


def _check(wish: Values, guest: Guest) -> None:
    state, name = wish["state"], wish.get("snapname")
    for option, states in APPLIES.items():
        if wish.get(option) not in (None, False) and state not in states:
            raise ConfigError(f"Option '{option}' means nothing with state {state}: leave it out.")
    if name is not None:
        _check_name(str(name), RESERVED[guest.type] if state == "present" else (NOW,))
    if name and wish.get("keep_pattern") and state == "absent":
        raise ConfigError("Options 'snapname' and 'keep_pattern': with state absent give one of them.")
    if (wish.get("keep") or 0) < 0:
        raise ConfigError(f"Option 'keep': {wish['keep']} is less than 0.")


def _check_name(name: str, reserved: Sequence[str]) -> None:
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"Option 'snapname': '{name}' can't name a snapshot. A name begins with a letter, has letters, digits, "
            "_ and -, and 2 to 40 characters."
        )
    if name in reserved:
        raise ConfigError(f"Option 'snapname': Proxmox VE keeps the name '{name}' for itself. Use another one.")


def _present(wish: Values, have: Snapshots) -> Plan:
    name, guest, found = wish["snapname"], have.guest, have.find(wish["snapname"])
    # One that is still being made (or was left so) holds the guest's lock: taking it again waits for that.
    complete = found if found and not found.unfinished else None
    made = _described(wish, guest, complete) if complete else _taken(wish, have)
    gone = _surplus(wish, have)
    return Plan(
        (*made.steps, *_removals(wish, guest, gone)),
        reason=f"snapshot {name} of {guest.label} is as wished",
        before={"snapshots": {**made.before, **{row.name: row.view for row in gone}}},
        after={"snapshots": dict(made.after)},
        warnings=made.warnings,
    )


def _described(wish: Values, guest: Guest, found: Snapshot) -> Plan:
    """Another description for a snapshot that is there."""
    if wish.get("description") is None:
        return Plan()
    change = compare(COMMENT, COMMENT.name, DESCRIPTION.parse(wish["description"]), found.description or None)
    if change is None:
        return Plan()
    text = change.after or ""
    path = guest.path("snapshot", found.name, "config")
    step = Step("PUT", path, {"description": text}, f"set description of snapshot {found.name} of {guest.label}")
    return Plan((step,), before={found.name: found.view}, after={found.name: {**found.view, "description": text}})


def _taken(wish: Values, have: Snapshots) -> Plan:
    """A new snapshot."""
    guest, name, memory = have.guest, wish["snapname"], bool(wish.get("vmstate"))
    text = DESCRIPTION.parse(wish.get("description") or "")
    _refuse_taking(guest, name, memory)
    if wish.get("keep") == 0 and fnmatchcase(name, wish["keep_pattern"]):
        raise ConfigError("Option 'keep': with state present 1 or more, or the new snapshot would be removed at once.")
    params = {"snapname": name, "description": text or None, "vmstate": memory or None}
    step = Step(
        "POST", guest.path("snapshot"), params, f"take snapshot {name} of {guest.label}", advice=_take_advice(guest)
    )
    view = {"description": text, "vmstate": memory and have.running}
    asleep = f"{guest.label} is stopped, so snapshot {name} has no memory to save (vmstate)."
    return Plan((step,), after={name: view}, warnings=(asleep,) if memory and not have.running else ())


def _refuse_taking(guest: Guest, name: str, memory: bool) -> None:
    if guest.template:
        raise RefusedError(
            f"Cannot take snapshot {name} of {guest.label}: it is a template, and Proxmox VE takes none of templates. "
            "Take one of a clone."
        )
    if memory and guest.type == "lxc":
        raise ConfigError(
            f"Option 'vmstate': {guest.label} has none. Proxmox VE saves the memory of VMs only: leave it out."
        )


def _take_advice(guest: Guest) -> dict[str, str]:
    return {
        "snapshot feature is not available": (
            "A volume is on a storage that takes no snapshots, or is a bind mount. Move it to one that does: qcow2 "
            "files, LVM-thin, ZFS, Btrfs or Ceph RBD."
        ),
        **_lock_advice(guest),
    }


def _lock_advice(guest: Guest) -> dict[str, str]:
    return {
        r"is locked \((?:snapshot|snapshot-delete|rollback)\)": (
            "Another task works on its snapshots. When there is none any more, one was interrupted: look at the guest, "
            f"then run {guest.tool} unlock {guest.vmid} on {guest.node}."
        )
    }


def _surplus(wish: Values, have: Snapshots) -> list[Snapshot]:
    """The oldest that match the pattern, but for the newest ``keep``; the wished one counts as the newest."""
    pattern, name = wish.get("keep_pattern"), wish.get("snapname")
    if pattern is None:
        return []
    room = wish["keep"] - (1 if name and fnmatchcase(name, pattern) else 0)
    found = [row for row in have.rows if fnmatchcase(row.name, pattern) and row.name != name and not row.unfinished]
    return found[: max(0, len(found) - room)]


def _removals(wish: Values, guest: Guest, rows: Sequence[Snapshot]) -> tuple[Step, ...]:
    params = {"force": True} if wish.get("force") else {}
    advice = {
        "needed for replication|replication": "Run the replication job once more, or set force to true.",
        **_lock_advice(guest),
    }
    return tuple(
        Step(
            "DELETE",
            guest.path("snapshot", row.name),
            params,
            f"remove snapshot {row.name} of {guest.label}",
            advice=advice,
        )
        for row in rows
    )


def _absent(wish: Values, have: Snapshots) -> Plan:
    name, guest = wish.get("snapname"), have.guest
    found = have.find(name)
    gone = _surplus(wish, have) if name is None else [found] if found else []
    kept = f"there are no more than {wish.get('keep')} snapshots '{wish.get('keep_pattern')}' of {guest.label}"
    return Plan(
        _removals(wish, guest, gone),
        reason=f"snapshot {name} of {guest.label} is absent already" if name else kept,
        before={"snapshots": {row.name: row.view for row in gone}},
        after={"snapshots": {}},
    )


def _rollback(wish: Values, have: Snapshots) -> Plan:
    """Back to a snapshot, each time it is asked for: nobody can tell what a guest has written since."""
    guest, target = have.guest, have.find(wish["snapname"])
    found = _refuse_rollback(wish, have, target)
    step = Step(
        "POST",
        guest.path("snapshot", found.name, "rollback"),
        {},
        f"roll {guest.label} back to snapshot {found.name}",
        once=True,
        advice={**_newer_advice(have, found), **_lock_advice(guest)},
    )
    # PVE's own parameter begins a start and doesn't wait for it. With its memory a VM goes on running anyway.
    start = power_step(guest.path(), "start", guest.label, managed=guest.managed)
    starts = bool(wish.get("start")) and not found.vmstate
    return Plan(
        (step, start) if starts else (step,),
        before={"state": "as it is now", "status": _status(have.running)},
        after={"state": f"as in snapshot {found.name}", "status": _status(starts or found.vmstate)},
    )


def _refuse_rollback(wish: Values, have: Snapshots, found: Snapshot | None) -> Snapshot:
    what = f"Cannot roll {have.guest.label} back to snapshot {wish['snapname']}"
    if found is None:
        known = ", ".join(row.name for row in have.rows) or "none"
        raise RefusedError(f"{what}: there is no such snapshot. Its snapshots are: {known}.")
    if found.unfinished:
        raise RefusedError(
            f"{what}: it is incomplete (its state is '{found.unfinished}'). "
            "Remove it (state: absent, with force if need be) and use another one."
        )
    if have.running and not wish.get("force"):
        raise RefusedError(
            f"{what}: it is running, and Proxmox VE would stop it hard. Shut it down first, or set force to true."
        )
    return found


def _newer_advice(have: Snapshots, found: Snapshot) -> dict[str, str]:
    """Some storages (ZFS, volume chains) only return to the newest snapshot."""
    newer = ", ".join(row.name for row in have.rows[have.rows.index(found) + 1 :])
    remedy = f"Remove the newer ones first: {newer}." if newer else "Something else took a newer one on the storage."
    return {
        "can't rollback|most recent snapshot": f"Its storage returns to the newest snapshot of a volume only. {remedy}"
    }


def _status(running: bool) -> str:
    return "running" if running else "stopped"


PLANS: Mapping[str, Callable[[Values, Snapshots], Plan]] = {
    "present": _present,
    "absent": _absent,
    "rollback": _rollback,
}


def shown(have: Snapshots) -> dict[str, Json]:
    """What modules return about a guest and its snapshots."""
    guest = have.guest
    return {
        "vmid": guest.vmid,
        "name": guest.name,
        "node": guest.node,
        "type": guest.type,
        "status": _status(have.running),
        "parent": have.parent,
        "snapshots": [_row(row, have.rows) for row in have.rows],
    }


def _row(row: Snapshot, rows: Sequence[Snapshot]) -> dict[str, Json]:
    return {
        "name": row.name,
        "description": row.description,
        "snaptime": row.snaptime,
        "vmstate": row.vmstate,
        "parent": row.parent,
        "children": [other.name for other in rows if other.parent == row.name],
        "unfinished": row.unfinished or None,
    }


def result(have: Snapshots) -> dict[str, Json]:
    """What the module snapshot returns: the snapshot it was asked about, and all."""
    answer = shown(have)
    one = next((row for row in answer["snapshots"] if row["name"] == have.asked), None)
    return {**answer, **({"snapshot": one} if one else {})}


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module snapshot_info."""
    have = describe(read, wish)
    return {"changed": False, **shown(have), "tree": tree(have.rows)}


def tree(rows: Sequence[Snapshot]) -> dict[str, Json]:
    """Names nested below the name they stem from; what stems from nothing that is left stands on top."""
    names = {row.name for row in rows}
    return {row.name: _below(row.name, rows) for row in rows if row.parent not in names}


def _below(name: str, rows: Sequence[Snapshot]) -> dict[str, Json]:
    return {row.name: _below(row.name, rows) for row in rows if row.parent == name}


SNAPSHOT = Resource(
    kind="snapshot",
    options={
        **GUEST_OPTIONS,
        "snapname": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent", "rollback"], "default": "present"},
        "description": {"type": "str"},
        "vmstate": {"type": "bool"},
        "start": {"type": "bool", "default": False},
        "keep": {"type": "int"},
        "keep_pattern": {"type": "str"},
        "force": {"type": "bool", "default": False},
        "wait_timeout": {"type": "float", "default": 600},
    },
    describe=describe,
    plan=plan,
    writes=tuple(
        write.format(kind=kind)
        for kind in KINDS
        for write in (
            "POST /nodes/{{}}/{kind}/{{}}/snapshot",
            "PUT /nodes/{{}}/{kind}/{{}}/snapshot/{{}}/config",
            "DELETE /nodes/{{}}/{kind}/{{}}/snapshot/{{}}",
            "POST /nodes/{{}}/{kind}/{{}}/snapshot/{{}}/rollback",
            "POST /nodes/{{}}/{kind}/{{}}/status/start",
        )
    ),
    result=result,
    rules={
        "required_one_of": [*GUEST_RULES["required_one_of"], ("snapname", "keep_pattern")],
        "mutually_exclusive": GUEST_RULES["mutually_exclusive"],
        "required_together": [("keep", "keep_pattern")],
        "required_if": [("state", "present", ["snapname"]), ("state", "rollback", ["snapname"])],
    },
)

INFO_OPTIONS: Options = GUEST_OPTIONS
INFO_RULES = GUEST_RULES
