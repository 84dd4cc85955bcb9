#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module state_checkpoint."""

from __future__ import annotations

DOCUMENTATION = r"""
module: state_checkpoint
short_description: Keep what documents are about to change on a Proxmox VE server, and go back to it
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Before M(homelab.pve.state) applies documents, takes a snapshot of each guest that they change, and returns what is
    needed for the way back as RV(checkpoint). Keep that; it has no secrets.
  - The way back rolls the guests back to their snapshots, restores guests that were removed from their backups, makes
    all else what it was, and removes what was made since.
  - What can't be brought back is told when the checkpoint is made, as warnings and in RV(checkpoint). A guest that was
    removed with its disks comes back from a backup, or not at all.
  - Needs the privileges that M(homelab.pve.state) needs for the documents, C(VM.Audit) on the guests that are changed,
    and for them C(VM.Snapshot). To restore guests it needs what M(homelab.pve.restore) needs, to find their backups
    C(Datastore.Audit) on the storages and C(VM.Backup) on the guests.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  state:
    description:
      - V(present) makes a checkpoint of what the documents are about to change.
      - V(restored) goes back to O(checkpoint). It acts each time it is asked for, because nobody can tell what guests
        have written since.
      - V(absent) removes the snapshots of O(checkpoint).
    type: str
    choices: [present, restored, absent]
    default: present
  name:
    description: Name of the snapshots. Without it C(homelab-) and the time, in UTC.
    type: str
  checkpoint:
    description: What V(present) returned as RV(checkpoint). Needed for V(restored) and V(absent).
    type: dict
  files:
    description: Documents that are about to be applied. See M(homelab.pve.state).
    type: list
    elements: path
    default: []
  rendered:
    description: Texts of files that are templates, by their path in O(files). See M(homelab.pve.state).
    type: dict
    default: {}
  document:
    description: A document in the task itself, above all O(files).
    type: dict
  secrets:
    description:
      - Values of the placeholders in documents, by name. See M(homelab.pve.state).
      - V(restored) needs those of things that it makes anew.
    type: dict
    default: {}
  node:
    description: The node that is meant where the documents name none.
    type: str
  nodes:
    description: Names of nodes in the documents, and what they are called here.
    type: dict
    default: {}
  only:
    description: Kinds that are looked at. Without it, all.
    type: list
    elements: str
  prune:
    description: Kinds of which what no document has is about to be removed.
    type: list
    elements: str
    default: []
  vmstate:
    description: Whether the memory of running VMs is saved too, so that a rollback lets them go on from there.
    type: bool
    default: false
  skip_unsupported:
    description: >-
      Whether a guest that Proxmox VE can't take a snapshot of is left out. Without it the checkpoint is refused, naming
      them.
    type: bool
    default: false
  restore_from:
    description: >-
      With V(restored), storage with the backups of guests that were removed. Without it the newest backup on any
      storage.
    type: str
  skip_lost:
    description: >-
      Whether V(restored) goes on without the disks of guests that were removed and have no backup. Without it nothing
      is done.
    type: bool
    default: false
  journal:
    description: With V(restored), a file that gets a line before and after each change. See M(homelab.pve.state).
    type: path
  max_parallel:
    description: How many things are dealt with at a time.
    type: int
    default: 8
  wait_timeout:
    description: Seconds each snapshot, and each return to one, may take.
    type: float
    default: 600
seealso:
  - module: homelab.pve.state
  - module: homelab.pve.snapshot
  - module: homelab.pve.restore
"""

EXAMPLES = r"""
- name: Keep what is about to be changed
  homelab.pve.state_checkpoint:
    name: before-memory
    document:
      vms:
        - vmid: 104
          memory: 4096
  register: before

- name: Change it
  homelab.pve.state:
    document:
      vms:
        - vmid: 104
          memory: 4096

- name: Go back
  homelab.pve.state_checkpoint:
    state: restored
    checkpoint: "{{ before.checkpoint }}"

- name: Forget it
  homelab.pve.state_checkpoint:
    state: absent
    checkpoint: "{{ before.checkpoint }}"
"""

RETURN = r"""
checkpoint:
  description: What O(state=restored) and O(state=absent) need. Returned by O(state=present).
  type: dict
  returned: when a checkpoint is made
  contains:
    name:
      description: Name of the snapshots.
      type: str
    created:
      description: When it was made, in ISO 8601.
      type: str
    host:
      description: The option O(host) it was made with.
      type: str
    node:
      description: Name of the node that was asked.
      type: str
    guests:
      description: Guests that have the snapshot. vmid, name, type, node, and whether it ran.
      type: list
      elements: dict
    removals:
      description: Guests that the documents remove, of which no snapshot can be kept.
      type: list
      elements: dict
    creations:
      description: What the documents make. A rollback removes it.
      type: list
      elements: dict
    document:
      description: What the documents change or remove, as it was.
      type: dict
    unset:
      description: Options that the documents set and that were not set.
      type: list
      elements: dict
    lost:
      description: What no rollback brings back, in words.
      type: list
      elements: str
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: always
  sample: ["take snapshot before-memory of vm 104 (web)"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import act
from ansible_collections.homelab.pve.plugins.module_utils.state.rollback import STATE_CHECKPOINT


def main() -> None:
    """Entry point."""
    act(STATE_CHECKPOINT)


if __name__ == "__main__":
    main()
