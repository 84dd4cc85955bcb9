# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a running lab, ``lab.json`` in its directory: who it is and where it can be reached."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lab import processes
from lab.errors import LabError

_NAME = "lab.json"


@dataclass(frozen=True)
class NodeStatus:
    """A node of the lab: its address there, and ``host:port`` of its forwards on loopback (SSH: not API-only)."""

    address: str
    api_forward: str
    ssh_forward: str | None


@dataclass(frozen=True)
class LabStatus:
    """A running lab. ``pid`` is its first process as the machine sees it, started ``started_at`` ticks after boot.

    ``api_only`` labs have no network of their own and no machines behind their VMs.
    """

    pid: int
    started_at: int
    instance: str
    rootless: bool
    state_dir: Path
    nodes: dict[str, NodeStatus]
    api_only: bool = False


def read(state: Path) -> LabStatus | None:
    """The lab that runs in ``state``; a record that a killed lab left behind counts as none.

    Raises LabError for a file that is not a record.
    """
    path = state / _NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        present = _from_document(document, state)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise LabError(
            f"{path} is not the record of a lab of this version ({error}); end that lab and remove it"
        ) from error
    return present if processes.alive(present.pid, present.started_at) else None


def _from_document(document: dict[str, Any], state: Path) -> LabStatus:
    """The status a record describes; keys that a newer version added are passed over."""
    known = {item.name for item in fields(LabStatus)}
    nodes = {name: NodeStatus(**node) for name, node in document["nodes"].items()}
    plain = {key: value for key, value in document.items() if key in known}
    return LabStatus(**{**plain, "state_dir": state, "nodes": nodes})


def write(present: LabStatus) -> None:
    """Replace the record, readable for its owner only."""
    record = asdict(present)
    del record["state_dir"]
    fresh = present.state_dir / f"{_NAME}.new"
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    fresh.replace(present.state_dir / _NAME)


def remove(state: Path) -> None:
    """Forget the record."""
    (state / _NAME).unlink(missing_ok=True)
