# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values of an entry are names of other things: a table, read by ``references.py``. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import HOME, Values
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Place

EACH = "*"
"""In a place: every key of a dictionary, every element of a list."""

STORAGE, NODE, GUEST, POOL, BRIDGE = "storage", "node", "guest", "pool", "bridge"
USER, GROUP, ROLE, REALM, TOKEN = "user", "group", "role", "realm", "token"
ZONE, VNET, CONTROLLER, IPAM, DNS, FABRIC = "zone", "vnet", "controller", "IPAM", "DNS", "fabric"
PCI, USB, DIR = "PCI mapping", "USB mapping", "directory mapping"
ENDPOINT, ACCOUNT, PLUGIN, SECURITY_GROUP, HA_GROUP = (
    "notification target", "ACME account", "ACME plugin", "security group", "HA group",
)  # fmt: skip

INSTALLED = ("local", "local-lvm", "local-zfs", "local-btrfs")
"""The storages that the installer makes: they are never pruned."""


@dataclass(frozen=True)
class Naming:
    """A place of an entry where something is named. ``pattern``: where the name is in the value, as group 1."""

    place: tuple[str, ...]
    what: str
    pattern: str = ""


@dataclass(frozen=True)
class Named:
    """A name in an entry: where it stands, and of what kind of thing it is one."""

    place: Place
    what: str
    name: str


VOLUME = r"(?:^|,)(?:file=|volume=|import-from=)?([A-Za-z][\w.-]*):(?!//)"
"""A volume, or a drive written as PVE writes it: the storage before the colon."""

PLACED = r"^([A-Za-z][\w.-]*):"
"""A volume id: the storage before the colon."""

NUMBER = r"^(\d+)$"
SID = r"^(?:(?:vm|ct):)?(\d+)$"
FIRST = r"^([^:]+)"
"""A node with a priority."""


def _property(name: str) -> str:
    return rf"(?:^|,){name}=([^,]+)"


_GUEST = (
    Naming(("pool",), POOL),
    Naming(("node",), NODE),
    Naming((HOME,), NODE),
    Naming(("storage",), STORAGE),
    Naming(("target_storage",), STORAGE),
    Naming(("clone",), GUEST, NUMBER),
    Naming(("hookscript",), STORAGE, PLACED),
    Naming(("restore", "storage"), STORAGE),
    Naming(("restore", "backup_storage"), STORAGE),
    Naming(("net", EACH, "bridge"), BRIDGE),
    Naming(("net", EACH), BRIDGE, _property("bridge")),
)
_HA = (Naming(("nodes", EACH), NODE, FIRST), Naming(("resources", EACH), GUEST, SID))
_FIREWALL = (Naming(("node",), NODE), Naming(("vmid",), GUEST), Naming(("vnet",), VNET))

NAMINGS: Mapping[str, tuple[Naming, ...]] = {
    "vms": (
        *_GUEST,
        Naming(("disks", EACH, "storage"), STORAGE),
        *(Naming(("disks", EACH, option), STORAGE, PLACED) for option in ("file", "import_from", "import-from")),
        Naming(("disks", EACH), STORAGE, VOLUME),
        Naming(("disks", EACH), STORAGE, _property("storage")),
        Naming(("vmstatestorage",), STORAGE),
        Naming(("hostpci", EACH, "mapping"), PCI),
        Naming(("hostpci", EACH), PCI, _property("mapping")),
        Naming(("usb", EACH, "mapping"), USB),
        Naming(("usb", EACH), USB, _property("mapping")),
        Naming(("virtiofs", EACH, "dirid"), DIR),
    ),
    "containers": (
        *_GUEST,
        Naming(("template_storage",), STORAGE),
        Naming(("ostemplate",), STORAGE, PLACED),
        Naming(("rootfs", "storage"), STORAGE),
        Naming(("rootfs",), STORAGE, VOLUME),
        Naming(("mp", EACH, "storage"), STORAGE),
        Naming(("mp", EACH, "volume"), STORAGE, PLACED),
        Naming(("mp", EACH), STORAGE, VOLUME),
    ),
    "storage": (Naming(("nodes", EACH), NODE), Naming(("base",), STORAGE, PLACED)),
    "pools": (Naming(("vms", EACH), GUEST), Naming(("storage", EACH), STORAGE)),
    "backups": (
        Naming(("vmid", EACH), GUEST),
        Naming(("pool",), POOL),
        Naming(("storage",), STORAGE),
        Naming(("node",), NODE),
        Naming(("fleecing", "storage"), STORAGE),
    ),
    "replication": (Naming(("id",), GUEST, r"^(\d+)-\d+$"), Naming(("target",), NODE)),
    "users": (Naming(("groups", EACH), GROUP), Naming(("userid",), REALM, r"@([^@]+)$")),
    "tokens": (Naming(("userid",), USER),),
    "acl": (
        Naming(("users", EACH), USER),
        Naming(("groups", EACH), GROUP),
        Naming(("roles", EACH), ROLE),
        Naming(("tokens", EACH), USER, r"^([^!]+)!"),
    ),
    "realm_sync": (Naming(("realm",), REALM),),
    "network": (
        Naming(("node",), NODE),
        Naming(("vlan_raw_device",), BRIDGE),
        Naming(("ovs_bridge",), BRIDGE),
    ),
    "nodes": (Naming(("node",), NODE), Naming(("acme", "account"), ACCOUNT)),
    "mappings": (Naming(("map", EACH, "node"), NODE), Naming(("map", EACH), NODE, _property("node"))),
    "acme.plugins": (Naming(("nodes", EACH), NODE),),
    "notifications.matchers": (Naming(("target", EACH), ENDPOINT),),
    "notifications.endpoints": (Naming(("mailto_user", EACH), USER),),
    "ha.resources": (Naming(("sid",), GUEST, SID), Naming(("node",), NODE), Naming(("group",), HA_GROUP)),
    "ha.rules": _HA,
    "ha.groups": _HA,
    "firewall.options": _FIREWALL,
    "firewall.rules": (
        *_FIREWALL,
        Naming(("group",), SECURITY_GROUP),
        # The action of a rule that isn't one of these three is a group of rules.
        Naming(("rules", EACH, "action"), SECURITY_GROUP, r"^(?!(?:ACCEPT|DROP|REJECT)$)(.+)$"),
    ),
    "firewall.ipsets": (Naming(("vmid",), GUEST),),
    "firewall.aliases": (Naming(("vmid",), GUEST),),
    "sdn.zones": (
        Naming(("nodes", EACH), NODE),
        Naming(("exitnodes", EACH), NODE),
        Naming(("exitnodes_primary",), NODE),
        Naming(("controller",), CONTROLLER),
        Naming(("ipam",), IPAM),
        Naming(("dns",), DNS),
        Naming(("reversedns",), DNS),
        Naming(("fabric",), FABRIC),
        Naming(("bridge",), BRIDGE),
    ),
    "sdn.vnets": (Naming(("zone",), ZONE),),
    "sdn.subnets": (Naming(("vnet",), VNET),),
    "sdn.controllers": (Naming(("node",), NODE), Naming(("fabric",), FABRIC)),
    "sdn.fabric_nodes": (Naming(("fabric_id",), FABRIC), Naming(("node_id",), NODE)),
    "cluster": (),
}
"""Kind -> where its entries name other things."""

