"""Planning HA groups of release 8 with the guests in them. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_placement import (
    NODES,
    Grouped,
    plan_group,
    read_group,
)
from hypothesis import given
from hypothesis import strategies as st

from .reading import Table

PATH, MANAGED = "/cluster/ha/groups/shop", "/cluster/ha/resources"
ROW = {"group": "shop", "type": "group", "nodes": "father:2,mother:0", "nofailback": 0, "digest": "d1"}
IN_IT = {"vm:100": {"group": "shop"}, "vm:101": {"group": "other"}, "ct:200": {}}


def planned(wish: dict[str, Any], have: Grouped) -> Plan:
    return plan_group({"state": "present", "group": "shop", **wish}, have)


def steps(wish: dict[str, Any], have: Grouped) -> list[tuple[str, str, dict[str, Any]]]:
    return [(step.verb, step.path, dict(step.params)) for step in planned(wish, have).steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"nodes": ["mother", "father:2"], "restricted": False, "comment": ""}, Grouped("shop", ROW), []),
        ({"resources": ["vm:100"]}, Grouped("shop", ROW, IN_IT), []),
        ({"nofailback": True}, Grouped("shop", ROW), [("PUT", PATH, {"nofailback": 1, "digest": "d1"})]),
        (
            {"resources": ["vm:101", "ct:200"], "nodes": ["father"]},
            Grouped("shop", ROW, IN_IT),
            [
                ("PUT", PATH, {"nodes": "father", "digest": "d1"}),
                ("PUT", f"{MANAGED}/ct%3A200", {"group": "shop"}),
                ("PUT", f"{MANAGED}/vm%3A101", {"group": "shop"}),
                ("PUT", f"{MANAGED}/vm%3A100", {"delete": "group"}),
            ],
        ),
        ({"state": "absent"}, Grouped("shop", ROW), [("DELETE", PATH, {})]),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: Grouped, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


def test_what_is_shown() -> None:
    made = planned({"resources": [], "comment": "c"}, Grouped("shop", ROW, IN_IT))
    assert [step.reason for step in made.steps] == ["set comment of HA group shop", "take vm:100 out of HA group shop"]
    assert (made.before, made.after) == ({"resources": "vm:100"}, {"comment": "c"})


def test_a_guest_that_is_not_managed() -> None:
    with pytest.raises(RefusedError) as error:
        planned({"resources": ["vm:7"]}, Grouped("shop", ROW, IN_IT))
    assert str(error.value) == (
        "Cannot put vm:7 into HA group shop: it is not managed. Have high availability manage the guest first, with "
        "the module ha_resource."
    )


def test_reading() -> None:
    answers = {PATH: PveError("GET", PATH, 500, "no such ha group 'shop'"), MANAGED: [{"sid": "vm:1", "group": "shop"}]}
    table = Table(answers)
    assert read_group(table, "shop", with_members=False) == Grouped("shop", None)
    assert table.asked == [PATH]
    assert read_group(table, "shop", with_members=True).members() == ["vm:1"]


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True), st.integers(0, 1000), min_size=1))
def test_nodes_come_back_as_they_went(nodes: dict[str, int]) -> None:
    wished = NODES.parse([f"{name}:{priority}" for name, priority in nodes.items()])
    assert NODES.decode(NODES.encode(wished)) == wished
    assert {item for item in wished if ":" not in item} == {name for name, priority in nodes.items() if not priority}
