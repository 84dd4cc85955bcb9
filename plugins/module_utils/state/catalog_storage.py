# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of a state document: storages, pools, and the jobs that copy guests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan, Reader, Values, without
from ansible_collections.homelab.pve.plugins.module_utils.resources import backup_job, pool, replication_job, storage
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage_types import TYPES
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Kept, Kind, Remark, secret
from ansible_collections.homelab.pve.plugins.module_utils.state.listers import declared
from ansible_collections.homelab.pve.plugins.module_utils.state.naming import INSTALLED

WITH_PASSWORD = {"cifs": "username", "pbs": "username", "esxi": "username"}
"""Types of storages that log in, and the option without which they do so as guests."""


def storages(read: Reader) -> Iterator[Entry | Remark]:
    """The storages, with a placeholder for the password that Proxmox VE keeps for itself."""
    for row in read.get("/storage") or ():
        name, kind = str(row["storage"]), str(row["type"])
        if kind in TYPES:
            entry = _storage(name, kind, row)
            yield Kept(entry) if name in INSTALLED else entry
        else:
            yield Remark(f"Storage {name} is of type {kind}, which a document can't say, and left out.")


def _storage(name: str, kind: str, row: Values) -> Entry:
    hide = partial(secret, "storage", name)
    taken = TYPES[kind].options
    entry = {"storage": name, **declared([item for item in storage.FIELDS if item.name in taken], row, hide)}
    if row.get(WITH_PASSWORD.get(kind, "")):
        entry["server_password"] = hide("server_password")
    return entry


def pools(read: Reader) -> Iterator[Entry]:
    """The pools with their storages. A guest says itself which pool it is in."""
    for name in sorted(str(row["poolid"]) for row in read.get(pool.POOLS) or ()):
        found = pool.members(pool.read_pool(read, name) or {"poolid": name})
        yield {option: value for option, value in found.items() if value and option != "vms"}


def plan_pool(wish: Values, have: pool.Found) -> Plan:
    """As the module does; but a pool that goes lets go of its storages, which are said nowhere else."""
    if wish["state"] == "present" or have.row is None:
        return pool.plan(wish, have)
    emptied = pool.plan({"poolid": wish["poolid"], "state": "present", "storage": []}, have)
    guests = [member for member in have.row.get("members") or () if member["type"] != "storage"]
    removed = pool.plan(wish, replace(have, row={**have.row, "members": guests}))
    return replace(removed, steps=(*emptied.steps, *removed.steps), before={**removed.before, **emptied.before})


def above(values: Values) -> list[str]:
    """The pool that a pool is in."""
    return [values["poolid"].rpartition("/")[0]] if "/" in values["poolid"] else []


def backups(read: Reader) -> Iterator[Entry]:
    """The backup jobs."""
    for row in read.get(backup_job.SECTION.collection) or ():
        yield {"id": row["id"], **declared(backup_job.FIELDS, row)}


def replications(read: Reader) -> Iterator[Entry | Remark]:
    """The replication jobs, without those that are on their way out."""
    for row in read.get(replication_job.SECTION.collection) or ():
        if row.get("remove_job"):
            yield Remark(f"Replication job {row['id']} is being removed, and left out.")
        else:
            yield {"id": row["id"], **declared(replication_job.FIELDS, row)}


ACTING = "schedule_now"
"""Option that runs a job: a document says what is there, not what is done."""

REPLICATION = replace(
    replication_job.REPLICATION_JOB,
    options=without(replication_job.REPLICATION_JOB.options, ACTING),
    writes=replication_job.SECTION.resource().writes,
)


def row_of_storage(entry: Values) -> Entry:
    """A storage as the list will have it."""
    said = {name: value for name, value in entry.items() if value is not None}
    return {**said, "content": ",".join(entry.get("content") or ()), "nodes": ",".join(entry.get("nodes") or ())}


GUESTS = ("vms", "containers")

ROWS: tuple[Kind, ...] = (
    Kind(
        "storage",
        storage.STORAGE,
        ("storage",),
        storages,
        appears=lambda entry: [("/storage", row_of_storage(entry))],
        vanishes=lambda entry: [("/storage", {"storage": entry["storage"]})],
        audit=("Datastore.Audit", "/storage"),
    ),
    Kind(
        "pools",
        replace(pool.POOL, plan=plan_pool),
        ("poolid",),
        pools,
        after=("storage",),
        needs=above,
        audit=("Pool.Audit", "/pool"),
    ),
    Kind("backups", backup_job.BACKUP_JOB, ("id",), backups, after=("storage", "pools", *GUESTS)),
    Kind("replication", REPLICATION, ("id",), replications, after=GUESTS),
)