RENAMED: Mapping[str, tuple[Naming, ...]] = {
    **{kind: tuple(row for row in rows if row.what == NODE) for kind, rows in NAMINGS.items()},
    "cluster": (Naming(("nodes", EACH, "name"), NODE),),
}
"""Kind -> where its entries name nodes."""


def named(rows: tuple[Naming, ...], entry: Values) -> Iterator[Named]:
    """What an entry names."""
    for row in rows:
        for place, value in _at(entry, row.place, ()):
            yield from _names(row, place, value)


def _at(value: Json, steps: tuple[str, ...], place: Place) -> Iterator[tuple[Place, Json]]:
    """Every value at a place. Where a list may stand, a text with commas is one."""
    if not steps:
        yield place, value
    elif steps[0] != EACH:
        if isinstance(value, Mapping) and steps[0] in value:
            yield from _at(value[steps[0]], steps[1:], (*place, steps[0]))
    else:
        for step, item in _items(value):
            yield from _at(item, steps[1:], place if step is None else (*place, step))


def _items(value: Json) -> Iterator[tuple[str | int | None, Json]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield from ((None, part) for part in re.split(r"[,;\s]+", str(value)) if part)


def _names(row: Naming, place: Place, value: Json) -> Iterator[Named]:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return
    found = re.search(row.pattern, str(value)) if row.pattern else None
    if found or not row.pattern:
        yield Named(place, row.what, found[1] if found else str(value))


def renamed(kind: str, entry: Values, nodes: Mapping[str, str]) -> dict[str, Json]:
    """An entry with the nodes' real names in place of the documents'."""
    found = dict(entry)
    for row in RENAMED.get(kind, ()):
        if row.place[0] in found:
            found[row.place[0]] = _replaced(found[row.place[0]], row.place[1:], row, nodes)
    return found


def _replaced(value: Json, steps: tuple[str, ...], row: Naming, nodes: Mapping[str, str]) -> Json:
    if not steps:
        return _real(value, row, nodes) if isinstance(value, str) else value
    if isinstance(value, Mapping):
        return {
            key: _replaced(item, steps[1:], row, nodes) if steps[0] in (EACH, key) else item
            for key, item in value.items()
        }
    if steps[0] != EACH:
        return value
    if isinstance(value, list):
        return [_replaced(item, steps[1:], row, nodes) for item in value]
    if isinstance(value, str):
        return ",".join(_replaced(part.strip(), steps[1:], row, nodes) for part in value.split(","))
    return value


def _real(value: str, row: Naming, nodes: Mapping[str, str]) -> str:
    if not row.pattern:
        return nodes.get(value, value)
    found = re.search(row.pattern, value)
    return value if not found else value[: found.start(1)] + nodes.get(found[1], found[1]) + value[found.end(1) :]
