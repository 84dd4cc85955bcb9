# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests as entries of a document: options of the modules vm and container from what Proxmox VE has written down. Pure.

An entry declares the guest as it is, and makes one like it where there is none: with its ids, addresses of network
cards and sizes of disks. What is on the disks is no part of it, nor are snapshots. What the modules have no word for is
left out, with a remark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Codec, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.cloudinit import DRIVE as CLOUDINIT_DRIVE
from ansible_collections.homelab.pve.plugins.module_utils.resources.disks import CLOUDINIT, DRIVE_CODEC
from ansible_collections.homelab.pve.plugins.module_utils.resources.disks import KEY as DRIVE_KEY
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Kind as GuestKind
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import Guest
from ansible_collections.homelab.pve.plugins.module_utils.resources.mounts import CODEC as MOUNT_CODEC
from ansible_collections.homelab.pve.plugins.module_utils.resources.mounts import KEY as MOUNT_KEY
from ansible_collections.homelab.pve.plugins.module_utils.resources.mounts import ROOTFS, is_volume
from ansible_collections.homelab.pve.plugins.module_utils.resources.volumes import storage_of
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Remark, secret

PASSING = re.compile(
    r"digest|lock|parent|snaptime|snapstate|vmstate|running\w+|running-nets-host-mtu|meta|vmgenid|template"
)
"""What Proxmox VE keeps for itself in a configuration; the state says whether it is a template."""

UNUSED = re.compile(r"unused\d+")
RAW = "lxc"
"""Where a container's configuration has what stands in its file in LXC's own words, as pairs."""

STATES: Mapping[str, str] = {"running": "started", "stopped": "stopped", "paused": "paused", "suspended": "suspended"}
"""From the power state to the state that is wished."""

FORMATS = re.compile(r"\.(raw|qcow2|vmdk)$")
"""The end of a volume's name on a storage of files: the format it was made in."""

ENUMERATED = frozenset(
    {"boot.order", "cpu.flags", "net.trunks", "features.mount", "rootfs.mountoptions", "mp.mountoptions"}
)
"""Properties that are lists, which a document has as such."""


@dataclass(frozen=True)
class Told:
    """What is to be said of a guest: some option of an entry, or why there is none for it."""

    option: str
    value: Json = None
    member: str = ""
    """Key in the dictionary that the option is: ``net0`` in ``net``."""


@dataclass
class Telling:
    """What a document says of one guest. ``lost``: what it can't say, in words."""

    kind: GuestKind
    document_kind: str
    guest: Guest
    lost: list[str] = field(default_factory=list)

    def entry(self, config: Values) -> Entry:
        """The entry. ``config``: as it is after the next start."""
        options: Entry = {}
        for told in self._options(config):
            if told.member:
                options.setdefault(told.option, {})[told.member] = told.value
            else:
                options[told.option] = told.value
        name_key = self.kind.name_key
        named = {name_key: options.pop(name_key)} if name_key in options else {}
        pool = {"pool": self.guest.pool} if self.guest.pool else {}
        state = wished_state(self.kind, self.guest)
        return {"vmid": self.guest.vmid, **named, "node": self.guest.node, "state": state, **pool, **options}

    def _options(self, config: Values) -> Iterator[Told]:
        """What the configuration says, option by option."""
        if self.kind.type == "lxc" and "unprivileged" not in config:
            # The module makes a new one unprivileged where nothing is said.
            yield Told("unprivileged", value=False)
        for key in sorted(config, key=_natural):
            if not PASSING.fullmatch(key) and config[key] is not None:
                yield from self._option(key, config[key])

    def _option(self, key: str, value: Json) -> Iterator[Told]:
        if UNUSED.fullmatch(key):
            self.lost.append(f"{key} ({value}) is attached to nothing, so it is left out.")
        elif key == RAW:
            names = ", ".join(sorted(str(pair[0]) for pair in value))
            self.lost.append(f"{names}: Proxmox VE sets raw LXC options by no API, so they are left out.")
        elif is_volume_key(self.kind, key):
            yield self._volume(key, str(value))
        elif item := self.kind.config.field_of(key):
            yield from self._setting(item, key, value)
        else:
            self.lost.append(f"the module has no option for {key}, so it is left out.")

    def _setting(self, item: Field, key: str, value: Json) -> Iterator[Told]:
        family = next((family for family in self.kind.config.families if family.owns(key)), None)
        option, member = (family.option, key) if family else (item.name, "")
        if item.kept_back:
            yield Told(option, secret(self.document_kind, str(self.guest.vmid), option))
            return
        said = sayable(item, key, value, self.lost)
        if said not in (None, "", {}, []):
            yield Told(option, said, member)

    def _volume(self, key: str, text: str) -> Told:
        codec, shaped = (DRIVE_CODEC, _drive) if self.kind.type == "qemu" else (MOUNT_CODEC, _mount)
        said = allowed(codec, key, shaped(key, codec.decode(text)), self.lost)
        if needs_size(key, said):
            self.lost.append(f"Proxmox VE doesn't tell the size of {key}: say it, if the guest is to be made anew.")
        if key == ROOTFS:
            return Told(ROOTFS, said)
        return Told("disks" if self.kind.type == "qemu" else "mp", said, key)


