# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``restore`` of a guest in a document: one that isn't there is made of a backup, then brought to its wish.

The configuration in the backup says before what the second part will be, so all of it is one plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from ansible_collections.homelab.pve.plugins.module_utils.codecs import STORAGE_CONTENT, TAGS, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    HOME,
    Options,
    Plan,
    Reader,
    Resource,
    Values,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources import restore
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Kind as GuestKind
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_view import View, identify
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import KINDS, Guest, read_guests
from ansible_collections.homelab.pve.plugins.module_utils.resources.mounts import is_volume

LATEST = "latest"

OPTIONS: Options = {
    "restore": {
        "type": "dict",
        "options": {
            "archive": {"type": "str", "default": LATEST},
            "backup_storage": {"type": "str"},
            "backup_of": {"type": "int"},
            "storage": {"type": "str"},
            "bwlimit": {"type": "int"},
        },
    }
}


@dataclass(frozen=True)
class Restorable(View):
    """A guest that isn't there, and what it is to be restored from."""

    asked: Values = field(default_factory=dict)
    """What the module restore would be told."""

    found: restore.Found = field(default_factory=lambda: restore.Found(0))


def restorable(kind: GuestKind, resource: Resource) -> Resource:
    """The resource of a kind of guest with the option ``restore``."""
    return replace(
        resource,
        options={**resource.options, **OPTIONS},
        describe=partial(describe, kind, resource),
        plan=partial(plan, kind, resource),
    )


def describe(kind: GuestKind, resource: Resource, read: Reader, wish: Values) -> View:
    """The guest, or the backup it is to be made from, whatever else it could be. Raises RefusedError without one."""
    wanted = wish.get("restore")
    made_already = BOUND in wish or wish["state"] == "absent"
    if not wanted or made_already or identify(kind, read, read_guests(read), wish):
        return resource.describe(read, wish) or View()
    asked = _asked(kind, read, wish, wanted)
    found = restore.describe(read, asked)
    _refuse_other_kind(kind, asked, found)
    return Restorable(node=str((found.backup or {})["node"]), asked=asked, found=found)


def _asked(kind: GuestKind, read: Reader, wish: Values, wanted: Values) -> dict[str, Json]:
    """The options of the module restore."""
    if not wish.get("vmid"):
        raise ConfigError(f"Option 'restore': give the vmid that {wish.get(kind.name_key)} is to be restored as.")
    archive = None if wanted["archive"] == LATEST else wanted["archive"]
    return {
        "vmid": wish["vmid"],
        "archive": archive,
        "backup_storage": None if archive else wanted.get("backup_storage") or _only_storage(read),
        "backup_of": None if archive else wanted.get("backup_of"),
        "node": wish.get("node") or wish.get(HOME),
        "storage": wanted.get("storage"),
        "bwlimit": wanted.get("bwlimit"),
        "pool": wish.get("pool"),
        "unprivileged": wish.get("unprivileged") if kind.type == "lxc" else None,
    }


def _only_storage(read: Reader) -> str:
    """The storage that takes backups. Raises ConfigError unless there is one."""
    rows = read.get("/storage") or []
    found = sorted(str(row["storage"]) for row in rows if "backup" in STORAGE_CONTENT.decode(row.get("content") or ""))
    if len(found) != 1:
        raise ConfigError(
            "Option 'restore': give archive, or backup_storage to have the newest backup on it. Storages that take "
            f"backups: {', '.join(found) or 'none'}."
        )
    return found[0]


def _refuse_other_kind(kind: GuestKind, asked: Values, found: restore.Found) -> None:
    backup = found.backup or {}
    if backup["type"] != kind.type:
        raise RefusedError(
            f"Cannot restore {backup['volid']} as {kind.noun} {asked['vmid']}: it is a backup of a "
            f"{KINDS[backup['type']]}. Name another one, or declare it as such."
        )


def plan(kind: GuestKind, resource: Resource, wish: Values, view: View) -> Plan:
    """Restore, then what the wish has otherwise; or what the module would do where the guest is there."""
    if not isinstance(view, Restorable):
        return resource.plan(wish, view)
    made = restore.plan(view.asked, view.found)
    then = resource.plan(wish, _foreseen(kind, wish, view))
    backup = view.found.backup or {}
    return Plan(
        (*made.steps, *then.steps),
        then.changes,
        after={"vmid": wish["vmid"], "node": view.node, "archive": backup["volid"], **then.after},
        # What becomes of the power state is looked at.
        bindings={**then.bindings, "status": None},
        warnings=(*made.warnings, *then.warnings),
    )


def _foreseen(kind: GuestKind, wish: Values, view: Restorable) -> View:
    """The guest as it will be when it has been restored."""
    config = restored_config(kind, view.found.archived or {}, view.asked)
    guest = Guest(
        vmid=int(wish["vmid"]),
        name=str(config.get(kind.name_key) or ""),
        node=str(view.node),
        status="stopped",
        type=kind.type,
        template=False,
        tags=tuple(TAGS.decode(config.get("tags") or "")),
        pool=wish.get("pool"),
    )
    return View(guest, config)


def restored_config(kind: GuestKind, archived: Mapping[str, str], asked: Values) -> dict[str, Json]:
    """The configuration that a restore makes of the one in a backup."""
    lost = restore.left_out(archived)
    kept = {key: value for key, value in archived.items() if not (restore.PASSING.fullmatch(key) or key in lost)}
    placed = {key: _placed(key, value, asked.get("storage")) for key, value in kept.items()}
    told = asked.get("unprivileged")
    return {**placed, **({"unprivileged": told} if kind.type == "lxc" and told is not None else {})}


def _placed(key: str, value: str, storage: Json) -> str:
    """A volume goes where the restore is told."""
    held, _colon, rest = value.partition(":")
    if not storage or not restore.VOLUME.fullmatch(key) or "media=cdrom" in value or not (rest and is_volume(held)):
        return value
    return f"{storage}:{rest}"
