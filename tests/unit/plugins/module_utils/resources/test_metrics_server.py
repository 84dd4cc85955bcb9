"""Planning a metric server. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.metrics_server import METRICS_SERVER

from .reading import Table

PATH = "/cluster/metrics/server/influx"
HAVE = {"type": "influxdb", "server": "a", "port": 8086, "bucket": "b"}
SAME = {"server": "a", "port": 8086}


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    made = METRICS_SERVER.plan({"state": "present", "id": "influx", **wish}, have)
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"mtu": 1500, "disable": False, "verify_certificate": True, "token": "x"}, HAVE, []),
        ({"server_port": 1}, HAVE, [("PUT", PATH, {"server": "a", "port": 1})]),
        ({"bucket": ""}, HAVE, [("PUT", PATH, {**SAME, "delete": "bucket"})]),
        ({"token": "x", "update_password": "always"}, HAVE, [("PUT", PATH, {**SAME, "token": "x"})]),
        (
            {"type": "graphite", "server": "a", "server_port": 2003, "proto": "tcp"},
            None,
            [("POST", PATH, {"type": "graphite", "server": "a", "port": 2003, "proto": "tcp"})],
        ),
        ({"state": "absent"}, HAVE, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


def test_its_kind_stays() -> None:
    with pytest.raises(RefusedError, match="Cannot change type of metrics_server influx from influxdb to graphite"):
        steps({"type": "graphite"}, HAVE)


def test_what_a_creation_needs() -> None:
    with pytest.raises(ConfigError) as error:
        steps({"type": "graphite", "server": "a"}, None)
    assert str(error.value) == "Option 'server_port' is needed: metrics_server influx does not exist yet."


def test_absence_is_what_proxmox_says() -> None:
    gone = PveError("GET", PATH, 500, "status server entry 'influx' does not exist")
    assert METRICS_SERVER.describe(Table({PATH: gone}), {"id": "influx"}) is None
