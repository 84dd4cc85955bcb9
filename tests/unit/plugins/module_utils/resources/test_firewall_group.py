"""Planning a security group of the firewall. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_group import describe, plan

from .reading import Table

LIST = "/cluster/firewall/groups"
ITEM = f"{LIST}/web"
GROUP = {"group": "web", "comment": "c", "digest": "d1"}
OLD = {**GROUP, "group": "www"}
RULE = {"type": "in", "action": "ACCEPT", "proto": "esp", "enable": 1, "pos": 0, "digest": "d2"}
ESP = {"type": "in", "action": "ACCEPT", "proto": "esp", "enable": True}
UNUSED: dict[str, list[Any]] = {
    path: [] for path in ("/cluster/firewall/rules", "/cluster/resources", "/cluster/sdn/vnets", "/nodes")
}


def planned(wish: dict[str, Any], groups: list[Any], rules: list[Any], **more: Any) -> list[Any]:
    whole = {"state": "present", "group": "web", "key": "content", **wish}
    table = Table({**UNUSED, LIST: groups, ITEM: rules, f"{LIST}/www": rules, **more})
    return [(step.verb, step.path, dict(step.params)) for step in plan(whole, describe(table, whole)).steps]


@pytest.mark.parametrize(
    ("wish", "groups", "rules", "expected"),
    [
        ({}, [GROUP], [RULE], []),
        ({"rules": [ESP], "comment": "c"}, [GROUP], [RULE], []),
        ({"rules": []}, [], [], [("POST", LIST, {"group": "web"})]),
        (
            {"rules": [ESP], "comment": "c"},
            [],
            [],
            [("POST", LIST, {"group": "web", "comment": "c"}), ("POST", ITEM, {**ESP, "enable": 1})],
        ),
        (
            {"comment": "x", "rules": []},
            [GROUP],
            [RULE],
            [
                ("POST", LIST, {"group": "web", "rename": "web", "comment": "x", "digest": "d1"}),
                ("DELETE", f"{ITEM}/0", {"digest": "d2"}),
            ],
        ),
        (
            {"comment": ""},
            [GROUP],
            [],
            [("POST", LIST, {"group": "web", "rename": "web", "comment": "", "digest": "d1"})],
        ),
        ({"rename": "www"}, [GROUP], [], []),
        ({"rename": "www"}, [], [], [("POST", LIST, {"group": "web"})]),
        ({"rename": "www"}, [OLD], [], [("POST", LIST, {"group": "web", "rename": "www", "digest": "d1"})]),
        (
            {"rename": "www", "comment": "x", "rules": []},
            [OLD],
            [RULE],
            [
                ("POST", LIST, {"group": "web", "rename": "www", "comment": "x", "digest": "d1"}),
                ("DELETE", f"{ITEM}/0", {"digest": "d2"}),
            ],
        ),
        ({"state": "absent"}, [GROUP], [RULE], [("DELETE", f"{ITEM}/0", {"digest": "d2"}), ("DELETE", ITEM, {})]),
        ({"state": "absent"}, [GROUP], [], [("DELETE", ITEM, {})]),
        ({"state": "absent"}, [], [], []),
        ({"state": "absent", "rename": "www"}, [OLD], [], []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], groups: list[Any], rules: list[Any], expected: list[Any]) -> None:
    assert planned(wish, groups, rules) == expected


def test_two_groups_can_t_become_one() -> None:
    message = "Cannot rename security group www to web: there are both. Remove one of them first."
    with pytest.raises(RefusedError, match=f"^{message}$"):
        planned({"rename": "www"}, [GROUP, OLD], [])


def test_a_group_that_rules_use_stays() -> None:
    rules = {"/cluster/firewall/rules": [{"type": "group", "action": "web", "pos": 4}]}
    with pytest.raises(RefusedError, match="Cannot remove security group web of the cluster: it is used by rule 4 of"):
        planned({"state": "absent"}, [GROUP], [], **rules)
