# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching a directory's users and groups: now, or by schedule. Pure (API schema: ``/access/domains/{realm}/sync``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    DESCRIPTION,
    Codec,
    Json,
    set_of,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    parsed,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

SYNC = "/access/domains/{}/sync"
JOB = "/cluster/jobs/realm-sync/{}"
SYNCED = ("ad", "ldap")
"""Types of realms that have users to fetch (PVE::API2::Domains, sync)."""

THINGS = set_of(";")
VANISHED: Codec = replace(
    THINGS,
    decode=lambda wire: [item for item in THINGS.decode(wire) if item != "none"],
    encode=lambda value: THINGS.encode(value) or "none",
    ansible_spec={"elements": "str", "choices": ["acl", "entry", "properties"]},
)
"""What is removed with whom the directory no longer has; PVE says none where we have an empty list."""

# PVE's full and purge are left out: remove-vanished replaced them.
FIELDS: tuple[Field, ...] = (
    Field("scope", spec={"choices": ["users", "groups", "both"]}),
    Field("remove_vanished", VANISHED, wire="remove-vanished"),
    Field("enable_new", BOOLEAN, wire="enable-new", default=True),
)

SECTION = Section(
    kind="realm_sync_job",
    keys=("id",),
    collection=JOB,
    item=JOB,
    missing=r"No such job '",
    fields=(
        Field("realm", create_only=True),
        Field("schedule"),
        *FIELDS,
        Field("enabled", BOOLEAN, default=True),
        Field("comment", DESCRIPTION),
    ),
    # The schema has scope as optional, and PVE::Jobs::RealmSync wants it all the same.
    required=("realm", "schedule", "scope"),
    has_digest=False,
    # PVE refuses a change that only removes something (PVE::API2::Jobs::RealmSync, update_job).
    always=("schedule",),
)


def describe_job(read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None. Raises RefusedError for a new job of a realm that can't be synchronized."""
    have = SECTION.describe(read, wish)
    if have is None and wish["state"] == "present" and wish.get("realm"):
        check_realm(read, str(wish["realm"]))
    return have


REALM_SYNC_JOB = replace(SECTION.resource(), describe=describe_job)


def check_realm(read: Reader, realm: str) -> None:
    """Raise RefusedError for a realm that is not there, or has no users to fetch. Everybody may see that."""
    types = {str(row["realm"]): str(row["type"]) for row in read.get("/access/domains")}
    if realm not in types:
        raise RefusedError(
            f"There is no realm '{realm}'. Check the name, or make it first (homelab.pve.realm); realms are "
            f"{', '.join(sorted(types))}."
        )
    if types[realm] not in SYNCED:
        raise RefusedError(
            f"Cannot synchronize realm {realm}: it is of type {types[realm]}, and only realms of type ldap and ad have "
            "users to fetch."
        )


OPTIONS: Options = {
    "realm": {"type": "str", "required": True},
    "dry_run": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 600},
}

NO_SCOPE: Values = {
    r"not defined in realm default sync options": "Set scope, or sync_defaults_options of the realm with a scope."
}


def describe(read: Reader, wish: Values) -> Json:
    """Nothing to compare with: only whether it can be done."""
    check_realm(read, str(wish["realm"]))
    return {}


def plan(wish: Values, _seen: Json) -> Plan:
    """One task, each time."""
    realm, dry = wish["realm"], bool(wish["dry_run"])
    given = parsed(FIELDS, wish)
    params = {item.key: item.codec.encode(given[item.name]) for item in FIELDS if item.name in given}
    reason = f"try to synchronize realm {realm}" if dry else f"synchronize realm {realm}"
    step = Step(
        "POST",
        url(SYNC, realm),
        {**params, **({"dry-run": 1} if dry else {})},
        reason,
        follow=_log,
        once=True,
        advice=NO_SCOPE,
    )
    # What it finds can't be foretold; a trial changes nothing.
    return Plan((step,), extra={"changed": False} if dry else {}, after={} if dry else {"realm": realm})


def _log(read: Reader, upid: Json, _timeout: float) -> dict[str, Json]:
    """The task with all lines of its log; its node is the second word of its id."""
    lines = read.get(url("/nodes/{}/tasks/{}/log", str(upid).split(":")[1], upid), {"limit": 0})
    return {"upid": upid, "log": [str(line["t"]) for line in lines if line.get("t")]}


def told(wish: Values, answers: Sequence[Json]) -> dict[str, Json]:
    """The task, and what it says of users and groups."""
    done = dict(answers[-1]) if answers else {}
    return {**done, **({"changed": False} if wish["dry_run"] else {})}


REALM_SYNC = Resource(
    kind="realm_sync",
    options=OPTIONS,
    fields=FIELDS,
    describe=describe,
    plan=plan,
    result=lambda _seen: {},
    told=told,
    writes=("POST /access/domains/{}/sync",),
)

INFO_OPTIONS: Options = {"id": {"type": "str"}, "realm": {"type": "str"}}
RUNS = {"last_run": "last-run", "next_run": "next-run"}


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module realm_sync_job_info."""
    rows = [_job(row) for row in read.get("/cluster/jobs/realm-sync")]
    found = [row for row in rows if all(wish.get(name) in (None, row.get(name)) for name in INFO_OPTIONS)]
    return {"changed": False, "jobs": sorted(found, key=lambda row: str(row["id"]))}


def _job(row: Values) -> dict[str, Json]:
    runs = {ours: int(row[name]) for ours, name in RUNS.items() if row.get(name)}
    return {**SECTION.shown(row)[SECTION.kind], **runs, "id": row["id"]}
