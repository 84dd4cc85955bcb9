# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backup jobs, as data (API schema: ``/cluster/backup``).

Parameters of the schema that are no options: ``starttime`` and ``dow`` are the old form of a schedule, and PVE keeps a
schedule only.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, DESCRIPTION, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    Field,
    Plan,
    Reader,
    Step,
    Values,
    decoded,
    parsed,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.calendar import check_schedule
from ansible_collections.homelab.pve.plugins.module_utils.resources.pool import read_pool
from ansible_collections.homelab.pve.plugins.module_utils.resources.presence import (
    check_guests,
    check_nodes,
    check_storages,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section
from ansible_collections.homelab.pve.plugins.module_utils.resources.vzdump import SELECTION, VZDUMP, check_selection

# Only what is a job's own has a default here: all else that a job leaves unset, a node takes from its vzdump.conf.
FIELDS: tuple[Field, ...] = (
    Field("schedule"),
    Field("enabled", BOOLEAN, default=True),
    Field("repeat_missed", BOOLEAN, wire="repeat-missed", default=False),
    Field("comment", DESCRIPTION),
    *SELECTION,
    *VZDUMP,
)

SECTION = Section(
    kind="backup job",
    keys=("id",),
    collection="/cluster/backup",
    item="/cluster/backup/{}",
    missing=r"No such job '",
    fields=FIELDS,
    key_params={"id": "id"},
    required=("schedule",),
    has_digest=False,
    result=lambda have: {"id": have["id"]},
)

REPLACED: Values = {
    "vmid": {"pool": "", "all": False, "exclude": []},
    "pool": {"vmid": [], "all": False, "exclude": []},
    "all": {"vmid": [], "pool": ""},
}
"""What PVE drops from a job when it gets another selection: said in the plan, too."""

NEEDS_STORAGE = ("notes-template", "protected")
"""Parameters that PVE takes only in a request that names the storage, too (``requires`` in the schema)."""


def describe(read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None. Raises RefusedError for a new guest, pool, node or storage that is not there.

    PVE takes any guest, node and storage.
    """
    check_selection(wish, "a backup job")
    have = SECTION.describe(read, wish)
    if wish["state"] == "present" and BOUND not in wish:
        _check_new(read, parsed(FIELDS, wish), decoded(FIELDS, have or {}))
    return have


def _check_new(read: Reader, wish: Values, have: Values) -> None:
    """What the job doesn't name yet has to be there."""
    new = {name: value for name, value in wish.items() if value and value != have.get(name)}
    check_guests(read, [vmid for vmid in new.get("vmid", ()) if vmid not in have.get("vmid", ())])
    fleecing = (new.get("fleecing") or {}).get("storage")
    check_storages(read, [name for name in (new.get("storage"), fleecing) if name])
    if "pool" in new and read_pool(read, new["pool"]) is None:
        raise RefusedError(f"Pool '{new['pool']}' does not exist. Check the name; the module pool_info lists them.")
    if "node" in new:
        check_nodes(read, [new["node"]], "node")
    if "schedule" in new:
        check_schedule(read, new["schedule"])


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; one selection of guests replaces the other."""
    if wish["state"] == "absent":
        return SECTION.plan(wish, have)
    chosen = next((name for name in REPLACED if wish.get(name)), None)
    if have is None:
        if not chosen and not wish.get("exclude"):
            raise ConfigError(
                f"Option 'vmid', 'pool' or 'all' is needed: {SECTION.kind} {wish['id']} does not exist yet."
            )
        return SECTION.plan(wish, None)
    given = {name: value for name, value in wish.items() if value is not None}
    made = SECTION.plan({**(REPLACED[chosen] if chosen else {}), **given}, have)
    return replace(made, steps=tuple(_with_storage(step, have) for step in made.steps))


def _with_storage(step: Step, have: Values) -> Step:
    if "storage" in step.params or "storage" not in have or not any(name in step.params for name in NEEDS_STORAGE):
        return step
    return replace(step, params={**step.params, "storage": have["storage"]})


def result(have: Json | None) -> dict[str, Json]:
    """The module's return value."""
    return {} if have is None else {"job": SECTION.shown(have)[SECTION.kind]}


BACKUP_JOB = replace(SECTION.resource(), describe=describe, plan=plan, result=result)
