"""Planning a subnet of a virtual network. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_subnet import FIELDS, SUBNET

from .reading import Table
from .sdn_schema import needs_schema, parameters

COLLECTION = "/cluster/sdn/vnets/v1/subnets"
VNETS = "/cluster/sdn/vnets"
NAME = "inner-10.50.0.0-24"
PATH = f"{COLLECTION}/{NAME}"
ONE = {
    "subnet": NAME,
    "id": NAME,
    "cidr": "10.50.0.0/24",
    "vnet": "v1",
    "type": "subnet",
    "gateway": "10.50.0.1",
    "dhcp-range": [
        {"start-address": "10.50.0.200", "end-address": "10.50.0.209"},
        {"start-address": "10.50.0.100", "end-address": "10.50.0.109"},
    ],
    "digest": "d",
}
FIRST = "start-address=10.50.0.100,end-address=10.50.0.109"
SECOND = "start-address=10.50.0.200,end-address=10.50.0.209"


def wished(**wish: Any) -> dict[str, Any]:
    return {"state": "present", "vnet": "v1", "subnet": "10.50.0.0/24", **wish}


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    return [(step.verb, step.path, dict(step.params)) for step in SUBNET.plan(wished(**wish), have).steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"gateway": "10.50.0.1", "snat": False, "dhcp_range": [FIRST, SECOND]}, ONE, []),
        (
            {"dhcp_range": [{"start_address": "10.50.0.100", "end-address": "10.50.0.109"}]},
            ONE,
            [("PUT", PATH, {"dhcp-range": [FIRST], "digest": "d"})],
        ),
        ({"dhcp_range": [], "gateway": ""}, ONE, [("PUT", PATH, {"delete": "dhcp-range,gateway", "digest": "d"})]),
        ({"dhcp_range": []}, {**ONE, "dhcp-range": []}, []),
        (
            {"snat": True, "dhcp_range": [SECOND, FIRST]},
            None,
            [
                (
                    "POST",
                    COLLECTION,
                    {"subnet": "10.50.0.0/24", "type": "subnet", "snat": 1, "dhcp-range": [FIRST, SECOND]},
                )
            ],
        ),
        ({"state": "absent"}, ONE, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"subnet": "10.50.0.1/24"},
            "Option 'subnet': '10.50.0.1/24' is not a network such as 10.50.0.0/24 (10.50.0.1/24 has host bits set)",
        ),
        (
            {"subnet": "10.50.0.0"},
            "Option 'subnet': '10.50.0.0' is not a network such as 10.50.0.0/24 (the mask is missing)",
        ),
        ({"gateway": "router"}, "Option 'gateway': 'router' is not an address"),
        (
            {"dhcp_range": ["start-address=10.50.0.2"]},
            "Option 'dhcp_range': 'start-address=10.50.0.2' has no end-address",
        ),
        (
            {"dhcp_range": [{"from": "10.50.0.2"}]},
            "Option 'dhcp_range': unknown property 'from'; known are end-address, start-address",
        ),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        steps(wish, None)
    assert str(caught.value) == message


def test_it_is_found_by_its_network() -> None:
    table = Table({COLLECTION: [{**ONE, "cidr": "10.51.0.0/24"}, ONE], VNETS: [{"vnet": "v1", "zone": "inner"}]})
    assert SUBNET.describe(table, wished()) == ONE
    assert SUBNET.describe(table, wished(subnet="10.52.0.0/24")) is None


def test_a_vnet_that_is_not_there_has_none() -> None:
    table = Table({COLLECTION: PveError("GET", COLLECTION, 500, "sdn vnet 'v1' does not exist")})
    assert SUBNET.describe(table, wished(state="absent")) is None
    with pytest.raises(ConfigError) as caught:
        SUBNET.describe(table, wished())
    assert str(caught.value) == (
        "Cannot find subnet 10.50.0.0/24: there is no vnet v1. Declare it first (module sdn_vnet)."
    )


@pytest.mark.shared
@needs_schema
def test_every_option_of_the_schema_is_here() -> None:
    ours = {item.key for item in FIELDS}
    generic = "/cluster/sdn/vnets/{vnet}/subnets"
    assert ours == parameters("POST", generic) - {"vnet", "subnet", "type"}
    assert ours == parameters("PUT", f"{generic}/{{subnet}}") - {"vnet", "subnet"}
