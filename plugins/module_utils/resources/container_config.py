# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of a container as data: one row for each option Proxmox VE has, volumes apart. Pure.

Names, types, defaults and limits are those of the API schema (``PUT /nodes/{node}/lxc/{vmid}/config``). What a running
container takes at once stands in PVE::LXC::Config (vmconfig_hotplug_pending).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    DESCRIPTION,
    INTEGER,
    MEMORY,
    NUMBER,
    TAGS,
    Codec,
    Json,
    Properties,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_config import (
    DNS_NAME,
    SERVERS,
    STARTUP,
    ConfigTable,
    Family,
    at_boot,
    choices,
    with_addresses,
)

_NIC = Properties(
    aliases={"mac": "hwaddr"},
    kinds={
        "name": "str", "bridge": "str", "firewall": "bool", "gw": "lower", "gw6": "lower", "host-managed": "bool",
        "hwaddr": "mac", "ip": "lower", "ip6": "lower", "link_down": "bool", "mtu": "int", "rate": "float",
        "tag": "int", "trunks": "set", "type": "str",
    },
    defaults={"firewall": False, "host-managed": False, "link_down": False, "type": "veth"},
    choices={"type": ("veth",)},
    limits={"mtu": (64, 65535), "rate": (0, None), "tag": (1, 4094)},
)  # fmt: skip
ADDRESS_WORDS = {"ip": ("dhcp", "manual"), "ip6": ("auto", "dhcp", "manual")}


def _parse_nic(value: Json) -> dict[str, Json]:
    return with_addresses(_NIC.parse(value), ADDRESS_WORDS)


def _merge_nic(name: str, before: Json, wish: Mapping[str, Json]) -> dict[str, Json]:
    """A card keeps what is not set; a new one is called ``name`` in the container."""
    return _NIC.merge({"name": name, **(before or {})}, wish)


@dataclass(frozen=True)
class Nics(Family):
    """``net0`` ... ``net31``: as in Proxmox VE's own dialogue a new net1 is eth1 inside, unless it is named."""

    def field(self, key: str) -> Field:
        """The row of one card."""
        name = "eth" + key.removeprefix(self.stem)
        return Field(key, replace(self.codec, merge=partial(_merge_nic, name)), live=self.live)


FEATURES = Properties(
    kinds={
        **dict.fromkeys(("force_rw_sys", "fuse", "keyctl", "mknod", "nesting"), "bool"),
        "mount": "set",
    },
    defaults=dict.fromkeys(("force_rw_sys", "fuse", "keyctl", "mknod", "nesting"), False),
)
DEVICE = Properties(
    default_key="path",
    kinds={"path": "str", "mode": "str", "uid": "int", "gid": "int", "deny-write": "bool"},
    defaults={"deny-write": False, "uid": 0, "gid": 0},
    limits={"uid": (0, None), "gid": (0, None)},
)
MODE = re.compile(r"0[0-7]{3}")


def _parse_device(value: Json) -> dict[str, Json]:
    device = DEVICE.parse(value)
    if device.get("mode") and not MODE.fullmatch(device["mode"]):
        raise ValueError(f"mode: '{device['mode']}' is not an octal mode such as 0660 (in YAML: '0660')")
    if device.get("path") and not device["path"].startswith("/dev/"):
        raise ValueError(f"path: '{device['path']}' is not a device such as /dev/ttyUSB0")
    return device


NUL = "\0"


def _environment(value: Json) -> dict[str, str]:
    """Variables by name, from a dictionary or from PVE's list, whose separator is a NUL."""
    if isinstance(value, Mapping):
        return {str(name): str(item) for name, item in value.items()}
    pairs = (line.partition("=") for line in str(value).split(NUL) if line)
    return {name: item for name, _equals, item in pairs}


def _parse_environment(value: Json) -> dict[str, str]:
    variables = _environment(value)
    for name in variables:
        if not re.fullmatch(r"\w+", name):
            raise ValueError(f"'{name}' is not the name of a variable: letters, digits and underscores")
    return variables


def _encode_environment(value: Mapping[str, str]) -> str:
    return NUL.join(f"{name}={item}" for name, item in sorted(value.items()))


ENVIRONMENT = Codec(_parse_environment, _environment, _encode_environment, ansible_type="dict")

OSTYPES = (
    "debian", "devuan", "ubuntu", "centos", "fedora", "opensuse", "archlinux", "alpine", "gentoo", "nixos", "unmanaged",
)  # fmt: skip

FIELDS: tuple[Field, ...] = (
    Field("hostname", DNS_NAME),
    Field("description", DESCRIPTION),
    Field("tags", TAGS),
    Field("onboot", BOOLEAN, default=False),
    Field("protection", BOOLEAN, default=False),
    Field("startup", STARTUP.codec()),
    Field("hookscript"),
    Field("cores", within(INTEGER, 1, 8192)),
    Field("cpulimit", within(NUMBER, 0, 8192), default=0.0),
    Field("cpuunits", within(INTEGER, 0, 500000)),
    Field("memory", within(MEMORY, 16), default=512),
    Field("swap", MEMORY, default=512),
    Field("unprivileged", BOOLEAN, default=False, create_only=True),
    at_boot("features", FEATURES.codec()),
    at_boot("arch", default="amd64", spec=choices("amd64", "i386", "arm64", "armhf", "riscv32", "riscv64")),
    at_boot("ostype", spec=choices(*OSTYPES)),
    at_boot("nameserver", SERVERS),
    at_boot("searchdomain"),
    at_boot("timezone"),
    at_boot("tty", within(INTEGER, 0, 6), default=2),
    at_boot("console", BOOLEAN, default=True),
    at_boot("cmode", default="tty", spec=choices("shell", "console", "tty")),
    at_boot("debug", BOOLEAN, default=False),
    at_boot("entrypoint", default="/sbin/init"),
    at_boot("env", ENVIRONMENT),
)

NICS = Nics("net", 32, replace(_NIC.codec(), parse=_parse_nic), live=True)

FAMILIES: tuple[Family, ...] = (
    NICS,
    Family("dev", 256, replace(DEVICE.codec(), parse=_parse_device), live_when_new=True),
)
"""Counts are PVE's (PVE::LXC::Config: MAX_LXC_NETWORKS, MAX_DEVICES)."""

CONFIG = ConfigTable(FIELDS, FAMILIES)


def shown_nics(config: Values) -> dict[str, Json]:
    """The network cards as the module returns them, ``mac`` included."""
    nics = {key: _NIC.decode(value) for key, value in config.items() if NICS.owns(key)}
    return {key: {**nic, "mac": nic.get("hwaddr")} for key, nic in sorted(nics.items())}
