# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passes of the HA manager over what it knows: which node gets a guest, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.api.ha_manager import FAILED, FENCE_DELAY, OK, ROUND, Pass, work
from lab.api.ha_memory import Memory, World
from lab.api.ha_placement import affinity

NODES = ("father", "mother", "son")


def pin(resources: str, nodes: str, strict: int = 1) -> dict[str, Any]:
    """A rule about nodes."""
    return {"type": "node-affinity", "resources": resources, "nodes": nodes, "strict": strict}


def keep(resources: str, how: str) -> dict[str, Any]:
    """A rule about resources."""
    return {"type": "resource-affinity", "resources": resources, "affinity": how}


@dataclass
class Play:
    """A cluster of three nodes in which whatever a manager asks for happens at once, and nothing else."""

    homes: dict[str, str]
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=lambda: list(NODES))
    running: set[str] = field(default_factory=set)
    wishes: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    now: float = 1000.0
    memory: Memory = field(default_factory=lambda: Memory("father", 0.0, {"father": "online"}))

    def __post_init__(self) -> None:
        """Every guest is wished to run, and nothing has been seen yet."""
        self.wishes = self.wishes or {sid: {"state": "started"} for sid in self.homes}

    def world(self) -> World:
        """What a pass finds."""
        compiled = affinity(self.rules, NODES)
        return World(self.now, NODES, self.seen, self.wishes, self.homes, self.running, compiled)

    def settle(self) -> None:
        """Passes, with what the nodes' managers do between them, until nothing is left to do."""
        for _ in range(50):
            Pass(self.memory, self.world()).run()
            jobs = list(work(self.memory, self.world()))
            for sid in jobs:
                self.act(sid)
            if not jobs:
                return
        raise AssertionError("the manager does not come to rest")

    def act(self, sid: str) -> None:
        """Do what a resource's state asks for; on a broken node nothing starts."""
        service = self.memory.services[sid]
        if service.state in ("migrate", "relocate"):
            self.homes[sid] = str(service.target)
            self.running.discard(sid) if service.state == "relocate" else None
        elif service.state == "request_stop":
            self.homes[sid] = service.node
            self.running.discard(sid)
        else:
            self.homes[sid] = service.node
            self.running |= set() if service.node in self.broken else {sid}
        failed = service.state == "started" and sid not in self.running
        service.exit_code = FAILED if failed else OK

    def lose(self, *nodes: str) -> None:
        """Power off: what ran there runs no more."""
        self.seen = [node for node in self.seen if node not in nodes]
        self.running -= {sid for sid, node in self.homes.items() if node in nodes}

    def pass_time(self, seconds: float) -> None:
        """Rounds, until so many seconds are over."""
        for _ in range(int(seconds / ROUND)):
            self.now += ROUND
            self.settle()


def test_a_new_resource_is_started_where_it_is() -> None:
    play = Play({"vm:1": "mother"})
    play.settle()
    assert (play.memory.services["vm:1"].state, play.memory.services["vm:1"].running) == ("started", True)
    assert (play.homes, play.memory.master) == ({"vm:1": "mother"}, "son")
    assert {node: lrm.state for node, lrm in play.memory.lrms.items()} == {
        "father": "wait_for_agent_lock",
        "mother": "active",
        "son": "wait_for_agent_lock",
    }


@pytest.mark.parametrize(
    ("homes", "rules", "lost", "there"),
    [
        ({"vm:1": "son"}, {}, ("son",), {"vm:1": "father"}),
        ({"vm:1": "son", "vm:2": "father"}, {}, ("son",), {"vm:1": "mother", "vm:2": "father"}),
        ({"vm:1": "son", "vm:2": "son"}, {}, ("son",), {"vm:1": "father", "vm:2": "mother"}),
        ({"vm:1": "son"}, {"pin": pin("vm:1", "son:3,mother:2,father:1")}, ("son",), {"vm:1": "mother"}),
        ({"vm:1": "son"}, {"pin": pin("vm:1", "son", strict=0)}, ("son",), {"vm:1": "father"}),
        ({"vm:1": "son"}, {"pin": pin("vm:1", "son")}, ("son",), {"vm:1": "son"}),
        (
            {"vm:1": "son", "vm:2": "father"},
            {"apart": keep("vm:1,vm:2", "negative")},
            ("son",),
            {"vm:1": "mother", "vm:2": "father"},
        ),
        (
            {"vm:1": "son", "vm:2": "son"},
            {"together": keep("vm:1,vm:2", "positive")},
            ("son",),
            {"vm:1": "father", "vm:2": "father"},
        ),
        ({"ct:1": "son"}, {}, ("son",), {"ct:1": "father"}),
    ],
    ids=["first", "emptier", "spread", "priority", "not-strict", "strict", "apart", "together", "container"],
)
def test_which_node_gets_the_guest_of_a_lost_one(
    homes: dict[str, str], rules: Mapping[str, Any], lost: Sequence[str], there: dict[str, str]
) -> None:
    play = Play(homes, rules)
    play.settle()
    play.lose(*lost)
    play.pass_time(170)
    assert play.homes == there
    assert play.running == {sid for sid, node in there.items() if node not in lost}


