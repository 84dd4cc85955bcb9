"""Module acme_plugin against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

CF: dict[str, Any] = {
    "id": "cf1", "type": "dns", "api": "cf", "data": {"CF_Token": "topsecret", "CF_Zone_ID": "zone-1"},
}  # fmt: skip


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("acme_plugin", **CF, validation_delay=60)
    assert made["acme_plugin"] == {"type": "dns", "api": "cf", "validation_delay": 60}
    changed = modules.converge("acme_plugin", id="cf1", data={"CF_Token": "another secret"}, nodes=["father"])
    assert changed["plan"] == ["set data, nodes of acme_plugin cf1"]
    assert "secret" not in f"{made} {changed}"
    modules.converge("acme_plugin", id="cf1", data={}, nodes=[], disable=True)
    modules.converge("acme_plugin", id="cf1", state="absent")


def test_the_one_that_is_always_there(modules: Modules) -> None:
    modules.unchanged("acme_plugin", id="standalone", type="standalone")
    modules.converge("acme_plugin", id="standalone", disable=True)


def test_what_is_as_wished_costs_one_request(modules: Modules) -> None:
    modules.ok("acme_plugin", **CF)
    modules.unchanged("acme_plugin", **CF)
    assert [(request.method, request.path) for request in modules.lab.requests()] == [
        ("GET", "/cluster/acme/plugins/cf1")
    ]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"id": "standalone", "state": "absent"},
            "Cannot remove acme_plugin standalone: Proxmox VE always has it. Set disable: true to keep it from being "
            "used.",
        ),
        ({"id": "cf1", "api": "cf"}, "Option 'type' is needed: acme_plugin cf1 does not exist yet."),
        ({"id": "cf1", "type": "dns"}, "Option 'api' is needed: acme_plugin cf1 does not exist yet."),
        (
            {"id": "x1", "type": "standalone", "api": "cf"},
            "Option 'api' is for type dns only, and this is of type standalone.",
        ),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("acme_plugin", **wish) == message


def test_what_proxmox_refuses(modules: Modules) -> None:
    result = modules.run("acme_plugin", id="cf1", type="dns", api="cloudflair")
    assert result["msg"].startswith(
        "Cannot create acme_plugin cf1: POST /cluster/acme/plugins: 400 Parameter verification failed (api: "
    )


def test_least_privileges(modules: Modules) -> None:
    needed = {"/": ["Sys.Modify"]}
    assert modules.refusals(needed, "acme_plugin", **CF) == {
        "Sys.Modify on /": f"GET /cluster/acme/plugins/cf1: {denied('Sys.Modify', '/')}"
    }
    limited = modules.limited(needed)
    for wish in (CF, {"id": "cf1", "disable": True}, {"id": "cf1", "state": "absent"}):
        limited.converge("acme_plugin", **wish)
