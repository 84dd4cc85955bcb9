# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for the hardware and directories of nodes. Pure (API schema: ``/cluster/mapping/{pci,usb,dir}``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    DESCRIPTION,
    Codec,
    Json,
    Properties,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Options,
    Plan,
    Reader,
    Values,
    parsed,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage_use import listed, users_matching

COLLECTION = "/cluster/mapping/{}"

NEEDED: Mapping[str, tuple[str, ...]] = {"pci": ("node", "path", "id"), "usb": ("node", "id"), "dir": ("node", "path")}
"""What each entry of a type has to say (the format of ``map`` in the API schema)."""

OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "pci": ("subsystem-id", "iommugroup", "description"), "usb": ("path",), "dir": (),
}  # fmt: skip
ONLY_PCI = ("mdev", "live_migration_capable")

ENTRY = Properties(
    kinds={
        "node": "str",
        "path": "str",
        # PVE takes either case, and the devices themselves have lower case.
        "id": "lower",
        "subsystem-id": "lower",
        "iommugroup": "int",
        "description": "str",
    }
)


def _entries(value: Json) -> list[dict[str, Json]]:
    """The user's entries, ordered: their order means nothing."""
    return sorted((ENTRY.parse(item) for item in value), key=ENTRY.encode)


def _read(wire: Json) -> list[dict[str, Json]]:
    return sorted((ENTRY.decode(item) for item in wire), key=ENTRY.encode)


ENTRIES = Codec(
    _entries,
    _read,
    lambda value: [ENTRY.encode(entry) for entry in value],
    ansible_type="list",
    ansible_spec={"elements": "raw"},
)

SECTION = Section(
    kind="hardware_mapping",
    keys=("type", "id"),
    # Both keys are filled in, the first alone names the list.
    collection=COLLECTION,
    item="/cluster/mapping/{}/{}",
    missing=r"mapping '.*' not found",
    fields=(
        Field("map", ENTRIES),
        Field("description", DESCRIPTION),
        Field("mdev", BOOLEAN, default=False),
        Field("live_migration_capable", BOOLEAN, wire="live-migration-capable", default=False),
    ),
    key_params={"id": "id"},
    required=("map",),
    # The schema has it as needed for PUT of a USB mapping, too.
    always=("map",),
    separator=" ",
    options={"type": {"type": "str", "choices": list(NEEDED), "required": True}},
)


USES: Mapping[str, tuple[str, str]] = {
    "pci": ("hostpci", r"(?:^|,)mapping={}(?:,|$)"),
    "usb": ("usb", r"(?:^|,)mapping={}(?:,|$)"),
    "dir": ("virtiofs", r"(?:^|,)(?:dirid=)?{}(?:,|$)"),
}
"""Where a guest's configuration names a mapping: beginning of the keys, and the value."""

USERS = "_users"
"""Key of what was described: the guests that use a mapping that is to go."""


def describe(read: Reader, wish: Values) -> Json | None:
    """PVE's answer, or None; with the guests that use it where it is to go."""
    have = SECTION.describe(read, wish)
    if have is None or wish["state"] == "present":
        return have
    keys, pattern = USES[wish["type"]]
    return {**have, USERS: users_matching(read, pattern.format(re.escape(wish["id"])), keys=keys)}


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; but types differ in what they have, and one that guests use stays."""
    for problem in problems(wish) if wish["state"] == "present" else ():
        raise ConfigError(problem)
    if wish["state"] == "absent" and have and have.get(USERS):
        raise RefusedError(
            f"Cannot remove {SECTION.kind} {wish['type']} {wish['id']}: guests use it: {listed(have[USERS])}. Proxmox "
            "VE would remove it all the same, and they would not start again. Take it from them first."
        )
    return SECTION.plan(wish, have)


def problems(wish: Values) -> Iterator[str]:
    """What PVE would refuse of the options, in words."""
    kind = str(wish["type"])
    for option in ONLY_PCI:
        if wish.get(option) is not None and kind != "pci":
            yield f"Option '{option}' is for type pci only, and this is of type {kind}."
    if wish.get("map") == []:
        yield "Option 'map' can't be empty: set state: absent to remove the mapping."
    for entry in parsed(SECTION.fields, wish).get("map", ()):
        missing = [name for name in NEEDED[kind] if not entry.get(name)]
        surplus = [name for name in entry if name not in (*NEEDED[kind], *OPTIONAL[kind])]
        if missing:
            yield f"Option 'map': the entry '{ENTRY.encode(entry)}' has no {missing[0]}, which type {kind} needs."
        if surplus:
            yield f"Option 'map': the entry '{ENTRY.encode(entry)}' has {surplus[0]}, which type {kind} doesn't know."


HARDWARE_MAPPING = replace(
    SECTION.resource(),
    describe=describe,
    plan=plan,
    writes=tuple(
        f"{verb} /cluster/mapping/{kind}{key}"
        for kind in NEEDED
        for verb, key in (("POST", ""), ("PUT", "/{}"), ("DELETE", "/{}"))
    ),
)

INFO_OPTIONS: Options = {
    "type": {"type": "str", "choices": list(NEEDED)},
    "id": {"type": "str"},
    "check_node": {"type": "str"},
}


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module hardware_mapping_info: a request for each type."""
    params = {"check-node": wish["check_node"]} if wish.get("check_node") else {}
    if wish.get("type"):
        listed = {wish["type"]: read.get(url(COLLECTION, wish["type"]), params)}
    else:
        listed = {kind: _listed(read, kind, params) for kind in sorted(NEEDED)}
    found = [_told(kind, row) for kind, rows in listed.items() for row in rows or ()]
    rows = [row for row in found if wish.get("id") in (None, row["id"])]
    return {"changed": False, "mappings": sorted(rows, key=lambda row: (row["type"], row["id"]))}


def _listed(read: Reader, kind: str, params: Values) -> Json:
    """The mappings of a type; none where Proxmox VE doesn't know the type yet, as the first releases of 8 don't dir."""
    try:
        return read.get(url(COLLECTION, kind), params)
    except PveError as error:
        if not error.not_implemented:
            raise
        return []


def _told(kind: str, row: Values) -> dict[str, Json]:
    """As the module hardware_mapping tells it, with what a check found; PVE calls that errors for USB devices."""
    told = SECTION.shown(row)[SECTION.kind]
    checked = row.get("checks", row.get("errors"))
    return {**told, "type": kind, "id": row["id"], **({} if checked is None else {"checks": checked})}
