"""What the benchmarks of connections play and say. Their figures are measured by hand: `./run.sh bench --only pct`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmark import pct, ssh

THEIRS, OURS, OTHER = (way.name for way in pct.WAYS)


def test_ours_is_to_take_half_of_their_time() -> None:
    samples = {THEIRS: [9.0, 10.0, 30.0], OURS: [4.0], OTHER: [8.0], pct.FLOOR: [1.0]}
    made = pct.figures(samples, {OURS: " (1 connections, 24 pct)"})
    assert [figure.aim for figure in made] == [None, 5.0, None, None]
    assert made[1].name == "facts and 10 tasks in a container: homelab.pve.pct (1 connections, 24 pct)"
    assert len(pct.PLAY) == pct.TASKS


def test_all_connections_reach_the_same_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for way in pct.WAYS:
        (host,) = pct.inventory(way, tmp_path, 2222, "127.0.0.1")["all"]["hosts"].values()
        assert (host["ansible_host"], host["ansible_port"], host["ansible_connection"]) == (
            "127.0.0.1", 2222, way.connection,
        )  # fmt: skip
        assert pct.VMID in host.values()


def test_the_ways_take_turns() -> None:
    order: list[str] = []
    taken = iter(range(4))

    def timed(work: ssh.Work) -> float:
        work()
        return float(next(taken))

    ways = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    assert ssh.in_turn(ways, timed, 2) == {"a": [0.0, 2.0], "b": [1.0, 3.0]}
    assert order == ["a", "b", "a", "b"]
