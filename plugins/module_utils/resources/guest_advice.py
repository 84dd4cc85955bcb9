# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do when a step of a guest's plan fails: PVE's words (regular expressions) -> advice. Data."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.engine import Values

NOT_FORKED = r"start worker failed"
"""PVE's words for a task that it could not fork (seen on a busy node); nothing runs then."""

TAKEN = rf"already exists|config file already exists|File exists|{NOT_FORKED}"
"""PVE's words for an id that somebody else has."""

PROTECTED: Values = {
    r"protection mode enabled": "Set the option protection of the guest to false in a task before, if you mean it."
}
"""PVE's words for a guest whose volumes are not to be touched -> what to do."""

OLDER: Values = {
    r"property is not defined in schema": (
        "The node's version of Proxmox VE does not know this: leave it out, or upgrade the node."
    )
}
"""PVE's words for an option of a later version -> what to do."""

VOLUMES: Values = {
    r"storage '[^']+' does not exist|No such storage": (
        "Check the name of the storage; the module storage_info lists those there are."
    ),
    r"storage '[^']+' is not available on node": "Give a storage that the node has, or let this one have the node too.",
    r"does not support (?:vm images|container directories|content)": (
        "Give a storage for such content, or add it to the storage's content."
    ),
    r"volume '[^']+' does not exist": (
        "Check the name of the volume. The module storage_content brings ISO images and disk images to a storage."
    ),
    r"No space left on device": "Free space on the storage, or give another one.",
}
"""PVE's words for what is wrong with a volume or its storage -> what to do."""

ROOT_ONLY: Values = {
    r"only root can set": "Log in as root@pam with user and password for this option, or leave it out."
}
"""... and with an option that even a token of root may not set."""

MAKING: Values = {
    **OLDER,
    **VOLUMES,
    **ROOT_ONLY,
    NOT_FORKED: (
        "Proxmox VE could not start the task, as happens on a busy node. What it left behind, if anything, is a guest "
        "that holds nothing but a lock; it has to be removed on the node before its vmid can be used."
    ),
    r"hostname lookup '[^']+' failed|no such cluster node": (
        "There is no such node in the cluster: check the option node."
    ),
    r"pool '[^']+' does not exist": "Make the pool first, or check the option pool.",
    r"(?:VM|CT) uses local storage|clone to non-shared storage": (
        "Only disks on storages that both nodes have can be cloned there: leave out node."
    ),
    r"Linked clone feature (?:is not supported|for '[^']+' is not available)": (
        "Set full to true, or make the source a template on a storage that can clone, such as lvmthin or zfspool."
    ),
    r"Full clone of a running container": "Stop the container first, or give a snapshot of it in snapname.",
    r"not allowed for linked clones": "Set full to true to choose storage or format.",
}
"""... and with the making of a guest."""

LOCKED: Values = {
    r"is locked \((?!create|clone)[\w-]+\)": (
        "Wait until that is done, and run again. If nothing is at work on the guest, the lock was left behind: remove "
        "it on the node with 'qm unlock' or 'pct unlock' and the vmid."
    )
}
"""... and with a guest that something else works on."""

SETTING: Values = {
    **OLDER,
    **PROTECTED,
    **LOCKED,
    **VOLUMES,
    **ROOT_ONLY,
    r"invalid bootorder": "Name only devices in boot that the guest has, or gets from the same task.",
    r"hookscript: script '[^']+'": "Put the script on a storage for snippets, and make it executable.",
}
"""... and with a change of a guest's configuration."""

MOVING: Values = {
    **LOCKED,
    **VOLUMES,
    r"snapshots and delete the source": "Remove the guest's snapshots first: they would be lost.",
}
"""... and with moving a volume to another storage. A volume that could not be moved stays where it was."""

GROWING: Values = {
    **LOCKED,
    **VOLUMES,
    r"shrinking disks is not supported": "The image is larger than that already. Give a larger size, or none.",
}
"""... and with growing a volume."""

REMOVING: Values = {
    **LOCKED,
    r"used in HA resources and purge parameter not set": "Set purge to true, or take the guest out of HA first.",
    r"base volume '[^']+' is still in use": "Remove its linked clones first.",
}
"""... and with removing a guest."""