def test_a_lost_node_is_given_up_fenced_and_its_guest_recovered() -> None:
    play = Play({"vm:1": "son"})
    play.settle()
    play.lose("son")
    seen = {}
    for seconds in range(10, 160, 10):
        play.pass_time(10)
        service = play.memory.services["vm:1"]
        seen[seconds] = (play.memory.nodes["son"], service.state, service.node, service.running)
    assert seen[50] == ("unknown", "started", "son", True)
    assert seen[60] == seen[130] == ("fence", "fence", "son", False)
    assert seen[140] == ("unknown", "started", "father", False)
    assert seen[150] == ("unknown", "started", "father", True)


def test_a_node_that_comes_back_in_time_keeps_its_guest() -> None:
    play = Play({"vm:1": "son"})
    play.settle()
    play.lose("son")
    play.pass_time(50)
    play.seen.append("son")
    play.pass_time(10)
    assert (play.homes, play.running) == ({"vm:1": "son"}, {"vm:1"})
    assert play.memory.nodes["son"] == "online"


def test_a_guest_moved_against_a_strict_rule_comes_back_later() -> None:
    play = Play({"vm:1": "son"}, {"pin": pin("vm:1", "son")})
    play.settle()
    play.memory.services["vm:1"].command = ["migrate", "mother"]
    play.settle()
    assert play.homes == {"vm:1": "mother"}
    play.pass_time(30)
    assert play.homes == {"vm:1": "mother"}
    play.pass_time(10)
    assert play.homes == {"vm:1": "son"}


def test_a_preference_pulls_unless_failback_is_off() -> None:
    rules = {"pin": pin("vm:1,vm:2", "son", strict=0)}
    wishes: dict[str, dict[str, Any]] = {"vm:1": {"state": "started"}, "vm:2": {"state": "started", "failback": 0}}
    play = Play({"vm:1": "father", "vm:2": "father"}, rules, wishes=wishes)
    play.settle()
    assert play.homes == {"vm:1": "son", "vm:2": "father"}


def test_a_rule_pulls_together_what_belongs_together() -> None:
    play = Play({"vm:1": "father", "vm:2": "son"}, {"together": keep("vm:1,vm:2", "positive")})
    play.settle()
    assert play.homes == {"vm:1": "son", "vm:2": "son"}


def test_a_guest_that_does_not_start_is_tried_elsewhere() -> None:
    play = Play({"vm:1": "father"}, broken={"father"})
    play.settle()
    assert (play.homes, play.memory.services["vm:1"].state) == ({"vm:1": "mother"}, "started")
    assert play.memory.services["vm:1"].failed_nodes == []


def test_a_guest_that_starts_nowhere_ends_in_error_until_it_is_disabled() -> None:
    play = Play({"vm:1": "father"}, broken=set(NODES))
    play.settle()
    assert play.memory.services["vm:1"].state == "error"
    assert play.memory.services["vm:1"].failed_nodes == ["father", "mother"]
    play.wishes["vm:1"] = {"state": "disabled"}
    play.settle()
    assert (play.memory.services["vm:1"].state, play.memory.services["vm:1"].failed_nodes) == ("stopped", [])


def test_a_guest_that_ended_by_itself_is_started_again() -> None:
    play = Play({"vm:1": "father"})
    play.settle()
    play.running.clear()
    play.pass_time(10)
    assert play.running == {"vm:1"}


def test_maintenance_empties_a_node_and_its_end_brings_the_guest_back() -> None:
    play = Play({"vm:1": "father"})
    play.settle()
    play.memory.maintenance = ["father"]
    play.settle()
    assert (play.homes, play.memory.nodes["father"]) == ({"vm:1": "mother"}, "maintenance")
    play.memory.maintenance = []
    play.settle()
    assert (play.homes, play.memory.nodes["father"]) == ({"vm:1": "father"}, "online")


