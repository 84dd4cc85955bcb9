# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running VM takes at once, and what waits in its pending section for the next start. Pure.

After qemu-server, PVE/QemuServer.pm: vmconfig_hotplug_pending and what it calls for cards, drives and the agent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from fakepve.qemu import is_cdrom, split_drive  # type: ignore[import-untyped]

Config = Mapping[str, Any]

# $fast_plug_option, with the settings of cloud-init, and what cgroups change.
ALWAYS = re.compile(
    r"description|hookscript|lock|migrate_downtime|migrate_speed|name|onboot|protection|shares|startup|tags|vmstatestorage"
    r"|cpuunits|cpulimit|ci\w+|sshkeys|ipconfig\d+|nameserver|searchdomain"
)
DEFAULT_CLASSES = "network,disk,usb"
# Options that a class of ``hotplug`` lets through.
CLASS_OF = {"memory": "memory", "vcpus": "cpu", "tablet": "usb"}
PLUGGED_DRIVE = re.compile(r"(?:scsi|virtio)\d+")
DRIVE = re.compile(r"(?:ide|sata|scsi|virtio)\d+")
# Of these a card is plugged anew, of those a drive keeps what it has till the next start.
CARD_NEEDS_REPLUG = frozenset({"macaddr", "model", "mtu", "queues"})
DRIVE_NEEDS_START = ("aio", "cache", "discard", "iothread", "product", "queues", "ro", "ssd", "vendor")
USB_SYSTEMS = frozenset({"l26", "win8", "win10", "win11"})
MODEL = re.compile(r"([a-z][\w-]*)=((?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})")


def classes(config: Config) -> list[str]:
    """What may be plugged into the running VM; 1 stands for the default, 0 for nothing."""
    hotplug = str(config.get("hotplug", "1"))
    return {"0": "", "1": DEFAULT_CLASSES}.get(hotplug, hotplug).split(",")


def takes(option: str, value: object, config: Config) -> bool:
    """Whether a VM that runs with ``config`` takes a new value at once; None stands for a removal."""
    if ALWAYS.fullmatch(option):
        return True
    if option in CLASS_OF:
        return CLASS_OF[option] in classes(config)
    rule = next((rule for pattern, rule in RULES if re.fullmatch(pattern, option)), None)
    return rule is not None and rule(option, value, config)


def _properties(value: object) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in str(value).split(",") if part)


def _card(option: str, value: object, config: Config) -> bool:
    if "network" in classes(config):
        return True
    if value is None or option not in config:
        return False
    old, new = (_card_properties(text) for text in (config[option], value))
    return all(old.get(name) == new.get(name) for name in CARD_NEEDS_REPLUG)


def _card_properties(value: object) -> dict[str, str]:
    return _properties(MODEL.sub(r"model=\1,macaddr=\2", str(value)))


def _drive(option: str, value: object, config: Config) -> bool:
    pluggable = PLUGGED_DRIVE.fullmatch(option) is not None and "disk" in classes(config)
    if value is None or option not in config:
        return pluggable
    (old, had), (new, has) = split_drive(config[option]), split_drive(value)
    if is_cdrom(old, had) and is_cdrom(new, has):
        return True
    return all(had.get(name) == has.get(name) for name in DRIVE_NEEDS_START) if old == new else pluggable


def _usb(_option: str, _value: object, config: Config) -> bool:
    return "usb" in classes(config) and config.get("ostype") in USB_SYSTEMS


def _balloon(_option: str, value: object, config: Config) -> bool:
    """The balloon grows and shrinks, but comes and goes with a start."""
    return (str(config.get("balloon")) == "0") is (str(value) == "0")


def _agent(option: str, value: object, config: Config) -> bool:
    if value is None or option not in config:
        return False
    old, new = (_agent_properties(text) for text in (config[option], value))
    return old == new


def _agent_properties(value: object) -> dict[str, str]:
    first, *rest = str(value).split(",")
    found = _properties(",".join([first if "=" in first else f"enabled={first}", *rest]))
    return {name: text for name, text in found.items() if name != "fstrim_cloned_disks"}


def _hotplug(option: str, value: object, config: Config) -> bool:
    return re.search("cpu|memory", f"{config.get(option, '')},{value}") is None


Rule = Callable[[str, object, Config], bool]
RULES: tuple[tuple[str, Rule], ...] = (
    (r"net\d+", _card),
    (DRIVE.pattern, _drive),
    (r"unused\d+", lambda _option, _value, _config: True),
    (r"usb\d+", _usb),
    (r"balloon", _balloon),
    (r"agent", _agent),
    (r"hotplug", _hotplug),
)
