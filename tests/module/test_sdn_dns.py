"""Module sdn_dns against the lab's API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Modules, denied

KEY = "verySecretKey"
NAMES: dict[str, Any] = {"dns": "names", "type": "powerdns", "url": "https://dns.example/api", "key": KEY, "ttl": 300}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("sdn_dns", **NAMES)
    assert made["dns"] == {"dns": "names", "type": "powerdns", "url": "https://dns.example/api", "ttl": 300}
    assert KEY not in json.dumps(made)
    changed = modules.converge("sdn_dns", dns="names", reversemaskv6=48)
    assert changed["dns"]["reversemaskv6"] == 48
    modules.converge("sdn_dns", dns="names", state="absent")


def test_a_key_is_compared_and_never_shown(modules: Modules) -> None:
    modules.ok("sdn_dns", **NAMES)
    changed = modules.converge("sdn_dns", dns="names", key="another")
    assert changed["diff"] == {"before": {"key": "********"}, "after": {"key": "********"}}
    assert KEY not in json.dumps(changed)


def test_nothing_to_do_costs_one_request(modules: Modules) -> None:
    modules.ok("sdn_dns", **NAMES)
    modules.ok("sdn_dns", **NAMES)
    assert len(modules.lab.requests()) == 1


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"dns": "other", "type": "powerdns", "url": "x"}, "Option 'key' is needed: dns other does not exist yet."),
        (
            {"dns": "names", "server_fingerprint": "AB:CD"},
            "Option 'server_fingerprint': 'AB:CD' is not a SHA-256 fingerprint of the form AB:CD:...",
        ),
        (
            {"dns": "names", "state": "absent"},
            "Cannot remove dns names: zone inner uses it. "
            "Set dns and reversedns of the zone to '' first (module sdn_zone).",
        ),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    modules.ok("sdn_dns", **NAMES)
    modules.ok("sdn_zone", zone="inner", type="simple", reversedns="names")
    assert modules.message("sdn_dns", **wish) == message


def test_least_privileges(modules: Modules) -> None:
    needed = {"/sdn/dns": ["SDN.Allocate"]}
    assert modules.refusals(needed, "sdn_dns", **NAMES) == {
        "SDN.Allocate on /sdn/dns": f"GET /cluster/sdn/dns/names: {denied('SDN.Allocate', '/sdn/dns/names')}"
    }
    limited = modules.limited(needed)
    for wish in (NAMES, {"dns": "names", "ttl": 60}, {"dns": "names", "state": "absent"}):
        limited.converge("sdn_dns", **wish)
