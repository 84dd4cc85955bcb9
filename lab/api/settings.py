# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM's configuration: what may be changed, and how it is written and shown. Pure.

After qemu-server: PVE/API2/Qemu.pm (update_vm_api).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from lab.api.fake import FakeVm, die, param_error
from lab.api.volumes import is_disk, volume_of

Config = dict[str, Any]

# Parameters of the request that are no options of the configuration.
REQUEST_ONLY = frozenset(
    {"node", "vmid", "digest", "delete", "revert", "force", "skiplock", "background_delay", "import-working-storage"}
)
ROOT_ONLY = ("args", "lock")
# What PVE leaves of a boot order without devices (../golden flows-09-snapshots).
NO_BOOT_ORDER = " "
CLOUDINIT_OPTIONS = ("ciuser", "cipassword", "citype", "ciupgrade", "sshkeys", "nameserver", "searchdomain", "cicustom")
DRIVE = re.compile(r"(?:ide|sata|scsi|virtio)\d+|efidisk0|tpmstate0")
UNUSED = re.compile(r"unused\d+")
HIDDEN = "**********"
# PVE hashes with SHA-256 (Cloudinit.pm); the salt's alphabet is crypt(3)'s.
CRYPT_PREFIX = "$5$"


def split_tags(text: str) -> str:
    """Tags as PVE stores them: lower case, sorted, once each, joined by ``;``."""
    return ";".join(sorted({tag.lower() for tag in re.split(r"[;, ]+", text) if tag}))


def crypt_password(password: str) -> str:
    """The crypt(3) hash cloud-init gets, or what already is one."""
    if re.match(r"\$(?:1|2[axy]?|5|6|y)\$", password):
        return password
    salt = CRYPT_PREFIX + secrets.token_hex(4) + "$"
    library = ctypes.CDLL(ctypes.util.find_library("crypt") or "libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    hashed: bytes = library.crypt(password.encode(), salt.encode())
    return hashed.decode()


def normal(option: str, value: Any) -> Any:  # noqa: ANN401 - as the schema has it
    """A value as it is written to the configuration."""
    if option == "tags":
        return split_tags(str(value))
    if option == "cipassword":
        return crypt_password(str(value))
    if option == "description":
        return str(value).rstrip("\n")
    return str(value) if option in ("memory", "agent", "cpulimit") else value


def shown(option: str, value: Any) -> Any:  # noqa: ANN401
    """A value as the API shows it: never a password."""
    return HIDDEN if option == "cipassword" else value


def told(updates: Mapping[str, Any]) -> str:
    """Changed options as PVE writes them to a log: never a password."""
    hidden = {"cipassword": "<hidden>"}
    return " ".join(f"-{option} {hidden.get(option, updates[option])}" for option in sorted(updates))


def merged(config: Mapping[str, Any], pending: Mapping[str, Any]) -> Config:
    """The configuration with what waits for the next start; None is a pending removal."""
    return {key: value for key, value in {**config, **pending}.items() if value is not None}


def cloudinit_row(option: str, written: object, now: object) -> dict[str, Any]:
    """A setting of cloud-init: what is on the drive, and what will be; of one that is to go no value is told."""
    if now is None:
        return {"key": option, "delete": 1}
    row = {"key": option} | ({"value": shown(option, written)} if written is not None else {})
    return row if now == written else row | {"pending": shown(option, now)}


def digest(config: Mapping[str, Any], pending: Mapping[str, Any], snapshots: Mapping[str, Any]) -> str:
    """SHA-1 over everything in the configuration file, the pending section and the snapshots included."""
    document = json.dumps([config, pending, snapshots], sort_keys=True)
    return hashlib.sha1(document.encode(), usedforsecurity=False).hexdigest()


def pending_rows(config: Mapping[str, Any], pending: Mapping[str, Any]) -> list[dict[str, Any]]:
    """``/pending``: each option with its value, what waits to replace it, or that it waits to go."""
    return [_row(key, config, pending) for key in sorted({*config, *pending})]


def _row(key: str, config: Mapping[str, Any], pending: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"key": key}
    if key in config:
        row["value"] = shown(key, config[key])
    if key in pending:
        row |= {"delete": 1} if pending[key] is None else {"pending": shown(key, pending[key])}
    return row


def option_list(text: str | None, known: Iterable[str], parameter: str) -> list[str]:
    """The options named by ``delete`` or ``revert``. Raises PVE's error for one that does not exist."""
    names = [name for name in re.split(r"[\s,;]+", text or "") if name]
    patterns = set(known)
    for name in names:
        if name not in patterns and re.sub(r"\d+$", "[n]", name) not in patterns:
            raise param_error(**{parameter: f"unknown option '{name}'"})
    return names


def check_conflicts(updates: Mapping[str, Any], deletes: Iterable[str], reverts: Iterable[str]) -> None:
    """Refuse to set and remove the same option (PVE's own quoting)."""
    for name in deletes:
        if name in updates:
            raise param_error(delete=f"you can't use '-{name}' and -delete {name}' at the same time")
    for name in reverts:
        if name in updates:
            raise param_error(revert=f"you can't use '-{name}' and '-revert {name}' at the same time")


def check_boot_order(boot: str, config: Mapping[str, Any]) -> None:
    """Refuse a boot order that names a device the VM does not have."""
    for device in boot_devices(boot):
        if device not in config:
            raise die(f"invalid bootorder: device '{device}' does not exist'")


def boot_devices(boot: str) -> list[str]:
    """The devices of ``order=...``."""
    found = re.fullmatch(r"order=([^,]*)", boot)
    return [device for device in found[1].split(";") if device] if found else []


def boot_without(boot: str, gone: Iterable[str]) -> str:
    """A boot order without devices that are gone."""
    if not boot.startswith("order="):
        return boot
    left = [device for device in boot_devices(boot) if device not in set(gone)]
    return "order=" + ";".join(left) if left else NO_BOOT_ORDER


def boot_with(boot: str, device: str) -> str:
    """A boot order with a device at its end: PVE makes a new CD-ROM drive bootable."""
    if not boot.startswith("order=") or device in boot_devices(boot):
        return boot
    return "order=" + ";".join([*boot_devices(boot), device])


def apply_pending(guest: FakeVm) -> None:
    """What waits for the next start comes into force; a drive that is to go stays with the VM as ``unused<n>``."""
    gone = [option for option, value in guest.pending.items() if value is None and DRIVE.fullmatch(option)]
    volumes = [volume_of(guest.config[option]) for option in gone if option in guest.config]
    guest.apply_pending()
    for volume in filter(None, volumes):
        if is_disk(volume):
            guest.config[free_unused(guest.config)] = volume


def free_unused(config: Mapping[str, Any]) -> str:
    """The first ``unused<n>`` that is free."""
    number = 0
    while f"unused{number}" in config:
        number += 1
    return f"unused{number}"
