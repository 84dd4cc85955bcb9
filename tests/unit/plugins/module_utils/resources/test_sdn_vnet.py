"""Planning a virtual network. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_vnet import FIELDS, VNET

from .reading import Table
from .sdn_schema import needs_schema, parameters

COLLECTION = "/cluster/sdn/vnets"
PATH = f"{COLLECTION}/v1"
V1 = {"vnet": "v1", "type": "vnet", "zone": "inner", "alias": "net one", "digest": "d"}


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    made = VNET.plan({"state": "present", "vnet": "v1", **wish}, have)
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"zone": "inner", "alias": "net one", "vlanaware": False}, V1, []),
        ({"alias": ""}, V1, [("PUT", PATH, {"delete": "alias", "digest": "d"})]),
        ({"zone": "other", "tag": 20}, V1, [("PUT", PATH, {"zone": "other", "tag": 20, "digest": "d"})]),
        (
            {"zone": "inner", "isolate_ports": True},
            None,
            [("POST", COLLECTION, {"vnet": "v1", "zone": "inner", "isolate-ports": 1})],
        ),
        ({"state": "absent"}, V1, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({}, "Option 'zone' is needed: vnet v1 does not exist yet."),
        ({"zone": "inner", "tag": 0}, "Option 'tag': 0 is not from 1 to 16777215"),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        steps(wish, None)
    assert str(caught.value) == message


def test_only_proxmox_saying_so_is_absent() -> None:
    gone = PveError("GET", PATH, 500, "sdn vnet 'v1' does not exist")
    assert VNET.describe(Table({PATH: gone}), {"vnet": "v1"}) is None


@pytest.mark.shared
@needs_schema
def test_every_option_of_the_schema_is_here() -> None:
    ours = {item.key for item in FIELDS}
    assert ours == parameters("POST", COLLECTION) - {"vnet", "type"}
    assert ours == parameters("PUT", f"{COLLECTION}/{{vnet}}") - {"vnet"}
