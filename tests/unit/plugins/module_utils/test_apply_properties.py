"""Whatever happens to requests and answers on the way: nothing is created twice, and a success is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any
from unittest.mock import patch

from ansible_collections.homelab.pve.plugins.module_utils import tasks
from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import reconcile
from ansible_collections.homelab.pve.plugins.module_utils.engine import Bound, Claim, Plan, Resource, Step
from ansible_collections.homelab.pve.plugins.module_utils.errors import HomelabPveError, OutcomeUnknownError, PveError
from hypothesis import given
from hypothesis import strategies as st

OURS, RIVAL = "ours", "rival"


@dataclass
class Clock:
    """Time that passes only while somebody sleeps."""

    now: float = 0.0

    def monotonic(self) -> float:
        """The time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.now += seconds


@dataclass
class Server(Client):
    """Holds things by id. ``fates`` says what becomes of each write; a late one is carried out at a later request.

    ``lagging``: for so many reads a new thing is listed without its name, as a new guest is.
    """

    fates: Iterator[str]
    lagging: int = 0
    retries: int = 0
    things: dict[int, str] = field(default_factory=dict)
    late: list[tuple[int, int]] = field(default_factory=list)
    """Requests to go until it is carried out, and the id."""

    def get(self, path: str, params: Any = None) -> dict[int, str]:
        """The things."""
        self._pass()
        if self.things and self.lagging:
            self.lagging -= 1
            return dict.fromkeys(self.things, "")
        return dict(self.things)

    def request(self, method: str, path: str, params: Any = None, _patience: float = 0.0) -> None:
        """Create one, if fate allows."""
        self._pass()
        number, fate = params["id"], next(self.fates)
        if fate == "rival":
            self.things.setdefault(number, RIVAL)
        if fate.startswith("late"):
            self.late.append((int(fate[-1]), number))
        if fate in ("done", "rival", "lost after"):
            self._create(number)
        if fate not in ("done", "rival"):
            raise OutcomeUnknownError("father", 8006, "the connection broke")

    def _create(self, number: int) -> None:
        if number in self.things:
            raise PveError("POST", "/things", 500, f"thing {number} already exists")
        self.things[number] = OURS

    def _pass(self) -> None:
        due = [number for left, number in self.late if left <= 1]
        self.late = [(left - 1, number) for left, number in self.late if left > 1]
        for number in due:
            self.things.setdefault(number, OURS)

    def settle(self) -> None:
        """Carry out everything that is late."""
        while self.late:
            self._pass()


def plan(_wish: Any, things: dict[int, str]) -> Plan:
    """One thing of ours, with the lowest free id."""
    if OURS in things.values():
        return Plan(reason="it is there")
    free = tuple(number for number in range(1, 20) if number not in things)
    return Plan(
        (Step("POST", "/things", {"id": Bound("id")}, "create thing {id}", Claim("id", free, "already exists")),)
    )


THING = Resource(
    kind="thing", options={}, describe=lambda read, _wish: read.get("/things"), plan=plan, result=lambda _state: {}
)
FATES = st.sampled_from(["done", "lost before", "lost after", "late 1", "late 2", "late 5", "rival"])


@given(st.lists(FATES, max_size=6), st.integers(0, 5))
def test_nothing_is_created_twice(fates: list[str], lagging: int) -> None:
    server, clock = Server(chain(fates, repeat("done")), lagging), Clock()
    with patch.object(tasks, "time", clock):
        try:
            outcome = reconcile(THING, {}, server, dry_run=False, timeout=1)
        except HomelabPveError:
            succeeded = False
        else:
            succeeded = OURS in outcome.state.values() or "" in outcome.state.values()
            assert outcome.changed
    server.settle()
    found = list(server.things.values()).count(OURS)
    assert found == 1 if succeeded else found <= 1


@given(st.lists(FATES.filter(lambda fate: fate != "rival"), max_size=2))
def test_a_little_trouble_is_overcome(fates: list[str]) -> None:
    server = Server(chain(fates, repeat("done")))
    with patch.object(tasks, "time", Clock()):
        assert reconcile(THING, {}, server, dry_run=False, timeout=1).changed
    assert list(server.things.values()) == [OURS]
