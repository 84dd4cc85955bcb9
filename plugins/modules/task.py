#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: task
short_description: Stop a task of Proxmox VE that runs
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Stops a task and waits until it has ended. One that has ended already is left alone. M(homelab.pve.task_info) shows
    which tasks run.
  - Proxmox VE ends the process of the task, and kills it when it has not ended after five seconds. What the task was
    doing stays as far as it got. A guest may be left with a lock, a copy of a disk unfinished.
  - Needs no privilege for a task that the login itself has started, and C(Sys.Audit) and C(Sys.Modify) on
    V(/nodes/NODE) for those of others.
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  upid:
    description: Id of the task.
    type: str
    required: true
  state:
    description: V(stopped) is what a task can be made.
    type: str
    choices: [stopped]
    default: stopped
  wait_timeout:
    description: Seconds to wait for its end. If it runs on then, the module fails.
    type: float
    default: 60
seealso:
  - module: homelab.pve.task_info
"""

EXAMPLES = r"""
- name: Look for the newest start of a guest
  homelab.pve.task_info:
    vmid: 104
    type: qmstart
    limit: 1
  register: started

- name: Stop it, if it still runs
  homelab.pve.task:
    upid: "{{ started.tasks[0].upid }}"
    state: stopped
"""

RETURN = r"""
task:
  description: What became of the task.
  type: dict
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
  sample:
    upid: "UPID:father:00002177:00059C28:6B003611:vzdump:104:root@pam:"
    node: father
    type: vzdump
    id: "104"
    user: root@pam
    tokenid: null
    starttime: 1795177966
    endtime: null
    status: stopped
    exitstatus: interrupted by signal
    failed: true
plan:
  description: The step, in words. Without one, the reason why there is none.
  type: list
  elements: str
  returned: success
  sample: ["stop task UPID:father:00002177:00059C28:6B003611:vzdump:104:root@pam:"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.task import TASK


def main() -> None:
    """Entry point."""
    run(TASK)


if __name__ == "__main__":
    main()
