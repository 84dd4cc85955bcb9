#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module snapshot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: snapshot
short_description: Take, remove and return to snapshots of Proxmox VE guests
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Takes a snapshot of a VM or container, changes its description, removes it, or rolls the guest back to it.
  - With O(keep) and O(keep_pattern) the oldest snapshots whose name matches are removed; the plan names them.
  - A rollback acts each time it is asked for, because nobody can tell what the guest has written since. So it always
    reports a change.
  - Needs the privileges C(VM.Audit) and C(VM.Snapshot) on the guest. For a rollback C(VM.Snapshot.Rollback) will do in
    place of C(VM.Snapshot), and O(start) needs C(VM.PowerMgmt).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  vmid:
    description: Id of the guest. Give either this or O(name).
    type: int
  name:
    description: Name of the guest.
    type: str
  snapname:
    description:
      - Name of the snapshot; it begins with a letter, has letters, digits, C(_) and C(-), and 2 to 40 characters.
      - Required unless O(state=absent) with O(keep_pattern).
    type: str
  state:
    description:
      - V(present) takes the snapshot if there is none of that name.
      - V(absent) removes O(snapname), or what O(keep_pattern) and O(keep) say. Snapshots that stem from it stay.
      - V(rollback) makes the guest what it was, its configuration included. What it has written since is lost.
    type: str
    choices: [present, absent, rollback]
    default: present
  description:
    description: Note about the snapshot. It can be changed later; an empty one removes it.
    type: str
  vmstate:
    description:
      - Whether the memory of a running VM is saved, so that a rollback lets it go on from there. For containers and
        stopped VMs there is none.
      - Used when the snapshot is taken; it can't be added or removed later.
    type: bool
  start:
    description: Whether the guest is started after a rollback. One whose memory was saved runs anyway.
    type: bool
    default: false
  keep:
    description:
      - How many of the newest snapshots that match O(keep_pattern) are kept. A snapshot that O(state=present) takes is
        one of them.
    type: int
  keep_pattern:
    description: Shell pattern for the names of the snapshots that O(keep) is about, for example V(daily-*).
    type: str
  force:
    description:
      - With V(rollback), whether a running guest may be stopped for it, hard.
      - When snapshots are removed, whether they vanish from the configuration even if a storage fails to remove them.
    type: bool
    default: false
  wait_timeout:
    description: Seconds each task may take.
    type: float
    default: 600
"""

EXAMPLES = r"""
- name: Take a snapshot before an upgrade
  homelab.pve.snapshot:
    vmid: 104
    snapname: before-upgrade
    description: Debian 12, before the upgrade to 13

- name: Go back, if the upgrade went wrong
  homelab.pve.snapshot:
    vmid: 104
    snapname: before-upgrade
    state: rollback
    force: true
    start: true

- name: Take today's snapshot and keep those of the last week
  homelab.pve.snapshot:
    name: web
    snapname: "daily-{{ '%Y-%m-%d' | strftime }}"
    keep: 7
    keep_pattern: daily-*

- name: Remove a snapshot
  homelab.pve.snapshot:
    vmid: 104
    snapname: before-upgrade
    state: absent

- name: Remove all daily snapshots but the newest
  homelab.pve.snapshot:
    name: web
    state: absent
    keep: 1
    keep_pattern: daily-*
"""

RETURN = r"""
vmid:
  description: Id of the guest.
  type: int
  returned: success
  sample: 104
name:
  description: Name of the guest.
  type: str
  returned: success
  sample: web
node:
  description: Node the guest is on.
  type: str
  returned: success
  sample: father
type:
  description: V(qemu) or V(lxc).
  type: str
  returned: success
  sample: qemu
status:
  description: V(running) or V(stopped).
  type: str
  returned: success
  sample: running
parent:
  description: The snapshot that the guest's present state stems from, if any.
  type: str
  returned: success
  sample: before-upgrade
snapshot:
  description: The snapshot O(snapname), as one of RV(snapshots).
  type: dict
  returned: when there is one
  sample: {name: before-upgrade, description: Debian 12, snaptime: 1795178823, vmstate: false, parent: null}
snapshots:
  description: All snapshots of the guest, the oldest first.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Its name.
      type: str
    description:
      description: The note about it.
      type: str
    snaptime:
      description: When it was taken, in seconds since 1970.
      type: int
    vmstate:
      description: Whether it has the VM's memory.
      type: bool
    parent:
      description: The snapshot it stems from, if any.
      type: str
    children:
      description: The snapshots that stem from it.
      type: list
      elements: str
    unfinished:
      description: What is, or was, being done to it; nothing for a complete one.
      type: str
  sample:
    - name: before-upgrade
      description: Debian 12, before the upgrade to 13
      snaptime: 1795178823
      vmstate: false
      parent: null
      children: []
      unfinished: null
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["take snapshot before-upgrade of vm 104 (web)"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.snapshots import SNAPSHOT


def main() -> None:
    """Entry point."""
    run(SNAPSHOT)


if __name__ == "__main__":
    main()
