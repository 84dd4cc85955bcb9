# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ending a task that runs (PVE/API2/Tasks.pm, stop_task).

Its process gets SIGTERM, and SIGKILL when that hasn't ended it within five seconds (PVE::RESTEnvironment,
check_worker). The answer says nothing of whether it has ended, so that is looked at afterwards.
"""

from __future__ import annotations

from functools import partial

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Until,
    Values,
)
from ansible_collections.homelab.pve.plugins.module_utils.task_info import check_upid, one, path_of
from ansible_collections.homelab.pve.plugins.module_utils.tasks import ended

OPTIONS: Options = {
    "upid": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["stopped"], "default": "stopped"},
    "wait_timeout": {"type": "float", "default": 60},
}


def describe(read: Reader, wish: Values) -> Values:
    """The task, as the module task_info tells it. Raises ConfigError and RefusedError as that does."""
    check_upid(wish["upid"])
    return one(read, wish["upid"])


def plan(wish: Values, have: Values) -> Plan:
    """Stop it, if it runs."""
    upid = wish["upid"]
    if have["status"] == "stopped":
        return Plan(reason=f"task {upid} has ended: {have['exitstatus']}")
    path = path_of(upid)
    gone = Until(
        partial(ended, base=path),
        "it still runs after {timeout} s, though Proxmox VE kills what doesn't end by itself. A process that waits "
        "for a disk or a server that doesn't answer can't be killed: see to those, or look at it on the node.",
    )
    step = Step("DELETE", path, {}, f"stop task {upid}", until=gone)
    return Plan((step,), before={"status": "running"}, after={"status": "stopped"})


def result(have: Values) -> dict[str, Json]:
    """The module's return value."""
    return {"task": dict(have)}


TASK = Resource(
    kind="task", options=OPTIONS, describe=describe, plan=plan, result=result, writes=("DELETE /nodes/{}/tasks/{}",)
)
