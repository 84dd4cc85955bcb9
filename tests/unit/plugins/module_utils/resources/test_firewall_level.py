"""The places that have a firewall configuration. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_level import (
    LEVELS,
    Place,
    level_options,
    level_rules,
    once,
    place,
)

from .reading import Table, row

WEB = "/nodes/father/qemu/104/firewall"
GUESTS = Table({"/cluster/resources": [row(104, "web")]})


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({}, Place("/cluster/firewall", "the cluster", "/cluster/firewall/rules")),
        ({"level": "node", "node": "n1"}, Place("/nodes/n1/firewall", "node n1", "/nodes/n1/firewall/rules")),
        (
            {"level": "guest", "vmid": 104},
            Place(WEB, "vm 104 (web)", f"{WEB}/rules", names=WEB),
        ),
        (
            {"level": "vnet", "vnet": "blue"},
            Place("/cluster/sdn/vnets/blue/firewall", "vnet blue", "/cluster/sdn/vnets/blue/firewall/rules"),
        ),
        (
            {"level": "group", "group": "web"},
            Place("/cluster/firewall/groups/web", "group web", "/cluster/firewall/groups/web"),
        ),
    ],
    ids=str,
)
def test_places(wish: dict[str, Any], expected: Place) -> None:
    assert place(GUESTS, wish) == expected


def test_an_option_of_another_level_is_refused() -> None:
    with pytest.raises(ConfigError, match="Option 'vmid' goes with level guest only, and level is node"):
        place(GUESTS, {"level": "node", "node": "n1", "vmid": 104})


def test_each_level_needs_its_option() -> None:
    assert list(level_options(list(LEVELS))) == ["level", "node", "vmid", "vnet", "group"]
    assert level_rules(["cluster", "guest"]) == {"required_if": [("level", "guest", ["vmid"])]}


def test_a_value_that_is_there_twice() -> None:
    once("members", ["a", "b"])
    with pytest.raises(ConfigError, match="Option 'members': a is there twice"):
        once("members", ["a", "b", "a"])
