"""Planning a controller of the software defined network. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_controller import CONTROLLER, FIELDS

from .sdn_schema import needs_schema, parameters

COLLECTION = "/cluster/sdn/controllers"
PATH = f"{COLLECTION}/c"
EVPN = {"controller": "c", "type": "evpn", "asn": 65000, "peers": "10.0.0.1, 10.0.0.2", "digest": "d"}


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    made = CONTROLLER.plan({"state": "present", "controller": "c", **wish}, have)
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"type": "evpn", "asn": 65000, "peers": ["10.0.0.2", "10.0.0.1"], "ebgp": False}, EVPN, []),
        ({"peers": ["10.0.0.1"]}, EVPN, [("PUT", PATH, {"peers": "10.0.0.1", "digest": "d"})]),
        (
            {"peers": [], "fabric": "spine"},
            EVPN,
            [("PUT", PATH, {"fabric": "spine", "delete": "peers", "digest": "d"})],
        ),
        (
            {"type": "bgp", "node": "father", "asn": 65001, "peers": ["10.0.0.9"], "ebgp": True, "ebgp_multihop": 2},
            None,
            [
                (
                    "POST",
                    COLLECTION,
                    {
                        "controller": "c",
                        "type": "bgp",
                        "node": "father",
                        "asn": 65001,
                        "peers": "10.0.0.9",
                        "ebgp": 1,
                        "ebgp-multihop": 2,
                    },
                )
            ],
        ),
        ({"state": "absent"}, EVPN, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


@pytest.mark.parametrize(
    ("wish", "have", "kind", "message"),
    [
        ({}, None, ConfigError, "Option 'type' is needed: controller c does not exist yet."),
        ({"asn": -1}, EVPN, ConfigError, "Option 'asn': -1 is not from 0 to 4294967295"),
        (
            {"type": "bgp"},
            EVPN,
            RefusedError,
            "Cannot change type of controller c from evpn to bgp: Proxmox VE sets it only at creation. "
            "Keep the present value, or remove the controller first (state: absent) and create it anew.",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_refusals(wish: dict[str, Any], have: dict[str, Any] | None, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        steps(wish, have)
    assert str(caught.value) == message


@pytest.mark.shared
@needs_schema
def test_every_option_of_the_schema_is_here() -> None:
    ours = {item.key for item in FIELDS}
    assert ours == parameters("POST", COLLECTION) - {"controller"}
    fixed = {item.key for item in FIELDS if item.create_only}
    assert ours - fixed == parameters("PUT", f"{COLLECTION}/{{controller}}") - {"controller"}
