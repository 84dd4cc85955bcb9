"""Module ha_status_info against the lab's API."""

from __future__ import annotations

from .conftest import Modules, denied


def test_a_node_that_manages_nothing(modules: Modules) -> None:
    found = modules.unchanged("ha_status_info")
    assert (found["quorate"], found["manager"], found["nodes"], found["resources"]) == (True, None, [], [])


def test_managed_guests(modules: Modules) -> None:
    for vmid in (200, 201):
        modules.container(vmid)
        modules.ok("ha_resource", sid=f"ct:{vmid}", state="ignored", max_restart=2, comment="c")
    found = modules.ok("ha_status_info")
    assert [row["sid"] for row in found["resources"]] == ["ct:200", "ct:201"]
    (one,) = modules.ok("ha_status_info", sid="201", node="father")["resources"]
    assert {name: one[name] for name in ("sid", "node", "state", "request_state", "max_restart", "comment")} == {
        "sid": "ct:201",
        "node": "father",
        "state": "ignored",
        "request_state": "ignored",
        "max_restart": 2,
        "comment": "c",
    }
    assert one["failback"] is True


def test_what_is_not_managed_is_not_listed(modules: Modules) -> None:
    assert modules.ok("ha_status_info", sid="ct:999")["resources"] == []


def test_least_privileges(modules: Modules) -> None:
    needed = {"/": ["Sys.Audit"]}
    assert modules.refusals(needed, "ha_status_info") == {
        "Sys.Audit on /": f"GET /cluster/ha/status/current: {denied('Sys.Audit', '/')}"
    }
    assert modules.limited(needed).ok("ha_status_info")["quorate"] is True
