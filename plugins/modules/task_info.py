#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module task_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: task_info
short_description: Show tasks of a Proxmox VE cluster
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Shows what became of one task, or the newest tasks of all nodes that meet every criterion that is set.
  - A task that failed does not fail this module; its C(failed) says so. A node that does not answer hides no other; it
    is in RV(unreachable).
  - Needs no privilege for tasks of the login itself, and C(Sys.Audit) on the nodes to see those of others.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  upid:
    description: Id of the one task to show.
    type: str
  wait:
    description: Whether the end of the task O(upid) is waited for.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait for it. If it runs on then, the module fails and says what the task was doing.
    type: float
    default: 600
  node:
    description: Node the tasks ran on. Without it all nodes are asked.
    type: str
  vmid:
    description: Guest the tasks were about.
    type: int
  type:
    description: Type of the tasks, for example V(qmstart) or V(vzdump).
    type: str
  user:
    description: Part of the name of the user who started them.
    type: str
  since:
    description: Earliest start, in seconds since 1970.
    type: int
  until:
    description: Latest start, in seconds since 1970.
    type: int
  errors:
    description: Whether only tasks that failed or ended with warnings are shown.
    type: bool
    default: false
  running:
    description: Whether only tasks that run are shown.
    type: bool
    default: false
  limit:
    description: How many are shown at most, the newest ones.
    type: int
    default: 50
  log:
    description: Whether the log of each is shown, too. That takes a request for each.
    type: bool
    default: false
  log_lines:
    description: How many of the last lines of a log are shown at most.
    type: int
    default: 50
  max_parallel:
    description: How many nodes or logs are asked for at once.
    type: int
    default: 8
"""

EXAMPLES = r"""
- name: Look for what went wrong in the last hour
  homelab.pve.task_info:
    since: "{{ now().timestamp() | int - 3600 }}"
    errors: true
    log: true
  register: wrong

- name: Stop if a backup of an important guest is among it
  ansible.builtin.assert:
    that: wrong.tasks | selectattr('failed') | selectattr('type', 'eq', 'vzdump') | length == 0

- name: Look for the newest start of a guest
  homelab.pve.task_info:
    vmid: 104
    type: qmstart
    limit: 1
  register: started

- name: Wait for its end
  homelab.pve.task_info:
    upid: "{{ started.tasks[0].upid }}"
    wait: true
    wait_timeout: 60
"""

RETURN = r"""
tasks:
  description: The tasks, the newest first.
  type: list
  elements: dict
  returned: success
  contains:
    upid:
      description: Id of the task.
      type: str
    node:
      description: Node it ran on.
      type: str
    type:
      description: What it was.
      type: str
    id:
      description: What it was about, for example a vmid.
      type: str
    user:
      description: Who started it.
      type: str
    tokenid:
      description: The API token that did, if one did.
      type: str
    starttime:
      description: When it began, in seconds since 1970.
      type: int
    endtime:
      description: When it ended. Not told about a single task.
      type: int
    status:
      description: V(running) or V(stopped).
      type: str
    exitstatus:
      description: V(OK), V(WARNINGS) with their number, or the error.
      type: str
    failed:
      description: Whether it ended with an error.
      type: bool
    log:
      description: The last lines of its log, if O(log).
      type: list
      elements: str
  sample:
    - upid: "UPID:father:00002177:00059C28:6B003611:qmstart:104:root@pam!gold:"
      node: father
      type: qmstart
      id: "104"
      user: root@pam
      tokenid: gold
      starttime: 1795177966
      endtime: 1795177967
      status: stopped
      exitstatus: OK
      failed: false
unreachable:
  description: Nodes that did not answer, each with C(node) and C(error).
  type: list
  elements: dict
  returned: success
  sample: []
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.task_info import OPTIONS, RULES, info


def main() -> None:
    """Entry point."""
    ask(Question(OPTIONS, info, RULES))


if __name__ == "__main__":
    main()
