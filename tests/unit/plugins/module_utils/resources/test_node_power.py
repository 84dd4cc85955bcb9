"""Power of a node. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import BOUND
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.node_power import Power, describe, steps

from .reading import Table

NODES = [{"node": "a", "status": "online"}, {"node": "b", "status": "offline"}]


def answers(uptime: Any = 100, time: Any = 1000) -> Table:
    return Table({"/nodes": NODES, "/nodes/a/status": {"uptime": uptime}, "/nodes/a/time": {"time": time}})


def test_only_what_the_wish_needs_is_read() -> None:
    reader = answers()
    assert describe(reader, {"node": "a", "state": "present"}) is None
    assert reader.asked == []
    assert describe(reader, {"node": "a", "state": "rebooted"}) == Power(True, 900.0)
    assert describe(reader, {"node": "b", "state": "rebooted"}) == Power(False)
    assert describe(reader, {"node": "b", "state": "on"}) == Power(False)
    assert describe(Table({}), {"node": "a", "state": "off", BOUND: {}}) == Power(False)


@pytest.mark.parametrize(
    ("state", "power", "expected"),
    [
        ("on", Power(True), []),
        ("off", Power(False), []),
        ("on", Power(False), [("/nodes/a/wakeonlan", {})]),
        ("off", Power(True), [("/nodes/a/status", {"command": "shutdown"})]),
        ("rebooted", Power(True, 1.0), [("/nodes/a/status", {"command": "reboot"})]),
    ],
    ids=str,
)
def test_steps(state: str, power: Power, expected: list[Any]) -> None:
    assert [(step.path, dict(step.params)) for step in steps("a", state, power)] == expected


def test_a_node_that_is_off_is_not_restarted() -> None:
    with pytest.raises(RefusedError, match="Cannot restart node a: the cluster says that it is offline"):
        steps("a", "rebooted", Power(False))


@pytest.mark.parametrize(
    ("uptime", "time", "seen"),
    [(103, 1003, False), (5, 1040, True), (None, 1040, False), (5, None, False), (101, 1003, False)],
)
def test_it_is_back_when_it_was_started_later(uptime: Any, time: Any, seen: bool) -> None:
    (step,) = steps("a", "rebooted", Power(True, 900.0))
    assert step.until
    assert bool(step.until.seen(answers(uptime, time))) is seen


def test_when_it_is_off_and_on() -> None:
    (down,), (up,) = steps("a", "off", Power(True)), steps("a", "on", Power(False))
    assert down.until
    assert up.until
    off = Table({"/nodes": [{"node": "a", "status": "offline"}]})
    assert (down.until.seen(answers()), up.until.seen(answers())) == (None, True)
    assert (down.until.seen(off), up.until.seen(off)) == (True, None)
    silent = Table({"/nodes": {}})
    assert (down.until.seen(silent), up.until.seen(silent)) == (True, None)
