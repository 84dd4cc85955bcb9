# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a lab: their names and addresses, and how many of them a lab was made with."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from lab import layout
from lab.errors import LabError

NAMES = (layout.FATHER, "mother", "son", "daughter")
_PLAN = "nodes.json"


@dataclass(frozen=True)
class Member:
    """A node; ``number`` counts from 1, and is what tells its address and its card's MAC apart."""

    name: str
    number: int

    @property
    def address(self) -> str:
        """Its address on the lab's network."""
        return str(ipaddress.ip_address(layout.FATHER_ADDRESS) + self.number - 1)

    @property
    def mac(self) -> str:
        """Its card's address."""
        return f"02:99:00:00:00:{self.number + 1:02x}"

    @property
    def vmid(self) -> int:
        """Its number among the lab's own machines, of which guests are none."""
        return self.number


MEMBERS = tuple(Member(name, number) for number, name in enumerate(NAMES, 1))
FATHER = MEMBERS[0]


@dataclass(frozen=True)
class Plan:
    """What a lab is made of: so many nodes, in one cluster unless they are ``standalone``."""

    nodes: int = 1
    standalone: bool = False

    @property
    def members(self) -> tuple[Member, ...]:
        """The nodes."""
        return MEMBERS[: self.nodes]

    def __str__(self) -> str:
        """As a message has it."""
        if self.nodes == 1:
            return "one node"
        return f"{self.nodes} nodes{' that began in no cluster' if self.standalone else ''}"


def kept(state: Path) -> Plan | None:
    """What the lab below ``state`` was made with; None where there is no lab yet."""
    path = state / _PLAN
    if path.exists():
        return Plan(**json.loads(path.read_text(encoding="utf-8")))
    return Plan() if (state / "nodes" / layout.FATHER).exists() else None


def settle(state: Path, wanted: Plan | None) -> Plan:
    """What to start: what the lab was made with. Raises LabError when something else is wanted."""
    present = kept(state)
    if present is not None and wanted not in (None, present):
        raise LabError(
            f"The lab in {state} was made with {present}, not with {wanted}. "
            "Forget it (./run.sh lab reset), or keep both: another XDG_STATE_HOME is another lab."
        )
    plan = present or wanted or Plan()
    if present is None and plan != Plan():
        (state / _PLAN).write_text(json.dumps(asdict(plan)) + "\n", encoding="utf-8")
    return plan
