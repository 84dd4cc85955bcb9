"""The software defined network in a playbook on the lab's node."""

from __future__ import annotations

import json

import pytest

from .conftest import Stand
from .test_modules import play


@pytest.mark.lab
def test_it_is_declared_applied_and_removed(stand: Stand) -> None:
    changed, _ = play("sdn")
    assert changed == 5
    running = json.loads(stand.ssh("father", "pvesh get /cluster/sdn/vnets --running 1 --output-format json"))
    assert [row["vnet"] for row in running] == ["fleetv"]

    again, output = play("sdn")
    assert again == 0, output

    assert play("sdn-gone")[0] == 5
    running = json.loads(stand.ssh("father", "pvesh get /cluster/sdn/vnets --running 1 --output-format json"))
    assert running == []
