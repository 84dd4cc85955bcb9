# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backup jobs, as data (API schema: ``/cluster/backup``).

Parameters of the schema that are no options: ``starttime`` and ``dow`` are the old form of a schedule, and PVE keeps a
schedule only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, DESCRIPTION, VMIDS, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Plan, Reader, Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.presence import check_guests, check_storages
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
    """PVE's answer, or None. Raises RefusedError for a new guest or storage that is not there: PVE takes any."""
    check_selection(wish, "a backup job")
    have = SECTION.describe(read, wish)
    if wish["state"] == "present":
        there = have or {}
        known = VMIDS.decode(there.get("vmid") or "")
        check_guests(read, [vmid for vmid in VMIDS.parse(wish.get("vmid") or []) if vmid not in known])
        check_storages(read, [name for name in _storages(wish, there) if name])
    return have


def _storages(wish: Values, have: Values) -> Iterable[str]:
    """Storages that are wished and not those the job has."""
    if wish.get("storage") != have.get("storage"):
        yield str(wish.get("storage") or "")


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
