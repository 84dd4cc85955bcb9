"""Planning a fabric of the software defined network. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_fabric import FABRIC

from .reading import Table

COLLECTION = "/cluster/sdn/fabrics/fabric"
PATH = f"{COLLECTION}/spine"
HAVE = {"id": "spine", "protocol": "openfabric", "ip_prefix": "10.30.0.0/24", "hello_interval": 3, "digest": "d"}
KNOWN = {"protocol": "openfabric", "digest": "d"}


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"ip_prefix": "10.30.0.5/24", "hello_interval": 3.0}, HAVE, []),
        ({"hello_interval": 5}, HAVE, [("PUT", PATH, {**KNOWN, "hello_interval": "5"})]),
        ({"ip_prefix": ""}, HAVE, [("PUT", PATH, {**KNOWN, "delete": ["ip_prefix"]})]),
        (
            {"protocol": "ospf", "area": "0", "lock_token": "t"},
            None,
            [("POST", COLLECTION, {"id": "spine", "protocol": "ospf", "area": "0", "lock-token": "t"})],
        ),
        ({"state": "absent"}, HAVE, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    made = FABRIC.plan({"state": "present", "id": "spine", **wish}, have)
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == expected


def test_one_that_is_not_there() -> None:
    missing = PveError("GET", PATH, 500, "fabric 'spine' does not exist in configuration")
    assert FABRIC.describe(Table({PATH: missing}), {"id": "spine", "state": "present"}) is None
    with pytest.raises(PveError):
        FABRIC.describe(Table({}), {"id": "spine", "state": "present"})


def test_before_version_9_there_are_none() -> None:
    unknown = PveError("GET", PATH, 501, "Method 'GET /cluster/sdn/fabrics/fabric/spine' not implemented")
    assert FABRIC.describe(Table({PATH: unknown}), {"id": "spine", "state": "absent"}) is None
    with pytest.raises(RefusedError) as caught:
        FABRIC.describe(Table({PATH: unknown}), {"id": "spine", "state": "present"})
    assert str(caught.value) == (
        "This Proxmox VE has no fabrics: they come with version 9. Upgrade it, or leave them out."
    )
