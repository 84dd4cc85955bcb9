# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing a VM's cloud-init drive up to date (PVE/API2/Qemu.pm, cloudinit_pending and cloudinit_update).

Proxmox VE writes the drive when a VM starts, and notes what has changed since. It tells of the settings of cloud-init
itself, of addresses that are new or gone, and not of those, nor of a name or cards, that have become others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    HIDDEN,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.disks import KEY
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_power import ADVICE
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import (
    GUEST_OPTIONS,
    GUEST_RULES,
    Guest,
    followed,
    meant,
)

OPTIONS: Options = {**GUEST_OPTIONS, "force": {"type": "bool", "default": False}}

DRIVE = re.compile(r"[:/](?:vm-\d+-)?cloudinit(?:\.(?:raw|qcow2?|qed|vmdk|cloop))?$")
"""The volume of a drive that cloud-init's settings are written to (PVE::QemuServer::Drive, drive_is_cloudinit)."""

SECRET = "cipassword"  # noqa: S105  the option
ENCODED = "sshkeys"


@dataclass(frozen=True)
class Found:
    """The VM, and what waits to be written to its drive: ``key``, ``before`` and ``after``."""

    guest: Guest
    waiting: tuple[Values, ...]


def describe(read: Reader, wish: Values) -> Found:
    """The VM and what waits, or waited before it was written. Raises RefusedError where there is no drive for it."""
    if BOUND in wish:
        return Found(wish[BOUND]["guest"], wish[BOUND]["waited"])
    return followed(lambda: _found(read, wish))


def _found(read: Reader, wish: Values) -> Found:
    guest = meant(read, wish)
    if guest.type != "qemu":
        raise RefusedError(
            f"{guest.label} is no VM: only VMs have a cloud-init drive. The module container sets up containers."
        )
    rows = read.get(guest.path("cloudinit")) or []
    waiting = waits(rows)
    # Where nothing is to be written, a VM that has settings is spared the second look.
    if (waiting or wish["force"] or not rows) and not has_drive(read.get(guest.path("config"))):
        raise RefusedError(
            f"{guest.label} has no cloud-init drive, so its settings reach nobody. Give it one, with the module vm and "
            "disks: {ide2: 'local-lvm:cloudinit'}, say."
        )
    return Found(guest, waiting)


def waits(rows: Sequence[Values]) -> tuple[Values, ...]:
    """What waits among the settings, by name."""
    found = sorted((row for row in rows if "pending" in row or row.get("delete")), key=lambda row: str(row["key"]))
    return tuple(
        {
            "key": row["key"],
            "before": _shown(row["key"], row.get("value")),
            "after": _shown(row["key"], row.get("pending")),
        }
        for row in found
    )


def _shown(key: Json, value: Json) -> str | None:
    """A value for people. Proxmox VE tells keys URL-encoded, and of a setting that goes not what it was."""
    if value is None:
        return None
    return HIDDEN if key == SECRET else unquote(str(value)) if key == ENCODED else str(value)


def has_drive(config: Mapping[str, Json]) -> bool:
    """Whether one of a VM's drives is for cloud-init."""
    return any(KEY.match(key) and DRIVE.search(str(value).partition(",")[0]) for key, value in config.items())


def plan(wish: Values, have: Found) -> Plan:
    """Write the drive, if something waits."""
    guest = have.guest
    if not (have.waiting or wish["force"]):
        return Plan(reason=f"the cloud-init drive of {guest.label} is up to date, as far as Proxmox VE tells")
    step = Step("PUT", guest.path("cloudinit"), {}, f"write the cloud-init drive of {guest.label}", advice=ADVICE)
    before = {row["key"]: row["before"] for row in have.waiting}
    after = {row["key"]: row["after"] for row in have.waiting}
    return Plan((step,), before=before, after=after, bindings={"guest": guest, "waited": have.waiting})


def result(have: Found) -> dict[str, Json]:
    """The module's return value."""
    guest = have.guest
    return {"waited": [dict(row) for row in have.waiting], "vmid": guest.vmid, "name": guest.name, "node": guest.node}


CLOUDINIT = Resource(
    kind="cloud-init drive",
    options=OPTIONS,
    rules=GUEST_RULES,
    describe=describe,
    plan=plan,
    result=result,
    writes=("PUT /nodes/{}/qemu/{}/cloudinit",),
)
