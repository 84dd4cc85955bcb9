# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes wait for a VM's next start."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import Change, Field
from ansible_collections.homelab.pve.plugins.module_utils.resources import disks, vm_config
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm_hotplug import classes, waits


def change(key: str, before: Any, after: Any) -> Change:
    return Change(vm_config.CONFIG.field_of(key) or Field(key), key, before, after)


def drive(key: str, before: Any, after: Any) -> Change:
    return Change(disks.FIELD, key, before, after)


CARD = {"model": "virtio", "macaddr": "BC:24:11:00:00:01", "bridge": "vmbr0"}
DISK = {"file": "local-lvm:vm-104-disk-0", "size": "8G"}
NOTHING = {"hotplug": "0"}


@pytest.mark.parametrize(
    ("made", "config", "expected"),
    [
        (change("cores", 2, 4), {}, True),
        (change("description", "a", "b"), {}, False),
        (change("cpulimit", 1.0, 2.0), {}, False),
        (change("net0", CARD, {**CARD, "tag": 7}), NOTHING, False),
        (change("net0", CARD, {**CARD, "model": "e1000"}), NOTHING, True),
        (change("net0", CARD, {**CARD, "model": "e1000"}), {}, False),
        (change("net1", None, CARD), NOTHING, True),
        (change("net1", None, CARD), {"hotplug": "disk"}, True),
        (change("net1", None, CARD), {"hotplug": "1"}, False),
        (change("usb0", None, {"host": "1:2"}), {"ostype": "l26"}, False),
        (change("usb0", None, {"host": "1:2"}), {"ostype": "other"}, True),
        (change("memory", 512, 1024), {}, True),
        (change("memory", 512, 1024), {"hotplug": "memory"}, False),
        (change("vcpus", 1, 2), {"hotplug": "cpu"}, False),
        (change("tablet", True, False), {}, False),
        (change("balloon", 512, 256), {}, False),
        (change("balloon", None, 0), {}, True),
        (change("agent", {"enabled": True}, {"enabled": True, "fstrim_cloned_disks": True}), {}, False),
        (change("agent", {"enabled": True}, {"enabled": False}), {}, True),
        (change("agent", None, {"enabled": True}), {}, True),
        (change("hotplug", ["disk"], ["disk", "network"]), {}, False),
        (change("hotplug", ["disk"], ["cpu", "disk"]), {}, True),
        (drive("scsi1", None, DISK), {}, False),
        (drive("scsi1", None, DISK), NOTHING, True),
        (drive("sata1", None, DISK), {}, True),
        (drive("scsi1", DISK, None), {}, False),
        (drive("scsi1", DISK, {**DISK, "iops": 100.0}), NOTHING, False),
        (drive("scsi1", DISK, {**DISK, "ssd": True}), {}, True),
        (drive("ide2", {"file": "none", "media": "cdrom"}, {"file": "local:iso/x.iso", "media": "cdrom"}), {}, False),
        (drive("efidisk0", None, DISK), {}, True),
    ],
    ids=lambda value: value.key if isinstance(value, Change) else str(value),
)
def test_waits(made: Change, config: dict[str, Any], expected: bool) -> None:
    assert waits(made, config) is expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, {"disk", "network", "usb"}),
        ({"hotplug": 1}, {"disk", "network", "usb"}),
        ({"hotplug": "0"}, set()),
        ({"hotplug": "cpu,memory"}, {"cpu", "memory"}),
    ],
)
def test_classes(config: dict[str, Any], expected: set[str]) -> None:
    assert classes(config) == expected
