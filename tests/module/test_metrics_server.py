"""Module metrics_server against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

INFLUX: dict[str, Any] = {
    "id": "influx", "type": "influxdb", "server": "192.0.2.20", "server_port": 8086, "token": "k3y",
}  # fmt: skip
READ = "GET /cluster/metrics/server/influx"


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("metrics_server", **INFLUX, influxdbproto="https", bucket="pve")
    assert "k3y" not in str(made)
    changed = modules.converge("metrics_server", id="influx", disable=True, bucket="", server_timeout=3)
    assert changed["metrics_server"] == {
        "type": "influxdb", "server": "192.0.2.20", "server_port": 8086, "server_timeout": 3, "disable": True,
        "influxdbproto": "https",
    }  # fmt: skip
    modules.converge("metrics_server", id="influx", state="absent")


@pytest.mark.parametrize(
    "wish",
    [
        {"type": "graphite", "server_port": 2003, "proto": "tcp", "path": "pve"},
        {"type": "opentelemetry", "server_port": 4318, "otel_protocol": "http", "otel_compression": "none"},
    ],
    ids=lambda wish: str(wish["type"]),
)
def test_every_kind(modules: Modules, wish: dict[str, Any]) -> None:
    modules.converge("metrics_server", id="other", server="192.0.2.21", **wish)


def test_a_token_is_renewed_when_that_is_wished(modules: Modules) -> None:
    modules.ok("metrics_server", **INFLUX)
    modules.unchanged("metrics_server", id="influx", token="n3w")
    renewed = modules.ok("metrics_server", id="influx", token="n3w", update_password="always")
    assert renewed["diff"]["after"] == {"token": "********"}


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"id": "influx", "type": "graphite"},
            "Cannot change type of metrics_server influx from influxdb to graphite: Proxmox VE sets it only at "
            "creation. Keep the present value, or remove the metrics_server first (state: absent) and create it anew.",
        ),
        (
            {"id": "new", "type": "graphite", "server": "192.0.2.1"},
            "Option 'server_port' is needed: metrics_server new does not exist yet.",
        ),
        ({**INFLUX, "server_port": 99999}, "Option 'server_port': 99999 is not from 1 to 65536"),
    ],
    ids=lambda value: str(value["id"]) if isinstance(value, dict) else "",
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.ok("metrics_server", **INFLUX)
    assert modules.message("metrics_server", **wish) == message


def test_what_proxmox_refuses(modules: Modules) -> None:
    result = modules.run("metrics_server", id="new", type="graphite", server="192.0.2.1", server_port=1, bucket="x")
    assert result["msg"].startswith(
        "Cannot create metrics_server new: POST /cluster/metrics/server/new: 500 unexpected property 'bucket'"
    )


def test_headers_are_compared_and_not_shown(modules: Modules) -> None:
    wish = {"id": "otel", "type": "opentelemetry", "server": "192.0.2.1", "server_port": 4318}
    made = modules.converge("metrics_server", **wish, otel_headers="dG9wc2VjcmV0")
    changed = modules.converge("metrics_server", **wish, otel_headers="YW5vdGhlcg==")
    assert changed["diff"]["after"] == {"otel_headers": "********"}
    assert not [text for text in ("dG9wc2VjcmV0", "YW5vdGhlcg==") if text in f"{made} {changed}"]


def test_least_privileges(modules: Modules) -> None:
    needed = {"/": ["Sys.Audit", "Sys.Modify"]}
    messages = modules.refusals(needed, "metrics_server", **INFLUX)
    assert messages["Sys.Audit on /"] == f"{READ}: {denied('Sys.Audit', '/')}"
    assert messages["Sys.Modify on /"].endswith(denied("Sys.Modify", "/"))
    limited = modules.limited(needed)
    for wish in (INFLUX, {"id": "influx", "disable": True}, {"id": "influx", "state": "absent"}):
        limited.converge("metrics_server", **wish)
