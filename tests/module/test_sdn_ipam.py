"""Module sdn_ipam against the lab's API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Modules, denied

TOKEN = "verySecretToken"
NETBOX: dict[str, Any] = {"ipam": "nb", "type": "netbox", "url": "https://netbox.example/api", "token": TOKEN}


@pytest.mark.parametrize(
    "wish",
    [NETBOX, {**NETBOX, "type": "phpipam", "section": 1}, {"ipam": "own", "type": "pve"}],
    ids=lambda wish: str(wish["type"]),
)
def test_twelve_steps(modules: Modules, wish: dict[str, Any]) -> None:
    made = modules.converge("sdn_ipam", **wish)
    assert made["ipam"] == {key: value for key, value in wish.items() if key != "token"}
    assert TOKEN not in json.dumps(made)
    modules.converge("sdn_ipam", ipam=wish["ipam"], state="absent")


def test_what_differs_is_changed(modules: Modules) -> None:
    modules.ok("sdn_ipam", **NETBOX)
    changed = modules.converge("sdn_ipam", ipam="nb", token="another", url="https://nb.example/api")
    assert changed["diff"]["after"] == {"token": "********", "url": "https://nb.example/api"}
    assert TOKEN not in json.dumps(changed)


def test_nothing_to_do_costs_one_request(modules: Modules) -> None:
    modules.ok("sdn_ipam", **NETBOX)
    modules.ok("sdn_ipam", **NETBOX)
    assert len(modules.lab.requests()) == 1


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"ipam": "xx", "type": "netbox", "url": "u"}, "Option 'token' is needed: ipam xx is of the type netbox."),
        ({"ipam": "xx"}, "Option 'type' is needed: ipam xx does not exist yet."),
        ({"ipam": "pve", "state": "absent"}, "Cannot remove ipam pve: it is built in."),
        (
            {"ipam": "nb", "state": "absent"},
            "Cannot remove ipam nb: zone inner uses it. "
            "Set ipam of the zone to another one, or to '', first (module sdn_zone).",
        ),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.ok("sdn_ipam", **NETBOX)
    modules.ok("sdn_zone", zone="inner", type="simple", ipam="nb")
    assert modules.message("sdn_ipam", **wish) == message


def test_least_privileges(modules: Modules) -> None:
    needed = {"/sdn/ipams": ["SDN.Allocate"]}
    assert modules.refusals(needed, "sdn_ipam", **NETBOX) == {
        "SDN.Allocate on /sdn/ipams": f"GET /cluster/sdn/ipams/nb: {denied('SDN.Allocate', '/sdn/ipams/nb')}"
    }
    limited = modules.limited(needed)
    for wish in (NETBOX, {"ipam": "nb", "url": "https://x.example"}, {"ipam": "nb", "state": "absent"}):
        limited.converge("sdn_ipam", **wish)
