# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back to a checkpoint: guests to their snapshots or from their backups, all else as the kept document says.

What can't be brought back is found, and said, before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import FindingsError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.many import Verdict, complaints, look_at_all
from ansible_collections.homelab.pve.plugins.module_utils.module import Action
from ansible_collections.homelab.pve.plugins.module_utils.resources.cluster_info import STATUS
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest, read_guests
from ansible_collections.homelab.pve.plugins.module_utils.resources.restore import RESTORE
from ansible_collections.homelab.pve.plugins.module_utils.resources.snapshots import SNAPSHOT
from ansible_collections.homelab.pve.plugins.module_utils.state import work
from ansible_collections.homelab.pve.plugins.module_utils.state.actions import FAILED, NONE
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.checkpoint import (
    GUEST_KINDS,
    OPTIONS,
    Checkpoint,
    Kept,
    carried,
    forget,
    names_of,
    newest_backup,
    snapshot_wish,
    state_options,
    steps,
    take,
)
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind
from ansible_collections.homelab.pve.plugins.module_utils.state.placing import at, placed

RESTORE_TIMEOUT = 14400.0
"""Seconds a restore may take, as in the module restore."""


@dataclass(frozen=True)
class Way:
    """What is done about guests on the way back: wishes of the modules snapshot and restore, and what is planned."""

    rollbacks: Sequence[Values]
    restores: Sequence[Values]
    seen_rollbacks: Sequence[Verdict]
    seen_restores: Sequence[Verdict]

    @property
    def seen(self) -> list[Verdict]:
        """Everything that is planned."""
        return [*self.seen_rollbacks, *self.seen_restores]


