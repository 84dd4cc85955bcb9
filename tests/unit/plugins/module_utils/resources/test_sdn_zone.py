"""Planning a zone of the software defined network. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_zone import FIELDS, ZONE

from .reading import Table
from .sdn_schema import needs_schema, parameters

COLLECTION = "/cluster/sdn/zones"
PATH = f"{COLLECTION}/z"
SIMPLE = {"zone": "z", "type": "simple", "mtu": 1400, "nodes": "a,b", "digest": "d"}


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    made = ZONE.plan({"state": "present", "zone": "z", **wish}, have)
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({}, SIMPLE, []),
        ({"type": "simple", "mtu": 1400, "nodes": ["b", "a"], "advertise_subnets": False}, SIMPLE, []),
        ({"nodes": []}, SIMPLE, [("PUT", PATH, {"delete": "nodes", "digest": "d"})]),
        ({"dhcp": "dnsmasq"}, SIMPLE, [("PUT", PATH, {"dhcp": "dnsmasq", "digest": "d"})]),
        ({"dhcp": ""}, SIMPLE, []),
        ({"dhcp": ""}, {**SIMPLE, "dhcp": "dnsmasq"}, [("PUT", PATH, {"delete": "dhcp", "digest": "d"})]),
        (
            {"type": "qinq", "bridge": "vmbr0", "tag": 20, "vlan_protocol": "802.1ad"},
            None,
            [
                (
                    "POST",
                    COLLECTION,
                    {"zone": "z", "type": "qinq", "bridge": "vmbr0", "tag": 20, "vlan-protocol": "802.1ad"},
                )
            ],
        ),
        (
            {"type": "vxlan", "peers": ["10.0.0.2", "10.0.0.1"]},
            None,
            [("POST", COLLECTION, {"zone": "z", "type": "vxlan", "peers": "10.0.0.1,10.0.0.2"})],
        ),
        ({"vxlan_port": 4789}, {"zone": "z", "type": "vxlan", "peers": "10.0.0.1"}, []),
        ({"state": "absent"}, SIMPLE, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


@pytest.mark.parametrize(
    ("wish", "have", "kind", "message"),
    [
        ({}, None, ConfigError, "Option 'type' is needed: zone z does not exist yet."),
        ({"vrf_vxlan": 0}, SIMPLE, ConfigError, "Option 'vrf_vxlan': 0 is not from 1 to 16777215"),
        (
            {"type": "vlan"},
            SIMPLE,
            RefusedError,
            "Cannot change type of zone z from simple to vlan: Proxmox VE sets it only at creation. "
            "Keep the present value, or remove the zone first (state: absent) and create it anew.",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_refusals(wish: dict[str, Any], have: dict[str, Any] | None, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        steps(wish, have)
    assert str(caught.value) == message


def test_only_proxmox_saying_so_is_absent() -> None:
    gone = PveError("GET", PATH, 500, "sdn 'z' does not exist")
    assert ZONE.describe(Table({PATH: gone}), {"zone": "z"}) is None
    with pytest.raises(PveError):
        ZONE.describe(Table({PATH: PveError("GET", PATH, 500, "no quorum")}), {"zone": "z"})


@pytest.mark.shared
@needs_schema
def test_every_option_of_the_schema_is_here() -> None:
    ours = {item.key for item in FIELDS}
    assert ours == parameters("POST", COLLECTION) - {"zone"}
    fixed = {item.key for item in FIELDS if item.create_only}
    assert ours - fixed == parameters("PUT", f"{COLLECTION}/{{zone}}") - {"zone"}
