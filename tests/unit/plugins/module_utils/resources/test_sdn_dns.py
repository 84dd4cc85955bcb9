"""Planning a name server of the software defined network. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_dns import DNS

from .reading import Table

COLLECTION, PATH = "/cluster/sdn/dns", "/cluster/sdn/dns/names"
HAVE = {"dns": "names", "type": "powerdns", "url": "https://x", "key": "k", "digest": "d"}


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"url": "https://x", "key": "k"}, HAVE, []),
        ({"key": "l"}, HAVE, [("PUT", PATH, {"key": "l", "digest": "d"})]),
        (
            {"type": "powerdns", "url": "https://x", "key": "k", "lock_token": "t"},
            None,
            [
                (
                    "POST",
                    COLLECTION,
                    {"dns": "names", "type": "powerdns", "url": "https://x", "key": "k", "lock-token": "t"},
                )
            ],
        ),
        ({"state": "absent", "lock_token": "t"}, HAVE, [("DELETE", PATH, {"lock-token": "t"})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    made = DNS.plan({"state": "present", "dns": "names", **wish}, have)
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == expected


@pytest.mark.parametrize("option", ["dns", "reversedns"])
def test_one_that_a_zone_uses_stays(option: str) -> None:
    read = Table({PATH: HAVE, "/cluster/sdn/zones": [{"zone": "a"}, {"zone": "b", option: "names"}]})
    with pytest.raises(RefusedError, match=r"^Cannot remove dns names: zone b uses it\."):
        DNS.describe(read, {"dns": "names", "state": "absent"})


def test_zones_are_looked_at_only_before_a_removal() -> None:
    read = Table({PATH: HAVE})
    assert DNS.describe(read, {"dns": "names", "state": "present"}) == HAVE
    assert read.asked == [PATH]


def test_the_key_is_not_shown() -> None:
    assert DNS.result(HAVE) == {"dns": {"dns": "names", "type": "powerdns", "url": "https://x"}}
