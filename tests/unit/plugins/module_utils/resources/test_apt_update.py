"""Fetching the package index. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import BOUND
from ansible_collections.homelab.pve.plugins.module_utils.resources.apt_update import Found, describe, plan

from .reading import Table

TASKS, TIME = "/nodes/a/tasks", "/nodes/a/time"


def wish(valid: int, **more: Any) -> dict[str, Any]:
    return {"node": "a", "cache_valid_time": valid, **more}


def test_only_what_matters_is_read() -> None:
    answers = {TASKS: [{"starttime": 100, "status": "OK"}], TIME: {"time": 150}}
    reader = Table(answers)
    assert describe(reader, wish(0)) == Found()
    assert reader.asked == []
    assert describe(Table(answers), wish(60)) == Found(100, 150)
    assert describe(Table(answers), wish(0, **{BOUND: {}})) == Found(100)
    failed = Table({TASKS: [{"starttime": 100, "status": "command 'apt-get update' failed"}]})
    assert describe(failed, wish(60)) == Found()


@pytest.mark.parametrize(
    ("asked", "found", "steps"),
    [
        (wish(60), Found(100, 150), []),
        (wish(50), Found(100, 150), [{}]),
        (wish(60), Found(), [{}]),
        (wish(0, notify=True, quiet=False), Found(), [{"notify": 1}]),
    ],
    ids=str,
)
def test_steps(asked: dict[str, Any], found: Found, steps: list[Any]) -> None:
    assert [dict(step.params) for step in plan(asked, found).steps] == steps
