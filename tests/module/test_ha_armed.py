"""Module ha_armed against the lab's API."""

from __future__ import annotations

from .conftest import Modules, denied


def test_twelve_steps(cluster: Modules) -> None:
    cluster.ok("ha_resource", sid="vm:9000", state="ignored")
    off = cluster.converge("ha_armed", state="disarmed", resource_mode="freeze")
    assert (off["armed_state"], off["resource_mode"]) == ("disarmed", "freeze")
    cluster.unchanged("ha_armed", state="disarmed")
    assert len(cluster.lab.requests()) == 1
    assert cluster.message("ha_armed", state="disarmed", resource_mode="ignore") == (
        "Cannot disarm high availability with resource_mode ignore: it is disarmed with freeze. Arm it first (state: "
        "armed)."
    )
    on = cluster.converge("ha_armed")
    assert on["resource_mode"] is None


def test_how_is_needed(modules: Modules) -> None:
    assert modules.message("ha_armed", state="disarmed") == (
        "Option 'resource_mode' is needed to disarm high availability: freeze or ignore."
    )


def test_least_privileges(cluster: Modules) -> None:
    needed = {"/": ["Sys.Audit", "Sys.Console"]}
    wish = {"state": "disarmed", "resource_mode": "ignore"}
    assert cluster.refusals(needed, "ha_armed", **wish) == {
        "Sys.Audit on /": f"GET /cluster/ha/status/current: {denied('Sys.Audit', '/')}",
        "Sys.Console on /": "Cannot disarm high availability: POST /cluster/ha/status/disarm-ha: "
        f"{denied('Sys.Console', '/')}",
    }
    limited = cluster.limited(needed)
    limited.converge("ha_armed", **wish)
    limited.converge("ha_armed", state="armed")
