# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the lab up and down and lets others into its network. The one file of the lab that the driver imports."""

from __future__ import annotations

import signal
from pathlib import Path

from lab import image, launch, layout, members, processes, record
from lab.entering import enter_network, inside, leave_network, locate, shell, ssh, ssh_command
from lab.errors import ImageError, LabError
from lab.filelock import locked
from lab.launch import Log
from lab.members import Plan
from lab.record import LabStatus, NodeStatus

__all__ = [
    "ImageError",
    "LabError",
    "LabStatus",
    "Log",
    "NodeStatus",
    "Plan",
    "down",
    "ensure_up",
    "enter_network",
    "inside",
    "leave_network",
    "locate",
    "reset",
    "shell",
    "ssh",
    "ssh_command",
    "status",
]

_DOWN_BOUND = 20.0
_KILL_BOUND = 5.0


def status() -> LabStatus | None:
    """The running lab, or None."""
    return record.read(layout.state_dir())


def ensure_up(log: Log, plan: Plan | None = None) -> LabStatus:
    """Bring the lab up unless it is, as it was made, or with the nodes of ``plan``.

    Raises LabError, also for a lab that was made with other nodes; ImageError, one of those, for the root image.
    """
    state = layout.state_dir()
    _make_private(state)
    if (present := status()) is None:
        with locked(state / "lock"):
            return status() or launch.start(state, log, plan)
    members.settle(state, plan)
    return present


def _make_private(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory.chmod(0o700)


def down() -> bool:
    """End the lab: in order, and by force when that takes too long. False when it did not run."""
    state = layout.state_dir()
    if not state.is_dir():
        return False
    with locked(state / "lock"):
        present = status()
        if present is not None:
            _end(present)
        record.remove(state)
    return present is not None


def _end(present: LabStatus) -> None:
    if not processes.end(present.pid, present.started_at, signal.SIGTERM, _DOWN_BOUND):
        cut_power(present)


def cut_power(present: LabStatus) -> None:
    """End the lab at once, as if the power failed. Raises LabError."""
    if not processes.end(present.pid, present.started_at, signal.SIGKILL, _KILL_BOUND):
        raise LabError(f"The lab's first process {present.pid} does not end, even when killed")


def reset() -> None:
    """End the lab and forget its state: nodes, guests, keys, tokens. The root image stays."""
    down()
    state = layout.state_dir()
    if not state.is_dir():
        return
    with locked(state / "lock"):
        for entry in state.iterdir():
            if entry.name == "lock":
                continue
            if entry.is_dir():
                image.remove(entry)
            else:
                entry.unlink()
