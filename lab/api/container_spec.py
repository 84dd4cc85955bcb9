# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a container's configuration to what its guest boots with: cards, names and mount points. Pure.

After pve-container: PVE/LXC/Config.pm (net<n>, mp<n>), PVE/LXC.pm (update_lxc_config).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from fakepve.lxc import mount_type, parse_mount  # type: ignore[import-untyped]

from lab.guests.driver import GuestSpec, Mount, Nic

Config = Mapping[str, Any]
CARD = re.compile(r"net(\d+)")
MOUNT_POINT = re.compile(r"mp(\d+)")
# What an address of a card may be beside a CIDR: "manual" leaves the card alone.
DYNAMIC = ("dhcp", "auto")


def _numbered(config: Config, pattern: re.Pattern[str]) -> list[tuple[int, str]]:
    found = [(int(match[1]), str(value)) for key, value in config.items() if (match := pattern.fullmatch(key))]
    return sorted(found)


def _options(value: str) -> dict[str, str]:
    return {key: text for key, _, text in (part.partition("=") for part in value.split(",") if part)}


def _address(text: str | None) -> str | None:
    return text if text and ("/" in text or text in DYNAMIC) else None


def card(number: int, value: str) -> Nic:
    """A ``net<n>`` as a card."""
    parts = _options(value)
    return Nic(
        name=parts.get("name", f"eth{number}"),
        mac=parts.get("hwaddr", ""),
        bridge=parts.get("bridge", ""),
        address=_address(parts.get("ip")),
        gateway=parts.get("gw"),
        address6=_address(parts.get("ip6")),
        gateway6=parts.get("gw6"),
        number=number,
        host_managed=parts.get("host-managed") == "1",
    )


def connected(value: str) -> bool:
    """Whether a ``net<n>`` is plugged in."""
    parts = _options(value)
    return bool(parts.get("bridge")) and parts.get("link_down") != "1"


def cards(config: Config) -> tuple[Nic, ...]:
    """Every card that is plugged into a bridge, in order."""
    return tuple(card(number, value) for number, value in _numbered(config, CARD) if connected(value))


def mounts(config: Config, folder_of: Callable[[str], Path]) -> tuple[Mount, ...]:
    """Every mount point that is a directory here; ``folder_of`` knows where a volume's files are."""
    points = [parse_mount(value) for _, value in _numbered(config, MOUNT_POINT)]
    kinds = [(point, mount_type(point["volume"])) for point in points if "mp" in point]
    return tuple(
        Mount(
            source=Path(point["volume"]) if kind == "bind" else folder_of(point["volume"]),
            target="/" + str(point["mp"]).strip("/"),
            read_only=str(point.get("ro")) == "1",
            of_node=kind == "bind",
        )
        for point, kind in kinds
        if kind in ("bind", "volume")
    )


def variables(config: Config) -> tuple[str, ...]:
    """``NAME=value`` of each variable of ``env``, a list separated by NULs."""
    return tuple(variable for variable in str(config.get("env", "")).split("\0") if variable)


def guest_spec(vmid: int, config: Config, disk: Path, folder_of: Callable[[str], Path]) -> GuestSpec:
    """What the driver needs to boot this container from ``disk``."""
    hostname = str(config.get("hostname", f"CT{vmid}"))
    return GuestSpec(
        vmid=vmid,
        name=hostname,
        kind="lxc",
        disk=disk,
        hostname=hostname,
        nics=cards(config),
        nameserver=config.get("nameserver"),
        searchdomain=config.get("searchdomain"),
        mounts=mounts(config, folder_of),
        entrypoint=config.get("entrypoint"),
        environment=variables(config),
    )


def interface(link: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of ``/interfaces`` from one of ``ip -json address`` (PVE/LXC.pm: get_interfaces)."""
    mac = link.get("address", "")
    entry: dict[str, Any] = {"name": link["ifname"], "hwaddr": mac, "hardware-address": mac, "ip-addresses": []}
    for info in link.get("addr_info", ()):
        family, address, prefix = info["family"], info["local"], info["prefixlen"]
        entry[family] = f"{address}/{prefix}"
        entry["ip-addresses"].append({"ip-address-type": family, "ip-address": address, "prefix": str(prefix)})
    return entry


def boot_order(config: Config) -> tuple[int, int]:
    """How guests that start with their node are sorted: by ``startup``'s order, those without one last."""
    found = re.search(r"(?:^|,)(?:order=)?(\d+)", str(config.get("startup", "")))
    return (0, int(found[1])) if found else (1, 0)


def sizes(points: Iterable[Path]) -> int:
    """Bytes of the files below directories; one that goes while it is looked at counts nothing."""
    return sum(_size(path) for point in points if point.is_dir() for path in point.rglob("*"))


def _size(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except OSError:
        return 0
