# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's power state: PVE's actions that lead from one to another. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.engine import Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Transitions


@dataclass(frozen=True)
class Power:
    """Steps that change the power state, and the state after them."""

    steps: tuple[Step, ...]
    after: str


RESULTS: Mapping[str, str] = {
    "started": "running",
    "restarted": "running",
    "stopped": "stopped",
    "paused": "paused",
    "template": "stopped",
}


def transition(transitions: Transitions, wish: Values, status: str, path: str, label: str) -> Power:
    """From ``status`` to the wished state of the guest at ``path``. ``path`` and ``label`` may hold ``{vmid}``."""
    actions = transitions.get((wish["state"], status), ())
    steps = tuple(power_step(path, action, label, wish) for action in actions)
    return Power(steps, RESULTS.get(wish["state"], status) if steps else status)


VERBS: Mapping[str, str] = {
    "start": "start {}",
    "resume": "resume {}",
    "shutdown": "shut {} down",
    "stop": "stop {}",
    "reboot": "reboot {}",
    "suspend": "pause {}",
}


def power_step(path: str, action: str, label: str, wish: Values | None = None) -> Step:
    """One of PVE's actions; ``wish`` says how long a guest may take, and whether it may be forced."""
    limit = (wish or {}).get("shutdown_timeout")
    graceful = {"timeout": limit} if action in {"shutdown", "reboot"} and limit else {}
    forced = {"forceStop": True} if action == "shutdown" and (wish or {}).get("force") else {}
    return Step("POST", f"{path}/status/{action}", {**graceful, **forced}, VERBS[action].format(label))
