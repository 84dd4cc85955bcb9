# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual machine, as data for the planner of guests."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.engine import Options
from ansible_collections.homelab.pve.plugins.module_utils.resources import guest_ha, vm_config, vm_hotplug
from ansible_collections.homelab.pve.plugins.module_utils.resources.disks import DRIVES
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Kind, Transitions
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_motion import MOTION_OPTIONS, VM_MOTION
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_plan import guest_resource

TRANSITIONS: Transitions = {
    ("started", "stopped"): ("start",),
    ("started", "paused"): ("resume",),
    ("stopped", "running"): ("shutdown",),
    ("stopped", "paused"): ("stop",),
    ("restarted", "running"): ("reboot",),
    ("restarted", "paused"): ("stop", "start"),
    ("restarted", "stopped"): ("start",),
    # Resetting one that is paused would leave it at the very start of its boot, paused.
    ("reset", "running"): ("reset",),
    ("reset", "paused"): ("stop", "start"),
    ("reset", "stopped"): ("start",),
    ("reset", "suspended"): ("start",),
    ("paused", "stopped"): ("start", "suspend"),
    ("paused", "running"): ("suspend",),
    ("paused", "suspended"): ("start", "suspend"),
    ("started", "suspended"): ("start",),
    ("restarted", "suspended"): ("start",),
    ("suspended", "running"): ("hibernate",),
    ("suspended", "paused"): ("hibernate",),
    ("suspended", "stopped"): ("start", "hibernate"),
}

STATES = ("present", "absent", "template", *sorted({state for state, _status in TRANSITIONS}))

QEMU = Kind(
    type="qemu",
    title="VM",
    name_key="name",
    config=vm_config.CONFIG,
    volumes=DRIVES,
    transitions=TRANSITIONS,
    # PVE::API2::Qemu, clone_vm
    not_copied=frozenset({"template", "digest", "vmgenid", "smbios1", "meta", "lock", "parent"}),
    clone_options=("full", "storage", "format", "snapname", "bwlimit"),
    nics=vm_config.shown_nics,
    motion=VM_MOTION,
    waits=vm_hotplug.waits,
    read_at_boot=vm_hotplug.CLOUD_INIT,
    # Whether a VM is paused is told by its QEMU alone (PVE::QemuServer::vmstatus).
    list_params={"full": True},
)

OPTIONS: Options = {
    "state": {"type": "str", "choices": list(STATES), "default": "present"},
    "format": {"type": "str", "choices": ["raw", "qcow2", "vmdk"]},
    "snapname": {"type": "str"},
    "bwlimit": {"type": "int"},
    "disks": {"type": "dict"},
    **MOTION_OPTIONS,
    **guest_ha.OPTIONS,
    "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False},
}

VM = guest_resource(QEMU, OPTIONS)
