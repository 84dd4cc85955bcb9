# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes a running VM sees at once, and which wait for its next start. Pure.

After PVE::QemuServer: vmconfig_hotplug_pending, vmconfig_update_net, vmconfig_update_disk, vmconfig_update_agent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from ansible_collections.homelab.pve.plugins.module_utils.codecs import CONTENT, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Change, Values

DEFAULT = frozenset({"disk", "network", "usb"})
"""What is plugged where ``hotplug`` is unset or 1."""

REPLUGGED = ("model", "macaddr", "queues", "mtu")
"""Properties of a network card that change only by plugging it anew (vmconfig_update_net)."""

COLD_DRIVE = ("aio", "cache", "discard", "iothread", "product", "queues", "ro", "ssd", "vendor")
"""Properties of a drive that never change while it is plugged in (vmconfig_update_disk)."""

LIVE_AGENT = ("fstrim_cloned_disks",)
LINUX_OR_NEW = frozenset({"l26", "win8", "win10", "win11"})
"""Operating systems whose USB devices can be plugged."""

CLOUD_INIT = re.compile(r"ci\w+|sshkeys|ipconfig\d+|nameserver|searchdomain")
"""PVE has a change of these in force at once, though the guest reads them at its next boot."""


def classes(config: Values) -> frozenset[str]:
    """What may be plugged into a VM while it runs."""
    text = str(config.get("hotplug", "1"))
    return {"0": frozenset(), "1": DEFAULT}.get(text, frozenset(CONTENT.parse(text)))


def waits(change: Change, config: Values) -> bool:
    """Whether a VM that runs with this configuration sees the change at its next start only."""
    plugged = classes(config)
    rule = next((rule for pattern, rule in RULES if re.fullmatch(pattern, change.key)), None)
    return change.waits if rule is None else rule(change, config, plugged)


Rule: TypeAlias = Callable[[Change, Values, frozenset[str]], bool]
"""From a change, the running configuration and what may be plugged: whether it waits."""


def _added_or_removed(change: Change) -> bool:
    return change.before is None or change.after is None


def _differs(change: Change, names: tuple[str, ...]) -> bool:
    before, after = change.before or {}, change.after or {}
    return any(before.get(name) != after.get(name) for name in names)


def _card(change: Change, _config: Values, plugged: frozenset[str]) -> bool:
    return "network" not in plugged and (_added_or_removed(change) or _differs(change, REPLUGGED))


def _usb(_change: Change, config: Values, plugged: frozenset[str]) -> bool:
    return "usb" not in plugged or str(config.get("ostype")) not in LINUX_OR_NEW


def _drive(change: Change, _config: Values, plugged: frozenset[str]) -> bool:
    if _is_image(change.before) and _is_image(change.after):
        return False
    if _added_or_removed(change) or change.before.get("file") != change.after.get("file", change.before.get("file")):
        return "disk" not in plugged or not change.key.startswith(("scsi", "virtio"))
    return change.key.startswith(("efidisk", "tpmstate")) or _differs(change, COLD_DRIVE)


def _is_image(drive: Json) -> bool:
    return bool(drive) and drive.get("media") == "cdrom"


def _balloon(change: Change, _config: Values, _plugged: frozenset[str]) -> bool:
    """The device itself comes and goes with a start."""
    return (change.before == 0) is not (change.after == 0)


def _agent(change: Change, _config: Values, _plugged: frozenset[str]) -> bool:
    names = ({*(change.before or {})} | {*(change.after or {})}) - {*LIVE_AGENT}
    return change.before is None or change.after is None or _differs(change, tuple(names))


def _hotplug(change: Change, _config: Values, _plugged: frozenset[str]) -> bool:
    return bool({"cpu", "memory"} & {*(change.before or ()), *(change.after or ())})


def _class(name: str) -> Rule:
    return lambda _change, _config, plugged: name not in plugged


RULES: tuple[tuple[str, Rule], ...] = (
    (r"net\d+", _card),
    (r"usb\d+", _usb),
    (r"(?:ide|sata|scsi|virtio|efidisk|tpmstate)\d+", _drive),
    (r"vcpus", _class("cpu")),
    (r"memory", _class("memory")),
    (r"tablet", _class("usb")),
    (r"balloon", _balloon),
    (r"agent", _agent),
    (r"hotplug", _hotplug),
)
"""Options whose answer depends on what is plugged, or on what changes in them."""
