# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints: what has to be kept before documents are applied, so that there is a way back (module state_checkpoint).

Of a guest that will be changed a snapshot is taken. Of everything that will be changed or removed the entries are
kept that declare it as it is now, and of what will be made the names. The way back is in ``rollback``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json, truth
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Resource, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    FindingsError,
    RefusedError,
)
from ansible_collections.homelab.pve.plugins.module_utils.many import (
    Verdict,
    carry_out_all,
    complaints,
    look_at_all,
    outcomes,
)
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together
from ansible_collections.homelab.pve.plugins.module_utils.resources import backups
from ansible_collections.homelab.pve.plugins.module_utils.resources.cluster_info import STATUS
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest, read_guests
from ansible_collections.homelab.pve.plugins.module_utils.resources.snapshots import SNAPSHOT
from ansible_collections.homelab.pve.plugins.module_utils.state import work
from ansible_collections.homelab.pve.plugins.module_utils.state.actions import CREATE, DELETE, MODIFY
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind
from ansible_collections.homelab.pve.plugins.module_utils.state.placing import at, placed

GUEST_KINDS = ("vms", "containers")
PREFIX = "homelab-"
DESCRIPTION = "Taken by homelab.pve before a document was applied"
EMPTY: Values = {"str": "", "list": [], "dict": {}}
"""Type of an option -> what makes it unset. Of the others nothing does."""

BESIDE_SNAPSHOTS = ("description", "pool", "ha")
"""What of a guest no snapshot has, or a rollback leaves as it is (PVE::AbstractConfig, __snapshot_apply_config)."""

STAYS: Mapping[tuple[str, str], str] = {
    ("cluster", CREATE): "a node that is in a cluster stays in it: Proxmox VE has no way out",
    ("network", CREATE): "a rollback applies the network once more, which may cut connections off",
    ("network", MODIFY): "a rollback applies the network once more, which may cut connections off",
    ("network", DELETE): "a rollback applies the network once more, which may cut connections off",
    ("users", DELETE): "a user who is made anew has neither the old password nor the tokens and second factors",
    ("tokens", DELETE): "a token that is made anew has another secret",
    ("acme.accounts", DELETE): "an account that is made anew is another one to its authority",
}
"""Kind and action -> what no rollback brings back."""


@dataclass(frozen=True)
class Kept:
    """A guest of a checkpoint: what it was when that was made."""

    vmid: int
    name: str
    type: str
    node: str
    running: bool

    @staticmethod
    def of(guest: Guest) -> Kept:
        """From the cluster's list."""
        return Kept(guest.vmid, guest.name, guest.type, guest.node, guest.status == "running")


@dataclass(frozen=True)
class Checkpoint:
    """What is kept. Its fields are the keys of the mapping that modules return and take."""

    name: str
    created: str
    host: str | None
    node: str
    guests: list[Kept] = field(default_factory=list)
    """Those that have the snapshot ``name``."""

    removals: list[Kept] = field(default_factory=list)
    """Those that were about to be removed, of which no snapshot can be kept."""

    creations: list[dict[str, Json]] = field(default_factory=list)
    """What was about to be made: kind, id and, of a guest, its name."""

    document: dict[str, Json] = field(default_factory=dict)
    """What was about to be changed or removed, as it was."""

    unset: list[dict[str, Json]] = field(default_factory=list)
    """Options that were about to be set, and were not: kind, id, and the values that unset them."""

    lost: list[str] = field(default_factory=list)
    """What no rollback brings back, in words."""

    @staticmethod
    def of(given: Values | None) -> Checkpoint:
        """From a mapping. Raises ConfigError for one that is none."""
        try:
            values = dict(given or {})
            guests, removals = ([Kept(**row) for row in values.pop(name)] for name in ("guests", "removals"))
            return Checkpoint(**values, guests=guests, removals=removals)
        except (TypeError, KeyError) as error:
            raise ConfigError(
                "Option 'checkpoint': this is not what state: present returned as checkpoint, or what ./run.sh state "
                f"checkpoint keeps ({error})."
            ) from error


