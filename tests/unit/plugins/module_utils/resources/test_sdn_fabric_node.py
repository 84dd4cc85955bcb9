"""Planning a node of a fabric. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.sdn_fabric_node import INTERFACES, NODE
from hypothesis import given
from hypothesis import strategies as st

from .reading import Table

COLLECTION = "/cluster/sdn/fabrics/node/spine"
PATH = f"{COLLECTION}/father"
HAVE = {
    "fabric_id": "spine", "node_id": "father", "protocol": "openfabric", "ip": "10.30.0.1",
    "interfaces": ["name=vmbr0,hello_multiplier=5", "name=eno1"], "digest": "d",
}  # fmt: skip
KNOWN = {"protocol": "openfabric", "digest": "d"}


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"interfaces": ["eno1", {"name": "vmbr0", "hello_multiplier": 5}]}, {"node": HAVE}, []),
        ({"interfaces": ["eno1"]}, {"node": HAVE}, [("PUT", PATH, {**KNOWN, "interfaces": ["name=eno1"]})]),
        ({"interfaces": []}, {"node": HAVE}, [("PUT", PATH, {**KNOWN, "delete": ["interfaces"]})]),
        (
            {"ip": "10.30.0.1"},
            {"node": None, "protocol": "ospf"},
            [("POST", COLLECTION, {"node_id": "father", "protocol": "ospf", "ip": "10.30.0.1"})],
        ),
        ({"state": "absent"}, {"node": HAVE}, [("DELETE", PATH, {})]),
        ({"state": "absent"}, {"node": None}, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any], expected: list[Any]) -> None:
    made = NODE.plan({"state": "present", "fabric_id": "spine", "node_id": "father", **wish}, have)
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == expected


def test_a_new_one_speaks_what_its_fabric_does() -> None:
    read = Table({PATH: {**HAVE}, "/cluster/sdn/fabrics/fabric/spine": {"id": "spine", "protocol": "ospf"}})
    wish = {"fabric_id": "spine", "node_id": "father", "state": "present"}
    assert NODE.describe(read, wish) == {"node": HAVE}
    assert read.asked == [PATH]


NAMES = st.lists(st.sampled_from(["eno1", "eno2", "vmbr0", "vmbr0.5"]), unique=True)


@given(NAMES, st.none() | st.integers(2, 100))
def test_interfaces_come_back_as_they_were_written(names: list[str], multiplier: int | None) -> None:
    wish = [{"name": name, "hello_multiplier": multiplier} for name in names]
    canonical = INTERFACES.parse(wish)
    assert INTERFACES.decode(INTERFACES.encode(canonical)) == INTERFACES.parse(INTERFACES.encode(canonical))
    assert INTERFACES.encode(canonical) == INTERFACES.encode(INTERFACES.parse(wish[::-1]))
