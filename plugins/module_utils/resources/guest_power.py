# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's power state: PVE's actions that lead from one to another. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Step, Until, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Transitions


@dataclass(frozen=True)
class Power:
    """Steps that change the power state, and the state after them."""

    steps: tuple[Step, ...]
    after: str
    renews: bool = False
    """Whether the guest is off in between, or at the end: then nothing waits for a restart any more."""


RESULTS: Mapping[str, str] = {
    "started": "running",
    "restarted": "running",
    "reset": "running",
    "stopped": "stopped",
    "paused": "paused",
    "suspended": "suspended",
    "template": "stopped",
}


@dataclass(frozen=True)
class Action:
    """One of PVE's actions on a guest's power state."""

    reason: str
    """Completes "Cannot ...", with ``{}`` for the guest."""

    path: str = ""
    """PVE's name of it, where ours is another."""

    params: Values = field(default_factory=dict)
    graceful: bool = False
    """Whether the guest gets time for it."""

    renews: bool = True
    after: str = ""
    """The status it leads to where the HA manager carries it out."""


ACTIONS: Mapping[str, Action] = {
    "start": Action("start {}", after="running"),
    "resume": Action("resume {}", renews=False),
    "shutdown": Action("shut {} down", graceful=True, after="stopped"),
    "stop": Action("stop {}", after="stopped"),
    "reboot": Action("reboot {}", graceful=True),
    # The same process of QEMU goes on, so what waits for a restart waits on (PVE::QemuServer, vm_reset).
    "reset": Action("reset {}", renews=False),
    "suspend": Action("pause {}", renews=False),
    "hibernate": Action("suspend {} to disk", path="suspend", params={"todisk": True}, renews=False),
}


def transition(
    transitions: Transitions, wish: Values, status: str, path: str, label: str, *, managed: bool = False
) -> Power:
    """From ``status`` to the wished state of the guest at ``path``. ``path`` and ``label`` may hold ``{vmid}``."""
    actions = transitions.get((wish["state"], status), ())
    steps = tuple(power_step(path, action, label, wish, managed=managed) for action in actions)
    after = RESULTS.get(wish["state"], status) if steps else status
    # What was suspended to disk goes on with what it had.
    return Power(steps, after, renews=status != "suspended" and any(ACTIONS[action].renews for action in actions))


def power_step(path: str, action: str, label: str, wish: Values | None = None, *, managed: bool = False) -> Step:
    """One of PVE's actions; ``wish`` says how long a guest may take, and whether it may be forced.

    ``managed``: the HA manager carries it out, after the task has asked it to (PVE::API2::Qemu, vm_start).
    """
    what, limit = ACTIONS[action], (wish or {}).get("shutdown_timeout")
    graceful = {"timeout": limit} if what.graceful and limit else {}
    forced = {"forceStop": True} if action == "shutdown" and (wish or {}).get("force") else {}
    return Step(
        "POST",
        f"{path}/status/{what.path or action}",
        {**what.params, **graceful, **forced},
        what.reason.format(label),
        until=_brought(path, what.after, label) if managed and what.after else None,
        advice=ADVICE,
    )


def _brought(path: str, status: str, label: str) -> Until:
    """The HA manager has brought the guest into a power state."""

    def seen(read: Reader) -> bool | None:
        return True if read.get(f"{path}/status/current")["status"] == status else None

    return Until(
        seen,
        f"{label} is managed by HA, which has not made it {status} within {{timeout}} s. The cluster's HA status says "
        "why; a resource in the state error must be disabled first.",
    )


ADVICE: Values = {
    r"is locked \(backup\)": "A backup of it is running: wait for its end, and run again.",
    r"is locked \((?!backup|create|clone|snapshot|rollback|migrate)[\w-]+\)": (
        "Something else is at work on it. If nothing is, the lock was left behind: remove it on the node with "
        "'qm unlock' or 'pct unlock' and the vmid."
    ),
    r"bridge '[^']+' does not exist": (
        "Set bridge in the option net to a bridge of that node, or make the bridge there first."
    ),
    r"volume '[^']+' does not exist": "Detach the volume, or put back what it names.",
    r"storage '[^']+' does not exist": "Move or detach the guest's volumes that are on it.",
}
"""PVE's words for what keeps a guest from changing its power state -> what to do."""