OPTIONS: Options = {
    **work.DOCUMENT_OPTIONS,
    **{name: work.STATE_OPTIONS[name] for name in ("prune", "journal")},
    "state": {"type": "str", "choices": ["present", "restored", "absent"], "default": "present"},
    "name": {"type": "str"},
    "checkpoint": {"type": "dict"},
    "vmstate": {"type": "bool", "default": False},
    "skip_unsupported": {"type": "bool", "default": False},
    "restore_from": {"type": "str"},
    "skip_lost": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 600},
}


def state_options(params: Values, **others: Json) -> dict[str, Json]:
    """The options of the module state: those that are the same here, its defaults, and ``others``."""
    defaults = {name: spec.get("default") for name, spec in work.STATE_OPTIONS.items()}
    same = {name: params[name] for name in defaults if params.get(name) is not None}
    return {**defaults, **same, **{name: value for name, value in others.items() if name in defaults}}


def planned(client: Client, params: Values) -> list[Values]:
    """What applying the documents would do, as the module state tells it. Raises what planning raises."""
    found = work.converge(client, state_options(params, allow_delete=True, allow_restart=True), True)
    rows: list[Values] = found["actions"]
    return [row for row in rows if row["action"] in (CREATE, MODIFY, DELETE)]


def take(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
    """Make a checkpoint (state: present)."""
    rows = planned(client, params)
    guests = tuple(read_guests(client))
    changed, removed = touched(rows, MODIFY, guests), touched(rows, DELETE, guests)
    unable = _unable(client, changed, params["max_parallel"])
    _refuse(unable, params)
    able = [guest for guest in changed if guest.vmid not in unable]
    name = params.get("name") or _new_name()
    wishes = [snapshot_wish(guest.vmid, name, params, state="present") for guest in able]
    seen = look_at_all(SNAPSHOT, wishes, client, params["max_parallel"])
    _stop(seen)
    document = before(client, rows, params)
    made = Checkpoint(
        name=name,
        created=_now().isoformat(timespec="seconds"),
        host=params.get("host"),
        node=asked_node(client),
        guests=[Kept.of(guest) for guest in able],
        removals=[Kept.of(guest) for guest in removed],
        creations=[_creation(row) for row in rows if row["action"] == CREATE],
        document=document,
        unset=list(_unset(rows, able)),
        lost=[*unable.values(), *_lost(rows, able, document), *_lost_disks(client, removed)],
    )
    if dry_run:
        return told(made, seen)
    return told(made, carried(SNAPSHOT, wishes, seen, client, params))


def snapshot_wish(vmid: int, name: str, params: Values, **others: Json) -> dict[str, Json]:
    """Options of the module snapshot."""
    fresh = {"description": DESCRIPTION, "vmstate": params["vmstate"]} if others["state"] == "present" else {}
    return {"vmid": vmid, "snapname": name, "force": False, "wait_timeout": params["wait_timeout"], **fresh, **others}


def carried(
    resource: Resource, wishes: Sequence[Values], seen: Sequence[Verdict], client: Client, params: Values
) -> list[Verdict]:
    """Carry out what was planned for guests, several at once."""
    pairs = list(zip(wishes, seen, strict=True))
    return carry_out_all(resource, pairs, client, params["max_parallel"], timeout=params["wait_timeout"])


def told(made: Checkpoint, verdicts: Sequence[Verdict]) -> dict[str, Json]:
    """The module's result for a checkpoint. Raises FindingsError where a snapshot could not be taken."""
    changed = any(outcome.changed for outcome in outcomes(verdicts))
    result: dict[str, Json] = {
        "changed": changed,
        "plan": steps(verdicts) or ["no guest that is there is changed: there is nothing to take a snapshot of"],
        "diff": {"before": {}, "after": {"checkpoint": made.name} if changed else {}},
        "checkpoint": asdict(made),
        "warnings": [f"No rollback brings back: {text}." for text in made.lost],
    }
    if errors := complaints(verdicts):
        remedy = f"Nothing else was done. state: absent removes what was taken as {made.name}."
        raise FindingsError("\n".join([*errors, remedy]), result)
    return result


def steps(verdicts: Iterable[Verdict]) -> list[str]:
    """What was planned, in words."""
    return [step.reason for outcome in outcomes(verdicts) for step in outcome.plan.steps]


def touched(rows: Iterable[Values], action: str, guests: Sequence[Guest]) -> list[Guest]:
    """The guests a plan does this with, by vmid. An entry names a guest by its vmid, or by its name."""
    ids = {str(row["id"]) for row in rows if row["kind"] in GUEST_KINDS and row["action"] == action}
    return [guest for guest in guests if str(guest.vmid) in ids or guest.name in ids]


def _unable(client: Client, guests: Sequence[Guest], parallel: int) -> dict[int, str]:
    """Those that Proxmox VE takes no snapshot of, and why."""
    reasons = together(lambda guest: _obstacle(client, guest), guests, parallel)
    return {guest.vmid: f"{guest.label}: {text}" for guest, text in zip(guests, reasons, strict=True) if text}


def _obstacle(read: Reader, guest: Guest) -> str:
    if guest.template:
        return "it is a template, and Proxmox VE takes no snapshots of templates"
    answer = read.get(guest.path("feature"), {"feature": "snapshot"})
    return "" if truth(answer["hasFeature"]) else "it has a volume on a storage that takes no snapshots"


def _refuse(unable: Mapping[int, str], params: Values) -> None:
    if unable and not params["skip_unsupported"]:
        raise RefusedError(
            f"Cannot take a checkpoint: {'; '.join(unable.values())}. Move its volumes to a storage that does (qcow2 "
            "files, LVM-thin, ZFS, Btrfs, Ceph RBD), leave it out of the document, or set skip_unsupported: then there "
            "is no way back for what is on its disks."
        )


def _stop(seen: Sequence[Verdict]) -> None:
    """Raise RefusedError when something of the plan can't be done."""
    if errors := complaints(seen):
        raise RefusedError("\n".join([*errors, "Nothing was done."]))


def before(client: Client, rows: Sequence[Values], params: Values) -> dict[str, Json]:
    """The document of what is about to be changed or removed, as it is."""
    wanted = {(str(row["kind"]), str(row["id"])) for row in rows if row["action"] in (MODIFY, DELETE)}
    names = sorted({kind for kind, _identity in wanted if kind in KINDS})
    document = work.export(client, {**params, "only": names})["document"] if names else {}
    kept = ((KINDS[name], values) for name in names for values in [at(document, name)] if values is not None)
    return placed((kind, _wanted(kind, values, wanted)) for kind, values in kept)


def _wanted(kind: Kind, values: Json, wanted: Iterable[tuple[str, str]]) -> Json:
    if kind.single:
        return values
    ids = {identity for name, identity in wanted if name == kind.name}
    return [entry for entry in values if ids & names_of(kind, entry)]


def names_of(kind: Kind, entry: Values) -> set[str]:
    """What an entry may be called in a plan: by its keys, and a guest by its name too."""
    own = {str(entry[key]) for key in ("name", "hostname") if kind.name in GUEST_KINDS and entry.get(key)}
    return {kind.identity(entry), *kind.identities(entry), *own}


def _creation(row: Values) -> dict[str, Json]:
    after = row.get("after") or {}
    name = after.get("name") or after.get("hostname") if row["kind"] in GUEST_KINDS else None
    return {"kind": row["kind"], "id": str(row["id"]), **({"name": name} if name else {})}


def _added(row: Values, able: Sequence[Guest]) -> list[str]:
    """Options that a change sets and that were not set. A guest's are its snapshot's matter, if it has one."""
    if row["action"] != MODIFY or row["kind"] not in KINDS:
        return []
    earlier, later = row.get("before") or {}, row.get("after") or {}
    spec: Iterable[str] = KINDS[row["kind"]].resource.argument_spec()
    if touched([row], MODIFY, able):
        spec = BESIDE_SNAPSHOTS
    return [option for option in later if option in spec and earlier.get(option) is None]


def _unset(rows: Iterable[Values], able: Sequence[Guest]) -> Iterator[dict[str, Json]]:
    for row in rows:
        types = {option: _type(row, option) for option in _added(row, able)}
        values = {option: EMPTY[kind] for option, kind in types.items() if kind in EMPTY}
        if values:
            yield {"kind": row["kind"], "id": str(row["id"]), "options": values}


def _type(row: Values, option: str) -> str:
    return str(KINDS[row["kind"]].resource.argument_spec()[option].get("type", "str"))


def _lost(rows: Sequence[Values], able: Sequence[Guest], document: Values) -> Iterator[str]:
    for row in rows:
        what = f"{row['kind']} {row['id']}"
        if text := STAYS.get((row["kind"], row["action"])):
            yield f"{what}: {text}"
        for option in _added(row, able):
            if _type(row, option) not in EMPTY:
                yield f"{what}: option {option}, which was not set, stays as the documents set it"
        if row["action"] == DELETE and "${secret:" in str(_entries_of(row, document)):
            yield f"{what}: its secrets can't be read; a rollback needs them (option secrets)"


def _lost_disks(read: Reader, removed: Sequence[Guest]) -> Iterator[str]:
    for guest in removed:
        found = newest_backup(read, guest.vmid)
        yield f"{guest.label}: " + (
            f"its disks are what the backup {found} has" if found else "its disks, as there is no backup of it"
        )


def _entries_of(row: Values, document: Values) -> list[Json]:
    kind = KINDS.get(row["kind"])
    values = at(document, row["kind"]) if kind and not kind.single else None
    return [entry for entry in values or () if kind and str(row["id"]) in names_of(kind, entry)]


def newest_backup(read: Reader, vmid: int) -> str | None:
    """Id of the newest backup of a guest, on whichever storage."""
    rows = backups.info(read, {"vmid": vmid})["backups"]
    return str(rows[0]["volid"]) if rows else None


def asked_node(read: Reader) -> str:
    """Name of the node that is asked."""
    return next(str(row["name"]) for row in read.get(STATUS) if row["type"] == "node" and row.get("local"))


def _now() -> datetime:
    return datetime.now(UTC)


def _new_name() -> str:
    return f"{PREFIX}{_now():%Y%m%d-%H%M%S}"


def forget(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
    """Remove the snapshots of a checkpoint (state: absent)."""
    saved = Checkpoint.of(params.get("checkpoint"))
    there = {guest.vmid for guest in read_guests(client)}
    kept = [guest for guest in saved.guests if guest.vmid in there]
    wishes = [snapshot_wish(guest.vmid, saved.name, params, state="absent") for guest in kept]
    verdicts: Sequence[Verdict] = look_at_all(SNAPSHOT, wishes, client, params["max_parallel"])
    if not dry_run:
        verdicts = carried(SNAPSHOT, wishes, verdicts, client, params)
    return gone(saved, verdicts)


def gone(saved: Checkpoint, verdicts: Sequence[Verdict]) -> dict[str, Json]:
    """The module's result for a checkpoint that was removed."""
    changed = any(outcome.changed for outcome in outcomes(verdicts))
    result: dict[str, Json] = {
        "changed": changed,
        "plan": steps(verdicts) or [f"no guest has a snapshot {saved.name}"],
        "diff": {"before": {"checkpoint": saved.name} if changed else {}, "after": {}},
    }
    if errors := complaints(verdicts):
        raise FindingsError("\n".join(errors), result)
    return result
