"""Which node may be lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab import control
from scenarios import dr, inventory, session
from scenarios.actions import RunConfig
from scenarios.context import Context
from scenarios.errors import NotReadyError, UsageError
from scenarios.flags import Flags


def test_only_a_node_of_the_lab_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    real = inventory.Host("pve1", lab_node=False)
    monkeypatch.setattr(inventory, "find", lambda *_arguments: real)
    with pytest.raises(UsageError, match="a node of the lab only, and pve1 is none"):
        session.conduct(dr.ROUNDTRIP, frozenset(dr.ROUNDTRIP.names()), {}, Flags(host="pve1"))


class Status:
    """A running lab with these nodes."""

    def __init__(self, *nodes: str) -> None:
        self.nodes = dict.fromkeys(nodes)


@pytest.mark.parametrize("nodes", [("father", "mother"), ("mother",), ()])
def test_a_lab_with_other_nodes_is_kept(nodes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "status", lambda: Status(*nodes) if nodes else None)
    monkeypatch.setattr(control, "reset", lambda: pytest.fail("the lab was reset"))
    with pytest.raises(NotReadyError, match="only one of a single node is lost"):
        session.lose_lab("father", print)


def test_it_is_left_forgotten_made_and_entered(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def noted(name: str) -> Callable[..., None]:
        return lambda *_arguments: done.append(name)

    monkeypatch.setattr(control, "status", lambda: Status("father"))
    for name in ("leave_network", "reset", "ensure_up", "enter_network"):
        monkeypatch.setattr(control, name, noted(name))
    session.lose_lab("father", print)
    assert done == ["leave_network", "reset", "ensure_up", "enter_network"]


def test_what_cannot_be_lost_fails_the_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_host: str, _note: Any) -> None:
        raise NotReadyError("no")

    monkeypatch.setattr(session, "lose_lab", refuse)
    lose = next(phase.action for phase in dr.ROUNDTRIP.phases if phase.name == "lose")
    play: Any = lambda _request: pytest.fail("a playbook ran")  # noqa: E731
    config = RunConfig("father", {}, play, play, Path())
    result = lose.run(config, Context("father", "dr"))
    assert (result.success, result.message) == (False, "no")
