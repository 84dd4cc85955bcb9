"""What a firewall configuration has. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_info import info, parts

from .reading import Table, row

FIREWALL = "/cluster/firewall"
WEB = "/nodes/father/qemu/104/firewall"
ANSWERS: dict[str, Any] = {
    f"{FIREWALL}/options": {"enable": 1763000000, "policy_in": "DROP", "digest": "d"},
    f"{FIREWALL}/groups": [{"group": "web", "digest": "d"}, {"group": "mail", "comment": "c", "digest": "d"}],
    f"{FIREWALL}/groups/web": [],
    f"{FIREWALL}/groups/mail": [{"type": "in", "action": "DROP", "enable": 1, "pos": 0, "digest": "d", "ipversion": 4}],
    "/cluster/resources": [row(104, "web")],
    f"{WEB}/aliases": [{"name": "b", "cidr": "192.0.2.1", "digest": "d"}, {"name": "a", "cidr": "::1", "comment": "c"}],
    f"{WEB}/ipset": [{"name": "s", "digest": "d"}],
    f"{WEB}/ipset/s": [{"cidr": "192.0.2.1", "nomatch": 1, "digest": "d"}],
    f"{WEB}/refs": [{"type": "ipset", "name": "s", "ref": "+s", "scope": "guest", "digest": "d"}],
}
GUEST = {"level": "guest", "vmid": 104}


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"level": "cluster", "gather": ["options"]}, {"options": {"enable": True, "policy_in": "DROP"}}),
        (
            {"level": "cluster", "gather": ["groups"]},
            {
                "groups": [
                    {"group": "mail", "comment": "c", "rules": [{"type": "in", "action": "DROP", "enable": True}]},
                    {"group": "web", "comment": "", "rules": []},
                ]
            },
        ),
        (
            {**GUEST, "gather": ["refs", "aliases", "ipsets"]},
            {
                "aliases": [{"name": "a", "cidr": "::1", "comment": "c"}, {"name": "b", "cidr": "192.0.2.1"}],
                "ipsets": [{"name": "s", "members": [{"cidr": "192.0.2.1", "nomatch": True, "comment": ""}]}],
                "refs": [{"type": "ipset", "name": "s", "ref": "+s", "scope": "guest"}],
            },
        ),
    ],
    ids=str,
)
def test_what_is_told(wish: dict[str, Any], expected: dict[str, Any]) -> None:
    assert info(Table(ANSWERS), wish) == {"changed": False, **expected}


@pytest.mark.parametrize(
    ("level", "known"),
    [
        ("cluster", ["options", "rules", "aliases", "ipsets", "groups", "refs"]),
        ("node", ["options", "rules"]),
        ("guest", ["options", "rules", "aliases", "ipsets", "refs"]),
        ("vnet", ["options", "rules"]),
        ("group", ["rules"]),
    ],
)
def test_parts_of_a_level(level: str, known: list[str]) -> None:
    assert parts({"level": level}) == known


def test_a_part_that_the_level_has_not() -> None:
    with pytest.raises(ConfigError, match="Option 'gather': level node has no aliases; it has options, rules"):
        parts({"level": "node", "gather": ["aliases"]})