def restore(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
    """Go back to a checkpoint (state: restored)."""
    saved = Checkpoint.of(params.get("checkpoint"))
    _same_server(client, saved)
    there = {guest.vmid: guest for guest in read_guests(client)}
    _not_others(saved, there)
    way = _way(client, saved, there, params)
    document = earlier(client, saved, params)
    options = state_options(
        params, files=[], document=document, allow_delete=True, allow_restart=True, max_delete_percent=100,
        only=None, prune=[],
    )  # fmt: skip
    if dry_run:
        rows = work.converge(client, {**options, "only": _others(document)}, True)["actions"]
        return _told(saved, way.seen, rows, way.seen)
    return _carried(client, saved, way, options, params)


def _carried(client: Client, saved: Checkpoint, way: Way, options: Values, params: Values) -> dict[str, Json]:
    # A guest's disks need their storages, so what is about no guest goes first, without what is to be removed.
    document = options["document"]
    first = {**options, "document": _without_removals(document), "only": _others(document)}
    rows, failed = _converged(client, first)
    verdicts = [
        *carried(SNAPSHOT, way.rollbacks, way.seen_rollbacks, client, params),
        *carried(RESTORE, way.restores, way.seen_restores, client, params),
    ]
    last, failed_last = _converged(client, options)
    return _told(saved, way.seen, [*rows, *last], verdicts, [*failed, *failed_last])


def _converged(client: Client, options: Values) -> tuple[list[Values], list[str]]:
    """What the module state did, and what failed of it: the rest of the way back is gone all the same."""
    try:
        found = work.converge(client, options, False)
    except FindingsError as error:
        rows: Json = error.result.get("actions", ())
        return list(rows), [str(error)]
    return list(found["actions"]), []


def _same_server(read: Reader, saved: Checkpoint) -> None:
    nodes = sorted(str(row["name"]) for row in read.get(STATUS) if row["type"] == "node")
    if saved.node not in nodes:
        raise RefusedError(
            f"Checkpoint {saved.name} is of node {saved.node}; asked was {', '.join(nodes)}. Ask the server it was "
            "made of (option host)."
        )


def _not_others(saved: Checkpoint, there: Mapping[int, Guest]) -> None:
    """Raise RefusedError where a guest that would be removed is not the one that was made."""
    for row in saved.creations:
        found = there.get(int(row["id"])) if row["kind"] in GUEST_KINDS and str(row["id"]).isdigit() else None
        if found and row.get("name") and found.name and found.name != row["name"]:
            raise RefusedError(
                f"Cannot go back to checkpoint {saved.name}: it would remove vmid {row['id']}, which was made as "
                f"{row['name']}, and is {found.name} now. Remove or rename that guest by hand first."
            )


def _way(client: Client, saved: Checkpoint, there: Mapping[int, Guest], params: Values) -> Way:
    """What is to be done about guests. Raises RefusedError before the first write for what can't be."""
    rollbacks = [
        snapshot_wish(kept.vmid, saved.name, params, state="rollback", force=True, start=kept.running)
        for kept in saved.guests
        if kept.vmid in there
    ]
    missing = [kept for kept in (*saved.guests, *saved.removals) if kept.vmid not in there]
    sources = {kept.vmid: _source(client, kept, params) for kept in missing}
    lost = [kept for kept in missing if sources[kept.vmid] is None]
    _refuse_lost(saved, lost, params)
    restores = [_restore_wish(kept, source) for kept in missing if (source := sources[kept.vmid])]
    seen_rollbacks = look_at_all(SNAPSHOT, rollbacks, client, params["max_parallel"])
    seen_restores = look_at_all(RESTORE, restores, client, params["max_parallel"])
    _refuse(saved, [*seen_rollbacks, *seen_restores])
    return Way(rollbacks, restores, seen_rollbacks, seen_restores)


def _source(client: Client, kept: Kept, params: Values) -> dict[str, Json] | None:
    """Where a guest that is gone is restored from; None when there is no backup of it."""
    if params.get("restore_from"):
        return {"backup_storage": params["restore_from"]}
    archive = newest_backup(client, kept.vmid)
    return {"archive": archive} if archive else None


def _restore_wish(kept: Kept, source: Values) -> dict[str, Json]:
    own = {"vmid": kept.vmid, "node": kept.node, "verify": True, "wait_timeout": RESTORE_TIMEOUT}
    return {**own, "force": False, "stop": False, "start": False, **source}


def _refuse_lost(saved: Checkpoint, lost: Sequence[Kept], params: Values) -> None:
    if lost and not params["skip_lost"]:
        names = ", ".join(f"{kept.vmid} ({kept.name})" for kept in lost)
        raise RefusedError(
            f"Cannot go back to checkpoint {saved.name}: these guests were removed with their disks, and there is no "
            f"backup of them: {names}. Nothing was done. If there is one on a storage that isn't there now, add that "
            "and name it (restore_from); with skip_lost all else goes back, and they are made anew with empty disks."
        )


def _refuse(saved: Checkpoint, seen: Sequence[Verdict]) -> None:
    if errors := complaints(seen):
        raise RefusedError("\n".join([f"Cannot go back to checkpoint {saved.name}; nothing was done:", *errors]))


def earlier(client: Client, saved: Checkpoint, params: Values) -> dict[str, Json]:
    """The document to go back to: what was there as it was, without what was set anew and what was made since."""
    made = _made(client, saved, params)
    names = [name for name in KINDS if at(saved.document, name) is not None or name in made]
    return placed((KINDS[name], _entries(saved, KINDS[name], made.get(name, []))) for name in names)


def _entries(saved: Checkpoint, kind: Kind, made: Sequence[Values]) -> Json:
    value = at(saved.document, kind.name)
    unset = {str(row["id"]): row["options"] for row in saved.unset if row["kind"] == kind.name}
    if kind.single:
        return {**next(iter(unset.values()), {}), **(value or {})}
    return [*(_as_it_was(kind, entry, unset) for entry in value or ()), *made]


def _as_it_was(kind: Kind, entry: Values, unset: Mapping[str, Values]) -> dict[str, Json]:
    emptied = next((unset[name] for name in names_of(kind, entry) if name in unset), {})
    return {**emptied, **entry}


def _made(client: Client, saved: Checkpoint, params: Values) -> dict[str, list[dict[str, Json]]]:
    """By kind: entries that remove what was made since, as far as it is there and can be removed."""
    wanted: dict[str, set[str]] = {}
    for row in saved.creations:
        kind = KINDS.get(str(row["kind"]))
        if kind and not kind.single and "state" in kind.resource.argument_spec():
            wanted.setdefault(kind.name, set()).add(str(row["id"]))
    if not wanted:
        return {}
    document = work.export(client, {**params, "only": sorted(wanted)})["document"]
    found = {name: list(_removals(KINDS[name], at(document, name) or (), ids)) for name, ids in wanted.items()}
    return {name: entries for name, entries in found.items() if entries}


def _removals(kind: Kind, entries: Sequence[Values], ids: set[str]) -> Iterator[dict[str, Json]]:
    return (kind.removing(entry) for entry in entries if ids & names_of(kind, entry))


def _without_removals(document: Values) -> dict[str, Json]:
    """The same without entries that remove something."""
    values = [(kind, at(document, kind.name)) for kind in KINDS.values() if at(document, kind.name) is not None]
    kept = [(kind, value if kind.single else _present(value)) for kind, value in values]
    return placed((kind, value) for kind, value in kept if value)


def _present(entries: Sequence[Values]) -> list[Values]:
    return [entry for entry in entries if entry.get("state") != "absent"]


def _others(document: Values) -> list[str]:
    """The kinds of a document that are no guests."""
    return [name for name in KINDS if name not in GUEST_KINDS and at(document, name) is not None]


def _told(
    saved: Checkpoint,
    seen: Sequence[Verdict],
    rows: Sequence[Values],
    verdicts: Sequence[Verdict],
    failed: Sequence[str] = (),
) -> dict[str, Json]:
    """The module's result. Raises FindingsError where something failed."""
    planned = steps(seen)
    planned += [text for row in rows if row["action"] not in (NONE, FAILED) for text in row.get("plan", ())]
    errors = [*complaints(verdicts), *failed]
    result: dict[str, Json] = {
        "changed": bool(planned),
        "plan": list(dict.fromkeys(planned)) or [f"all is as it was at checkpoint {saved.name}"],
        "diff": {"before": {"state": "as it is now"}, "after": {"state": f"as at checkpoint {saved.name}"}},
        "warnings": [f"Was not brought back: {text}." for text in saved.lost],
    }
    if errors:
        raise FindingsError("\n".join(errors), result)
    return result


STATES = {"present": take, "restored": restore, "absent": forget}


def work_of(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
    """What the module state_checkpoint does."""
    return STATES[params["state"]](client, params, dry_run)


STATE_CHECKPOINT = Action(
    OPTIONS,
    work_of,
    tuple(sorted({*work.STATE.writes, *SNAPSHOT.writes, *RESTORE.writes})),
    {"required_if": [("state", "restored", ["checkpoint"]), ("state", "absent", ["checkpoint"])]},
)