def entry(kind: GuestKind, document_kind: str, guest: Guest, config: Values) -> Iterator[Entry | Remark]:
    """The entry for a guest, and remarks about what it lacks. ``config``: as it is after the next start."""
    telling = Telling(kind, document_kind, guest)
    yield telling.entry(config)
    for text in telling.lost:
        yield Remark(f"{document_kind}: {guest.label}: {text}")


def wished_state(kind: GuestKind, guest: Guest) -> str:
    """The state to be wished; ``present`` where it isn't known, or can't be wished."""
    if guest.template:
        return "template"
    wished = STATES.get(guest.status, "present")
    return wished if any(wished == goal for goal, _present in kind.transitions) else "present"


def sayable(item: Field, key: str, value: Json, lost: list[str]) -> Json:
    """A value as the module takes it; what it wouldn't take is left out, with words in ``lost``."""
    try:
        have = item.codec.decode(value)
    except ValueError as error:
        lost.append(f"{key} is left out, {error}.")
        return None
    return allowed(item.codec, key, have, lost, item.spec.get("choices", ()))


def allowed(codec: Codec, key: str, have: Json, lost: list[str], choices: Json = ()) -> Json:
    """As much of a value as the module takes."""
    if choices and have not in choices:
        lost.append(f"{key} is left out, '{have}' is none of {', '.join(map(str, choices))}.")
        return None
    if problem := _problem(codec, have):
        if not isinstance(have, Mapping):
            lost.append(f"{key} is left out, {problem}.")
            return None
        have = dict(_properties(codec, key, have, lost))
    return {name: _enumerated(key, name, item) for name, item in have.items()} if isinstance(have, Mapping) else have


def _properties(codec: Codec, key: str, have: Mapping[str, Json], lost: list[str]) -> Iterator[tuple[str, Json]]:
    """Those parts of a property string that the module takes."""
    for name, item in have.items():
        if problem := _problem(codec, {name: item}):
            lost.append(f"{name} of {key} is left out, {problem}.")
        else:
            yield name, item


def _problem(codec: Codec, value: Json) -> str:
    """Why the module would not take a value, an empty text where it does."""
    try:
        codec.parse(value)
    except ValueError as error:
        return str(error)
    return ""


def _enumerated(key: str, name: str, item: Json) -> Json:
    listed = f"{key.rstrip('0123456789')}.{name}" in ENUMERATED
    return [part for part in str(item).split(";") if part] if listed else item


# ------------------------------------------------------------------------------------------------------------ volumes


def is_volume_key(kind: GuestKind, key: str) -> bool:
    """Whether an option of the configuration is a drive, or a mount point."""
    return bool(DRIVE_KEY.match(key)) if kind.type == "qemu" else key == ROOTFS or bool(MOUNT_KEY.fullmatch(key))


def needs_size(key: str, said: Values) -> bool:
    """Whether a new volume of this kind would need a size that isn't known."""
    fixed = key.startswith(("efidisk", "tpmstate")) or said.get("media") == CLOUDINIT
    return "storage" in said and "size" not in said and not fixed


def _drive(key: str, have: Mapping[str, Json]) -> dict[str, Json]:
    """A VM's drive: the volume's storage in place of its name, where it is the VM's own."""
    file, rest = str(have.get("file", "")), {name: item for name, item in have.items() if name != "file"}
    if have.get("media") == "cdrom":
        rest.pop("size", None)
        if CLOUDINIT_DRIVE.search(file):
            return {**rest, "storage": storage_of(file), "media": CLOUDINIT}
        return {"file": file, **rest}
    if not is_volume(file):  # a device of the node
        rest.pop("size", None)
        return {"file": file, **rest}
    if key.startswith(("efidisk", "tpmstate")):
        rest.pop("size", None)  # it is PVE's to say
    made = FORMATS.search(file)
    return {"storage": storage_of(file), **({"format": made[1]} if made else {}), **rest}


def _mount(_key: str, have: Mapping[str, Json]) -> dict[str, Json]:
    """A container's volume: its storage in place of its name; a directory or device of the node by its path."""
    held, rest = str(have.get("volume", "")), {name: item for name, item in have.items() if name != "volume"}
    if is_volume(held):
        return {"storage": storage_of(held), **rest}
    rest.pop("size", None)
    return {"volume": held, **rest}


def _natural(key: str) -> tuple[str, int]:
    """net2 comes before net10."""
    stem = key.rstrip("0123456789")
    return stem, int(key[len(stem) :] or -1)
