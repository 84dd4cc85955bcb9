# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backup jobs, as data (API schema: ``/cluster/backup``).

Parameters of the schema that are no options: ``starttime`` and ``dow`` are the old form of a schedule, and PVE keeps a
schedule only; ``maxfiles`` is the old form of ``prune-backups``; ``stop`` ends the backups that are running instead of
making one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    DESCRIPTION,
    INTEGER,
    VMIDS,
    Codec,
    Json,
    Properties,
    set_of,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Plan, Reader, Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.presence import check_guests, check_storages
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage import PRUNE

FLEECING = Properties(default_key="enabled", kinds={"enabled": "bool", "storage": "str"})
PERFORMANCE = Properties(
    kinds={"max-workers": "int", "pbs-entries-max": "int"},
    limits={"max-workers": (1, 256), "pbs-entries-max": (1, None)},
)


def _paths(value: Json) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value]


PATHS = Codec(_paths, _paths, list, ansible_type="list", ansible_spec={"elements": "str"})
COUNT = within(INTEGER, 0)
CHANGE_DETECTION = ["legacy", "data", "metadata"]
NOTIFICATION = ["auto", "legacy-sendmail", "notification-system"]

# Only what is a job's own has a default here: all else that a job leaves unset, a node takes from its vzdump.conf.
FIELDS: tuple[Field, ...] = (
    Field("schedule"),
    Field("enabled", BOOLEAN, default=True),
    Field("repeat_missed", BOOLEAN, wire="repeat-missed", default=False),
    Field("comment", DESCRIPTION),
    # which guests
    Field("vmid", VMIDS),
    Field("pool"),
    Field("all", BOOLEAN, default=False),
    Field("exclude", VMIDS),
    Field("node"),
    # what of them, and how
    Field("mode", spec={"choices": ["snapshot", "suspend", "stop"]}),
    Field("compress", spec={"choices": ["0", "1", "gzip", "lzo", "zstd"]}),
    Field("exclude_path", PATHS, wire="exclude-path"),
    Field("stdexcludes", BOOLEAN),
    Field("bwlimit", COUNT),
    Field("ionice", within(INTEGER, 0, 8)),
    Field("lockwait", COUNT),
    Field("stopwait", COUNT),
    Field("pigz", INTEGER),
    Field("zstd", INTEGER),
    Field("performance", PERFORMANCE.codec()),
    Field("fleecing", FLEECING.codec()),
    Field("pbs_change_detection_mode", wire="pbs-change-detection-mode", spec={"choices": CHANGE_DETECTION}),
    Field("script"),
    Field("tmpdir"),
    # where to, and what is kept
    Field("storage"),
    Field("dumpdir"),
    Field("prune_backups", PRUNE.codec(), wire="prune-backups"),
    Field("remove", BOOLEAN),
    Field("protected", BOOLEAN),
    Field("notes_template", wire="notes-template"),
    # who is told
    Field("notification_mode", wire="notification-mode", spec={"choices": NOTIFICATION}),
    Field("mailto", set_of(",")),
    Field("mailnotification", spec={"choices": ["always", "failure"]}),
    Field("quiet", BOOLEAN),
)  # fmt: skip

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

EXCLUSIVE = (("vmid", "pool"), ("vmid", "all"), ("vmid", "exclude"), ("pool", "all"), ("pool", "exclude"))
"""Selections of guests that don't go together (PVE/VZDump.pm, verify_vzdump_parameters; PVE/API2/Backup.pm)."""

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
    check_selection(wish)
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


def check_selection(wish: Values) -> None:
    """Raise ConfigError for guests chosen in two ways at once."""
    for one, other in EXCLUSIVE:
        if wish.get(one) and wish.get(other):
            raise ConfigError(
                f"Options '{one}' and '{other}' do not go together: a backup job is about guests by vmid, those of a "
                "pool, or all but those of exclude."
            )


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
