"""A node as a whole. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.node import NODE, Found
from ansible_collections.homelab.pve.plugins.module_utils.resources.node_power import Power

from .reading import Table

BASE = {"node": "a", "state": "present"}
REPOSITORIES = {"standard-repos": [{"handle": "test", "name": "Test"}], "files": [], "digest": "d"}
ANSWERS = {
    "/nodes/a/time": {"timezone": "UTC", "time": 1},
    "/nodes/a/dns": {"search": "x"},
    "/nodes/a/apt/repositories": REPOSITORIES,
}


def test_only_the_parts_that_are_wished_are_read() -> None:
    reader = Table(ANSWERS)
    found = NODE.describe(reader, {**BASE, "timezone": "UTC", "repositories": [{"handle": "test"}]})
    assert reader.asked == ["/nodes/a/time", "/nodes/a/apt/repositories"]
    assert isinstance(found, Found)
    assert (found.answers, found.repositories) == ({"time": {"timezone": "UTC", "time": 1}}, REPOSITORIES)


@pytest.mark.parametrize("more", [{"timezone": "UTC"}, {"repositories": [{"handle": "test"}]}], ids=str)
def test_a_node_that_is_off_has_no_settings(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="state: off takes no settings"):
        NODE.describe(Table(ANSWERS), {**BASE, "state": "off", **more})


def test_the_power_is_last() -> None:
    wish = {
        **BASE,
        "state": "rebooted",
        "timezone": "Europe/Vienna",
        "repositories": [{"handle": "test", "enabled": True}],
    }
    plan = NODE.plan(wish, Found({"time": {"timezone": "UTC"}}, REPOSITORIES, Power(True, 1.0)))
    assert [step.reason for step in plan.steps] == [
        "set timezone of node a",
        "enable repository test of node a",
        "restart node a",
    ]
    assert (plan.before, plan.after) == (
        {"timezone": "UTC", "test": "disabled", "power": "on"},
        {"timezone": "Europe/Vienna", "test": "enabled", "power": "rebooted"},
    )


def test_nothing_to_do() -> None:
    plan = NODE.plan({**BASE, "timezone": "UTC"}, Found({"time": {"timezone": "UTC"}}))
    assert (plan.steps, plan.reason) == ((), "node a is as wished")


def test_what_is_returned() -> None:
    assert NODE.result(Found({"time": {"timezone": "UTC"}}, None, Power(False))) == {
        "settings": {"timezone": "UTC", "power": "off"}
    }
