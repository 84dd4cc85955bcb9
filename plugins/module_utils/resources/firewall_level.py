# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The places that have a firewall configuration, as data: cluster, node, guest, vnet and security group."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_interface

from ansible_collections.homelab.pve.plugins.module_utils.codecs import TEXT, Codec, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources import guests


@dataclass(frozen=True)
class Level:
    """A kind of place. A guest's path has its node and type, which have to be looked up: it has no template."""

    option: str = ""
    """The option that says which one of them is meant."""

    type: str = "str"
    path: str = ""
    rules: str = "/rules"
    """Where its rules are, below the path."""


LEVELS: Mapping[str, Level] = {
    "cluster": Level(path="/cluster/firewall"),
    "node": Level("node", path="/nodes/{}/firewall"),
    "guest": Level("vmid", "int"),
    "vnet": Level("vnet", path="/cluster/sdn/vnets/{}/firewall"),
    "group": Level("group", path="/cluster/firewall/groups/{}", rules=""),
}


@dataclass(frozen=True)
class Place:
    """One firewall configuration: its path in the API, and how it is called in a sentence."""

    path: str
    label: str
    rules: str
    names: str = "/cluster/firewall"
    """Path of the configuration whose aliases and IP sets its rules may use."""


def level_options(names: Sequence[str]) -> Options:
    """The options that say which firewall configuration is meant."""
    found = {LEVELS[name].option: {"type": LEVELS[name].type} for name in names if LEVELS[name].option}
    return {"level": {"type": "str", "choices": list(names), "default": "cluster"}, **found}


def level_paths(names: Sequence[str]) -> list[str]:
    """The paths of their configurations in the API, with ``{}`` for what varies."""
    of_guests = ["/nodes/{}/qemu/{}/firewall", "/nodes/{}/lxc/{}/firewall"]
    return [path for name in names for path in ([LEVELS[name].path] if LEVELS[name].path else of_guests)]


def rule_writes(names: Sequence[str]) -> tuple[str, ...]:
    """The endpoints rules of these levels are written at."""
    found = [path if path == LEVELS["group"].path else f"{path}/rules" for path in level_paths(names)]
    return tuple(write for path in found for write in (f"POST {path}", f"PUT {path}/{{}}", f"DELETE {path}/{{}}"))


def level_rules(names: Sequence[str]) -> Mapping[str, Sequence[Json]]:
    """AnsibleModule's checks for them."""
    return {"required_if": [("level", name, [LEVELS[name].option]) for name in names if LEVELS[name].option]}


def place(read: Reader, wish: Values) -> Place:
    """The configuration that is meant; looks a guest up. Raises ConfigError and RefusedError."""
    name = str(wish.get("level") or "cluster")
    level = LEVELS[name]
    for other, item in LEVELS.items():
        if other != name and item.option and wish.get(item.option) is not None:
            raise ConfigError(f"Option '{item.option}' goes with level {other} only, and level is {name}.")
    if name == "cluster":
        return Place(level.path, "the cluster", level.path + level.rules)
    if name == "guest":
        return of_guest(guests.find(read, int(wish["vmid"])))
    path = url(level.path, wish[level.option])
    return Place(path, f"{name} {wish[level.option]}", path + level.rules)


def of_guest(guest: guests.Guest) -> Place:
    """A guest's; it may have aliases and IP sets of its own, and use the cluster's."""
    path = guest.path("firewall")
    return Place(path, guest.label, f"{path}/rules", path)


NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]+")
"""Names of aliases, IP sets and security groups (API schema: pattern of ``name`` and ``group``)."""


def check_name(option: str, value: Json, longest: int) -> None:
    """Raise ConfigError for a name that Proxmox VE doesn't take."""
    if not NAME.fullmatch(str(value)) or len(str(value)) > longest:
        raise ConfigError(
            f"Option '{option}': '{value}' is not a name of 2 to {longest} letters, digits, '-' and '_' that begins "
            "with a letter"
        )


def _note(value: object) -> str:
    text = str(value).strip()
    if "\n" in text:
        raise ValueError("a comment of the firewall is one line; Proxmox VE would take the next one for a rule")
    return text


NOTE = Codec(_note, lambda wire: str(wire).strip(), TEXT.encode)
"""A comment: the rest of a line of the file, without the spaces around it (PVE::Firewall, generic_fw_config_parser)."""


def address(value: object) -> str:
    """An address or network as Proxmox VE keeps it: the prefix of a single address is left out.

    PVE::Firewall, parse_ip_or_cidr. Raises ValueError.
    """
    text = str(value).strip()
    # A net mask instead of a prefix length is Python's liberty, not Proxmox VE's.
    if "/" not in text or text.partition("/")[2].isdigit():
        with suppress(ValueError):
            found = ip_interface(text)
            single = found.network.prefixlen == found.max_prefixlen
            return str(found.ip if single else found)
    raise ValueError(f"'{text}' is not an address or network such as 192.0.2.1, 192.0.2.0/24 or fd00::/64")


def once(option: str, values: Iterable[str]) -> None:
    """Raise ConfigError naming the first value that is there twice."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ConfigError(f"Option '{option}': {value} is there twice")
        seen.add(value)
