# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a VM's configuration to what its guest boots with: cards, and what cloud-init is told. Pure.

PVE writes these settings on a drive (qemu-server, PVE/QemuServer/Cloudinit.pm); a VM without such a drive boots with
the defaults of its image, whatever ``ciuser`` and the like say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lab.guests.driver import GuestSpec, Nic

Config = Mapping[str, Any]

# What the Debian cloud image calls its first user, and itself, when nothing tells it otherwise.
DEFAULT_USER = "debian"
DEFAULT_HOSTNAME = "debian"
MAC = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")
DISK_KEY = re.compile(r"(?:ide|sata|scsi|virtio)\d+")


def options(text: str) -> dict[str, str]:
    """A property string as a dict; a word without ``=`` becomes a key with an empty value."""
    return {key: value for key, _, value in (part.partition("=") for part in text.split(",") if part)}


def cards(config: Config) -> list[tuple[int, dict[str, str]]]:
    """``(number, options)`` of every ``net<n>``, in order."""
    found = [(int(key[3:]), options(str(value))) for key, value in config.items() if re.fullmatch(r"net\d+", key)]
    return sorted(found, key=lambda card: card[0])


def mac_of(card: Mapping[str, str]) -> str:
    """The MAC address in a card's options, whichever model it belongs to."""
    return next((value for value in card.values() if MAC.fullmatch(value)), "")


def nic(number: int, card: Mapping[str, str], ipconfig: Mapping[str, str]) -> Nic:
    """The driver's view of one card."""
    return Nic(
        name=f"eth{number}",
        mac=mac_of(card),
        bridge=card.get("bridge", ""),
        address=ipconfig.get("ip"),
        gateway=ipconfig.get("gw"),
    )


def has_drive(config: Config) -> bool:
    """Whether the VM has a cloud-init drive."""
    return any(DISK_KEY.fullmatch(key) and "cloudinit" in str(value).split(",")[0] for key, value in config.items())


def ipconfig_of(config: Config, number: int) -> dict[str, str]:
    """The ``ipconfig<n>`` that applies; an image that is told nothing asks for a lease on its first card."""
    if has_drive(config) and f"ipconfig{number}" in config:
        return options(str(config[f"ipconfig{number}"]))
    return {"ip": "dhcp"} if number == 0 else {}


def connected(card: Mapping[str, str]) -> bool:
    """Whether the card is plugged into a bridge."""
    return bool(card.get("bridge")) and card.get("link_down") != "1"


def ssh_keys(config: Config) -> tuple[str, ...]:
    """The public keys of ``sshkeys``, which PVE stores URL-encoded."""
    return tuple(line.strip() for line in unquote(str(config.get("sshkeys", ""))).splitlines() if line.strip())


def agent_enabled(config: Config) -> bool:
    """Whether the guest agent is switched on: ``1``, ``enabled=1``, each with more options or without."""
    first = str(config.get("agent", "0")).split(",")[0]
    return first.rpartition("=")[2] == "1"


def boot_disk(config: Config) -> str | None:
    """The key of the disk the VM boots from: the first disk of the boot order, else the first one there is."""
    ordered = re.findall(r"[a-z]+\d+", options(str(config.get("boot", ""))).get("order", ""))
    keys = [*ordered, *sorted(key for key in config if DISK_KEY.fullmatch(key))]
    disks = (key for key in keys if DISK_KEY.fullmatch(key) and key in config)
    return next((key for key in disks if "media=cdrom" not in str(config[key])), None)


def guest_spec(vmid: int, config: Config, disk: Path, boot_id: str) -> GuestSpec:
    """What the driver needs to boot this VM from ``disk``."""
    told = config if has_drive(config) else {}
    name = str(config.get("name", f"VM {vmid}"))
    return GuestSpec(
        vmid=vmid,
        name=name,
        kind="qemu",
        disk=disk,
        hostname=name if told else DEFAULT_HOSTNAME,
        user=str(told.get("ciuser", DEFAULT_USER)),
        password=told.get("cipassword"),
        ssh_keys=ssh_keys(told),
        nics=tuple(nic(number, card, ipconfig_of(config, number)) for number, card in cards(config) if connected(card)),
        nameserver=told.get("nameserver"),
        searchdomain=told.get("searchdomain"),
        boot_id=boot_id,
    )
