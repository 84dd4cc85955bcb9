"""Who uses an object of the software defined network. Pure."""

from __future__ import annotations

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_uses import ZONES, refuse_used, zones_with

from .reading import Table

ROWS = [{"zone": "c", "dns": "a"}, {"zone": "b", "reversedns": "a"}, {"zone": "a"}]


def test_zones() -> None:
    assert zones_with(Table({ZONES: ROWS}), ("dns", "reversedns"), "a") == ["b", "c"]
    assert zones_with(Table({ZONES: None}), ("dns",), "a") == []


def test_refusing() -> None:
    refuse_used("vnet", "v1", [], "")
    with pytest.raises(RefusedError) as caught:
        refuse_used("vnet", "v1", ["net0 of vm 100", "net1 of vm 100"], "Move them.")
    assert str(caught.value) == "Cannot remove vnet v1: net0 of vm 100, net1 of vm 100 use it. Move them."
