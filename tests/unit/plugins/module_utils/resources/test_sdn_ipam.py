"""Planning a manager of addresses of the software defined network. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_ipam import IPAM

from .reading import Table

COLLECTION, PATH = "/cluster/sdn/ipams", "/cluster/sdn/ipams/nb"
HAVE = {"ipam": "nb", "type": "netbox", "url": "https://x", "token": "k", "digest": "d"}


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    made = IPAM.plan({"state": "present", "ipam": "nb", **wish}, have)
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"type": "netbox", "url": "https://x", "token": "k"}, HAVE, []),
        ({"token": "l"}, HAVE, [("PUT", PATH, {"token": "l", "digest": "d"})]),
        ({"type": "pve"}, None, [("POST", COLLECTION, {"ipam": "nb", "type": "pve"})]),
        (
            {"type": "phpipam", "url": "https://x", "token": "k", "section": 3},
            None,
            [
                (
                    "POST",
                    COLLECTION,
                    {"ipam": "nb", "type": "phpipam", "url": "https://x", "token": "k", "section": 3},
                )
            ],
        ),
        ({"state": "absent"}, HAVE, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


@pytest.mark.parametrize(
    ("wish", "option"),
    [({"type": "netbox", "url": "u"}, "token"), ({"type": "phpipam", "url": "u", "token": "t"}, "section")],
    ids=str,
)
def test_what_a_type_needs(wish: dict[str, Any], option: str) -> None:
    with pytest.raises(ConfigError, match=f"^Option '{option}' is needed: ipam nb is of the type {wish['type']}"):
        steps(wish, None)


def test_one_that_a_zone_uses_stays() -> None:
    read = Table({PATH: HAVE, "/cluster/sdn/zones": [{"zone": "b", "ipam": "nb"}, {"zone": "c", "ipam": "nb"}]})
    with pytest.raises(RefusedError, match=r"^Cannot remove ipam nb: zone b, zone c use it\."):
        IPAM.describe(read, {"ipam": "nb", "state": "absent"})
