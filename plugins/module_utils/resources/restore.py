# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest made from a backup, which to Proxmox VE is a way of creating it (PVE/API2/Qemu.pm, PVE/API2/LXC.pm).

Restoring over a guest removes its disks first, so all that can be known before is looked at before: that the backup is
there and of the guest's type, that the configuration in it can be read, and that the guest is stopped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, INTEGER, Json, truth, within
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    Field,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    diff,
    encoded,
    parsed,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.backups import (
    NAMED_KIND,
    Place,
    place_of,
    read_backups,
    read_config,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_power import power_step
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import (
    HIGHEST_VMID,
    KINDS,
    LOWEST_VMID,
    Guest,
    hidden,
    is_taken,
    read_guests,
)

FIELDS: tuple[Field, ...] = (
    Field("storage"),
    Field("pool"),
    Field("unique", BOOLEAN),
    Field("bwlimit", within(INTEGER, 0)),
    Field("ha_managed", BOOLEAN, wire="ha-managed"),
    Field("live_restore", BOOLEAN, wire="live-restore"),
    Field("ignore_unpack_errors", BOOLEAN, wire="ignore-unpack-errors"),
    Field("unprivileged", BOOLEAN),
)
"""What Proxmox VE is told about a restore, when it is set."""

OF_ONE_KIND = {"live_restore": "qemu", "ignore_unpack_errors": "lxc", "unprivileged": "lxc"}
"""Options that mean something for one type of guest only."""

OPTIONS: Options = {
    "vmid": {"type": "int", "required": True},
    "archive": {"type": "str"},
    "backup_storage": {"type": "str"},
    "backup_of": {"type": "int"},
    "node": {"type": "str"},
    "force": {"type": "bool", "default": False},
    "stop": {"type": "bool", "default": False},
    "start": {"type": "bool", "default": False},
    "verify": {"type": "bool", "default": True},
    "wait_timeout": {"type": "float", "default": 14400},
}

VMID = Field("vmid", within(INTEGER, LOWEST_VMID, HIGHEST_VMID))
SOURCES = {"qemu": "archive", "lxc": "ostemplate"}
"""PVE's name of the backup in the request."""

ADVICE: Values = {
    "live-restore is only": "Leave live_restore out: it takes a backup on a Proxmox Backup Server.",
    r"SDN\.Use\) \(UPID": "Grant SDN.Use on the bridge to the user, and to the token if it has privilege separation.",
    r"Permission check failed\. ": "It takes VM.Allocate on the guest's path (/vms/VMID), or on that of the pool.",
    "state is NOT cleaned up|unable to restore|unable to create": (
        "If something is left of the guest, remove it (module vm or container, state: absent) before the next try."
    ),
    "linked clones|base volume .* still in use": "Remove the clones of the template first, or use another vmid.",
}

PASSING = re.compile(
    r"digest|lock|parent|snaptime|snapstate|vmstate|running\w+|unused\d+|meta|template|vmgenid|lxc[.].*"
)
"""Options that a restore leaves out or makes anew (PVE/QemuServer.pm, PVE/LXC/Create.pm)."""

UNIQUE = "smbios1"
"""The option that a unique restore makes anew, besides the addresses of network cards."""

VOLUME = re.compile(r"(?:ide|sata|scsi|virtio|efidisk|tpmstate|mp)\d+|rootfs")
MAC = re.compile(r"(?i)(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
NOT_SHOWN = frozenset({"digest", "cipassword"})


@dataclass(frozen=True)
class Found:
    """A guest, its configuration and status, and the backup it is to be made from, or was."""

    vmid: int
    guest: Guest | None = None
    config: Values = field(default_factory=dict)
    status: str = ""
    backup: Values | None = None
    archived: Mapping[str, str] | None = None
    """The configuration in the backup; read unless ``verify`` is off."""

    differences: tuple[Values, ...] = ()
    """What the restored guest's configuration has otherwise."""


def describe(read: Reader, wish: Values) -> Found:
    """The guest, and the backup if it is to be restored. Raises RefusedError where it can't be."""
    vmid = int(parsed((VMID,), wish)["vmid"])
    if BOUND in wish:
        return _restored(read, wish, wish[BOUND])
    guest = _existing(read, vmid)
    if guest and not wish.get("force"):
        return Found(vmid, guest, _whole(guest, read.get(guest.path("config"))))
    node, backup = _backup(read, wish, guest)
    archived = _archived(read, backup) if wish.get("verify", True) else None
    if guest is None:
        return Found(vmid, backup={**backup, "node": node}, archived=archived)
    status = str(read.get(guest.path("status", "current"))["status"])
    return Found(vmid, guest, read.get(guest.path("config")), status, backup, archived)


def _existing(read: Reader, vmid: int) -> Guest | None:
    found = next((item for item in read_guests(read) if item.vmid == vmid), None)
    if found is None and is_taken(read, vmid):
        raise hidden(vmid)
    return found


def _whole(guest: Guest, config: Values) -> Values:
    """The guest's configuration. A restore that failed leaves a guest that has none, or is locked."""
    if guest.lock == "create" or not set(config) - NOT_SHOWN:
        raise RefusedError(
            f"{guest.label} on {guest.node} is there, but half-made: an earlier restore has failed, or is still at "
            f"work. Wait for it, or remove the guest (module {KINDS[guest.type]}, state: absent)."
        )
    return config


def _backup(read: Reader, wish: Values, guest: Guest | None) -> tuple[str, Values]:
    """The node to restore on, and the backup."""
    archive = str(wish.get("archive") or "")
    storage = str(wish.get("backup_storage") or archive.partition(":")[0])
    if guest and wish.get("node") not in (None, guest.node):
        raise RefusedError(
            f"Cannot restore over {guest.label} on node {wish['node']}: it is on {guest.node}. Leave node out, or move "
            "the guest first."
        )
    node = wish.get("node") or (guest.node if guest else None)
    if archive.startswith("/"):
        return _file(archive, node)
    if not storage or (archive and ":" not in archive):
        raise ConfigError(f"Option 'archive': '{archive}' is not the id of a backup such as local:backup/vzdump-...")
    place = place_of(read, storage, node, "to say where the guest is restored")
    return place.node, _chosen(read, wish, place, archive)


def _file(archive: str, node: str | None) -> tuple[str, Values]:
    """A file on the node, which Proxmox VE lets root@pam restore and nobody list."""
    kind = NAMED_KIND.search(archive)
    if kind is None or node is None:
        raise ConfigError(
            f"Option 'archive': for the file {archive} give the node, and a name as vzdump gives it "
            "(vzdump-qemu-... or vzdump-lxc-...)."
        )
    return node, {"volid": archive, "node": node, "type": kind[1], "vmid": None}


def _chosen(read: Reader, wish: Values, place: Place, archive: str) -> Values:
    of = None if archive else int(wish.get("backup_of") or wish["vmid"])
    rows = read_backups(read, place, of)
    found = next((row for row in rows if archive in ("", row["volid"])), None)
    if found is None:
        what = f"'{archive}'" if archive else f"of the guest with vmid {of} on storage '{place.storage}'"
        raise RefusedError(
            f"There is no backup {what} that node {place.node} has and the login may see, which takes VM.Backup on the "
            "guest. The module backup_info lists the backups."
        )
    if found["type"] is None:
        raise RefusedError(f"Cannot restore {found['volid']}: its name does not say whether it is a VM's.")
    return found


def _archived(read: Reader, backup: Values) -> dict[str, str]:
    try:
        config = read_config(read, backup)
    except PveError as error:
        raise RefusedError(f"Cannot restore {backup['volid']}: its configuration can't be read. {error}") from error
    if not config:
        raise RefusedError(f"Cannot restore {backup['volid']}: there is no configuration in it.")
    return config


def plan(wish: Values, have: Found) -> Plan:
    """Restore, or nothing where the guest is there."""
    guest, backup = have.guest, have.backup
    if backup is None:
        name = guest.label if guest else wish["vmid"]
        return Plan(reason=f"{name} is there already (without force it is left alone)")
    _check(wish, have, backup)
    node, label = (guest.node if guest else backup["node"]), f"{KINDS[backup['type']]} {wish['vmid']}"
    path = url("/nodes/{}/{}/{}", node, backup["type"], wish["vmid"])
    managed = bool(guest and guest.managed)
    runs = bool(guest) and have.status != "stopped"
    steps = (
        *((power_step(path, "stop", label, managed=managed),) if runs else ()),
        _step(wish, have, backup, node),
        *((power_step(path, "start", label, managed=managed),) if _starts(wish) else ()),
    )
    before = {"config": _shown(have.config)} if guest else {}
    return Plan(
        steps,
        before=before,
        after={"archive": backup["volid"], **({"config": dict(have.archived)} if have.archived else {})},
        bindings={"node": node, "backup": backup, "archived": have.archived},
    )


def _starts(wish: Values) -> bool:
    """Whether it is to be started; a live restore does that itself."""
    return bool(wish.get("start")) and not wish.get("live_restore")


def _shown(config: Values) -> dict[str, Json]:
    return {name: value for name, value in config.items() if name not in NOT_SHOWN}


def _check(wish: Values, have: Found, backup: Values) -> None:
    """Raise RefusedError or ConfigError before anything is destroyed."""
    kind, guest = backup["type"], have.guest
    for option, only in OF_ONE_KIND.items():
        if wish.get(option) is not None and only != kind:
            raise ConfigError(f"Option '{option}' is for a {KINDS[only]}, and {backup['volid']} is a {KINDS[kind]}'s.")
    if guest is None:
        return
    what = f"Cannot restore {backup['volid']} over {guest.label}"
    if guest.type != kind:
        raise RefusedError(f"{what}: it is a backup of a {KINDS[kind]}. Use another vmid.")
    if truth(have.config.get("protection") or 0):
        raise RefusedError(f"{what}: it is protected. Take that off (protection: false) first, or use another vmid.")
    if have.status != "stopped" and not wish.get("stop"):
        raise RefusedError(
            f"{what}: it is {have.status}, and its disks would be destroyed. Shut it down first, or set stop to true."
        )


def _step(wish: Values, have: Found, backup: Values, node: str) -> Step:
    params = {
        "vmid": wish["vmid"],
        SOURCES[backup["type"]]: backup["volid"],
        **({"restore": True} if backup["type"] == "lxc" else {}),
        **encoded(diff(FIELDS, parsed(FIELDS, wish), {})),
        **({"force": True} if have.guest else {}),
    }
    over = f" over {have.guest.label}" if have.guest else f" as {KINDS[backup['type']]} {wish['vmid']}"
    reason = f"restore {backup['volid']}{over} on {node}"
    return Step("POST", url("/nodes/{}/{}", node, backup["type"]), params, reason, once=True, advice=ADVICE)


def _restored(read: Reader, wish: Values, bound: Values) -> Found:
    """The guest that was just made. The cluster's list may not have it yet, so it is looked for where it was made."""
    backup, node = bound["backup"], bound["node"]
    config = read.get(url("/nodes/{}/{}/{}/config", node, backup["type"], wish["vmid"]))
    archived = bound["archived"]
    found = differences(archived, config, wish) if archived else ()
    return Found(
        int(wish["vmid"]), config=config, backup={**backup, "node": node}, archived=archived, differences=found
    )


def differences(archived: Mapping[str, str], config: Values, wish: Values) -> tuple[Values, ...]:
    """Options that the restored guest has otherwise than the backup, where neither the wish nor PVE's ways say so."""
    unique = bool(wish.get("unique"))
    lost = left_out(archived)
    rows = (
        {"option": name, "archived": value, "restored": _text(config.get(name))}
        for name, value in sorted(archived.items())
        if not PASSING.fullmatch(name) and name not in lost and not (unique and name == UNIQUE)
        if wish.get(name) is None
    )
    return tuple(row for row in rows if not _same(row, unique=unique))


def left_out(archived: Mapping[str, str]) -> set[str]:
    """A VM's disks that are in no backup; a restore turns them into comments, and so into its description."""
    disks = {name for name, value in archived.items() if VOLUME.fullmatch(name) and "backup=0" in value.split(",")}
    return disks | ({"description"} if disks else set())


def _text(value: Json) -> str | None:
    return None if value is None else str(value).rstrip("\n")


def _same(row: Values, *, unique: bool) -> bool:
    archived, restored = row["archived"], row["restored"]
    if VOLUME.fullmatch(row["option"]):
        return restored is not None
    if unique and row["option"].startswith("net"):
        return _without_mac(archived) == _without_mac(restored or "")
    return bool(archived.rstrip("\n") == restored)


def _without_mac(card: str) -> list[str]:
    """The parts of a network card; it is written anew, so their order may change."""
    return sorted(MAC.sub("", card).split(","))


def result(have: Found) -> dict[str, Json]:
    """The module's return value."""
    guest, backup = have.guest, have.backup or {}
    return {
        "vmid": have.vmid,
        "node": guest.node if guest else backup.get("node"),
        "type": guest.type if guest else backup.get("type"),
        "name": have.config.get("name") or have.config.get("hostname"),
        "archive": backup.get("volid"),
        "differences": [dict(row) for row in have.differences],
        "warnings": [
            f"Option {row['option']} of the restored guest is {row['restored']}; in the backup it is {row['archived']}."
            for row in have.differences
        ],
    }


RESTORE = Resource(
    kind="guest",
    options=OPTIONS,
    fields=FIELDS,
    describe=describe,
    plan=plan,
    result=result,
    rules={
        "required_one_of": [("archive", "backup_storage")],
        "mutually_exclusive": [("archive", "backup_storage"), ("archive", "backup_of")],
    },
    writes=(
        "POST /nodes/{}/qemu",
        "POST /nodes/{}/lxc",
        *(f"POST /nodes/{{}}/{kind}/{{}}/status/{action}" for kind in KINDS for action in ("start", "stop")),
    ),
)
