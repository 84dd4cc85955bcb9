# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test asks of a lab beside the PVE API: faults, requests, the clock. The same for every lab.

A lab in the test's own process (:class:`lab.api.serving.ServedLab`) and one that is booted (over its control socket)
only differ in how a question gets to the control endpoint (:mod:`lab.api.control`): :meth:`Controlled.control`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlencode

from lab.api.requestlog import RequestRecord

SHOWN = 40


class FaultBook:
    """The faults of a lab."""

    def __init__(self, lab: Controlled) -> None:
        """Keep the lab."""
        self._lab = lab

    def add(self, kind: str, **fields: object) -> int | None:
        """Put a fault in force; returns its id, or None for one that happens at once. Raises LabError.

        The kinds and their fields: ``./run.sh lab faults kinds``.
        """
        number: int | None = self._lab.control("POST", "/faults", {"kind": kind, **fields})["id"]
        return number

    def remove(self, number: int) -> None:
        """End one fault. Raises LabError when there is none with this id."""
        self._lab.control("DELETE", f"/faults/{number}")

    def clear(self) -> None:
        """End every fault."""
        self._lab.control("DELETE", "/faults")

    def in_force(self) -> list[dict[str, Any]]:
        """The faults in force, each with its ``id`` and how often it ``struck``."""
        found: list[dict[str, Any]] = self._lab.control("GET", "/faults")
        return found


class LabClock:
    """The clock of a lab: what its nodes take for the time."""

    def __init__(self, lab: Controlled) -> None:
        """Keep the lab."""
        self._lab = lab

    def _told(self, **changes: float) -> dict[str, float]:
        method = "PUT" if changes else "GET"
        answer: dict[str, float] = self._lab.control(method, "/clock", changes or None)
        return answer

    def now(self) -> float:
        """Seconds since the epoch, as the lab's nodes see it."""
        return self._told()["now"]

    @property
    def rate(self) -> float:
        """Seconds of the lab in one real second; 1 unless somebody changed it."""
        return self._told()["rate"]

    @rate.setter
    def rate(self, rate: float) -> None:
        self._told(rate=rate)

    @property
    def shift(self) -> float:
        """Seconds that the clock was put forward, altogether."""
        return self._told()["shift"]

    def forward(self, seconds: float) -> None:
        """Put the clock forward: what is due until then happens now."""
        self._told(forward=seconds)


@dataclass(frozen=True)
class Expected:
    """A request that a test expects: method and a pattern of the path."""

    method: str
    path: str

    @classmethod
    def of(cls, text: str) -> Expected:
        """``POST /nodes/*/qemu`` as an expectation."""
        method, _, path = text.partition(" ")
        return cls(method, path)

    def met_by(self, record: RequestRecord) -> bool:
        """Whether a request is this one."""
        return fnmatchcase(record.method, self.method) and fnmatchcase(record.path, self.path)


def shown(records: Sequence[RequestRecord]) -> str:
    """Requests as lines of a message."""
    lines = [f"  {item.method:6} {item.status:3} {'write' if item.wrote else '     '} {item.path}" for item in records]
    more = [f"  ... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join([*lines[:SHOWN], *more]) or "  (none)"


class Controlled:
    """Mixin: what any lab answers beside the PVE API."""

    def control(self, method: str, path: str, document: object = None) -> Any:  # noqa: ANN401 - JSON
        """Ask the control endpoint. Raises LabError with what it says when it refuses."""
        raise NotImplementedError

    # ---------------------------------------------------------------- faults

    @property
    def faults(self) -> FaultBook:
        """The faults in force."""
        return FaultBook(self)

    @contextmanager
    def fault(self, kind: str, **fields: object) -> Iterator[int | None]:
        """Within the block a fault is in force; its id."""
        number = self.faults.add(kind, **fields)
        try:
            yield number
        finally:
            if number is not None:
                self.faults.remove(number)

    @property
    def clock(self) -> LabClock:
        """What the nodes take for the time."""
        return LabClock(self)

    # ------------------------------------------------------------- snapshots

    def snapshot(self) -> int:
        """Remember everything the lab knows, with its files and volumes; returns what :meth:`restore` takes.

        For labs whose guests are states; those that boot are saved by ``./run.sh lab snapshot``. Raises LabError.
        """
        number: int = self.control("POST", "/snapshots")["id"]
        return number

    def restore(self, number: int) -> None:
        """Make the lab what it was: faults end, tasks are cut short, the request log is that of then."""
        self.control("PUT", f"/snapshots/{number}")

    # -------------------------------------------------------------- requests

    def requests(self, **selection: str | float) -> list[RequestRecord]:
        """The requests since the start or the last :meth:`clear_requests`, oldest first.

        Selected by patterns with ``*``: ``method``, ``path``, ``status`` (as in ``5*``), ``user``; by ``since``, in
        seconds since the epoch; by ``writes=1``.
        """
        query = f"?{urlencode(selection)}" if selection else ""
        return [RequestRecord(**record) for record in self.control("GET", f"/requests{query}")]

    def writes(self) -> list[RequestRecord]:
        """The requests among them that changed something."""
        return self.requests(writes=1)

    def clear_requests(self) -> None:
        """Empty the request log."""
        self.control("DELETE", "/requests")

    def assert_requests(self, expected: Sequence[str], **selection: str | float) -> None:
        """Fail unless the requests (those selected) are exactly these, in this order: ``POST /nodes/*/qemu``."""
        found = self.requests(**selection)
        wanted = [Expected.of(text) for text in expected]
        met = len(found) == len(wanted) and all(one.met_by(record) for one, record in zip(wanted, found, strict=True))
        if not met:
            lines = "\n".join(f"  {text}" for text in expected) or "  (none)"
            raise AssertionError(f"The lab was to be asked:\n{lines}\nIt was asked:\n{shown(found)}")

    @contextmanager
    def no_writes(self) -> Iterator[None]:
        """Fail when a request changed something within the block. What was logged before stays."""
        before = len(self.writes())
        yield
        wrote = self.writes()[before:]
        if wrote:
            raise AssertionError(f"Nothing was to be changed, but the lab was asked:\n{shown(wrote)}")