@pytest.mark.parametrize(("mode", "state"), [("freeze", "freeze"), ("ignore", "started")])
def test_while_disarmed_nothing_is_moved_or_started(mode: str, state: str) -> None:
    play = Play({"vm:1": "son"})
    play.settle()
    play.memory.disarm = {"mode": mode, "state": "disarming"}
    play.settle()
    assert (play.memory.disarm["state"], play.memory.services["vm:1"].state) == ("disarmed", state)
    play.lose("son")
    play.pass_time(200)
    assert play.homes == {"vm:1": "son"}
    play.seen, play.memory.disarm = list(NODES), None
    play.pass_time(10)
    assert play.running == {"vm:1"}


def test_what_is_disabled_is_stopped_and_stays() -> None:
    play = Play({"vm:1": "son"}, running={"vm:1"}, wishes={"vm:1": {"state": "disabled"}})
    play.settle()
    assert (play.running, play.memory.services["vm:1"].state) == (set(), "stopped")
    play.lose("son")
    play.pass_time(200)
    assert play.homes == {"vm:1": "son"}


def test_a_stopped_resource_is_recovered_stopped() -> None:
    play = Play({"vm:1": "son"}, wishes={"vm:1": {"state": "stopped"}})
    play.settle()
    play.lose("son")
    play.pass_time(200)
    assert (play.memory.services["vm:1"].node, play.memory.services["vm:1"].state) == ("father", "stopped")
    assert play.running == set()


def test_another_node_is_elected_when_the_manager_is_lost() -> None:
    play = Play({"vm:1": "father"})
    play.settle()
    play.lose("son")
    play.pass_time(10)
    assert play.memory.master == "mother"


def test_a_node_that_left_the_cluster_is_forgotten() -> None:
    play = Play({"vm:1": "father"}, memory=Memory("father", 0.0, {"father": "online", "uncle": "unknown"}))
    play.settle()
    assert sorted(play.memory.nodes) == sorted(NODES)


def test_what_it_keeps_survives_being_saved() -> None:
    play = Play({"vm:1": "son", "ct:2": "mother"})
    play.settle()
    assert Memory.load(play.memory.document()) == play.memory


# ------------------------------------------------------------------ a property


@dataclass
class Machines(Play):
    """The same, with processes: a guest that was lost from sight may still run until its node's watchdog runs out."""

    processes: set[tuple[str, str]] = field(default_factory=set)
    cut: dict[str, float] = field(default_factory=dict)

    def act(self, sid: str) -> None:
        """Do what a resource's state asks for to the processes."""
        service, before = self.memory.services[sid], self.homes[sid]
        super().act(sid)
        if service.state == "migrate" and (sid, before) in self.processes:
            self.processes.discard((sid, before))
            self.processes.add((sid, self.homes[sid]))
        elif service.state == "started":
            self.processes.add((sid, self.homes[sid]))
        else:
            self.processes = {process for process in self.processes if process != (sid, self.homes[sid])}
        self.running = {sid for sid, node in self.processes if self.homes[sid] == node}

    def change(self, action: str, node: str) -> None:
        """Something happens to a node, or time goes by."""
        if action in ("off", "cut") and node in self.seen:
            self.seen.remove(node)
            self.cut |= {node: self.now} if action == "cut" else {}
        if action == "off":
            self.end_all(node)
        if action == "on" and node not in self.seen:
            self.cut.pop(node, None)
            self.seen.append(node)
        if action == "move":
            for service in self.memory.services.values():
                service.command = ["migrate", node]
        self.now += ROUND
        for name, since in list(self.cut.items()):
            if self.now - since >= FENCE_DELAY:
                self.end_all(name)
        if len(self.seen) > 1:
            self.settle()

    def end_all(self, node: str) -> None:
        """A node without power runs nothing."""
        self.cut.pop(node, None)
        self.processes = {process for process in self.processes if process[1] != node}
        self.running = {sid for sid, home in self.processes if self.homes[sid] == home}


ACTIONS = st.tuples(st.sampled_from(["off", "cut", "on", "move", "wait", "wait", "wait"]), st.sampled_from(NODES))


@given(st.lists(ACTIONS, max_size=60), st.sampled_from(["free", "apart", "together"]))
def test_a_guest_runs_on_one_node_at_most(actions: list[tuple[str, str]], kind: str) -> None:
    rules = {
        "free": {},
        "apart": {"rule": keep("vm:1,vm:2", "negative")},
        "together": {"rule": keep("vm:1,vm:2", "positive")},
    }
    play = Machines({"vm:1": "father", "vm:2": "son"}, rules[kind])
    play.settle()
    for action, node in actions:
        play.change(action, node)
        counted = Counter(sid for sid, _ in play.processes)
        assert all(count == 1 for count in counted.values()), (action, node, play.processes)
