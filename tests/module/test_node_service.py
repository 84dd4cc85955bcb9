"""Module node_service against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

F: dict[str, Any] = {"node": "father"}


def test_stopped_and_started(modules: Modules) -> None:
    gone = modules.converge("node_service", **F, service="cron", state="stopped")
    assert gone["service"]["active_state"] == "inactive"
    assert len(modules.lab.requests()) == 1
    back = modules.converge("node_service", **F, service="cron", state="started")
    assert (back["service"]["state"], back["plan"]) == ("running", ["start service cron of node father"])
    modules.unchanged("node_service", **F, service="postfix", state="stopped")


@pytest.mark.parametrize("state", ["restarted", "reloaded"])
def test_acting_each_time(modules: Modules, state: str) -> None:
    for _ in range(2):
        assert modules.ok("node_service", **F, service="pveproxy", state=state)["changed"]
        assert len(modules.lab.writes()) == 1


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"service": "pveproxy", "state": "stopped"},
            "Cannot stop service pveproxy of node father: Proxmox VE does not answer without it. It can be restarted.",
        ),
        (
            {"service": "postfix", "state": "started"},
            "Cannot start service postfix of node father: it is not installed there.",
        ),
        (
            {"service": "corosync", "state": "restarted"},
            "Cannot restart service corosync of node father: it is masked there. Run 'systemctl unmask corosync' on "
            "the node.",
        ),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("node_service", **F, **wish) == message


def test_least_privileges(modules: Modules) -> None:
    needed = {"/nodes/father": ["Sys.Audit", "Sys.Modify"]}
    wish: dict[str, Any] = {**F, "service": "cron", "state": "stopped"}
    assert modules.refusals(needed, "node_service", **wish) == {
        "Sys.Audit on /nodes/father": (
            "GET /nodes/father/services/cron/state: " + denied("Sys.Audit", "/nodes/father")
        ),
        "Sys.Modify on /nodes/father": (
            "Cannot stop service cron of node father: POST /nodes/father/services/cron/stop: "
            + denied("Sys.Modify", "/nodes/father")
        ),
    }
    modules.limited(needed).converge("node_service", **wish)
