"""What the HA manager tells of itself. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.ha_status import info

from .reading import Table

PATH = "/cluster/ha/status/current"
ROWS: list[dict[str, Any]] = [
    {"id": "quorum", "type": "quorum", "node": "father", "quorate": 1, "status": "OK"},
    {"id": "master", "type": "master", "node": "son", "timestamp": 5, "status": "son (active)"},
    {"id": "fencing", "type": "fencing", "node": "son", "armed-state": "armed", "status": "armed"},
    {"id": "lrm:son", "type": "lrm", "node": "son", "timestamp": 7, "status": "son (idle)"},
    {"id": "lrm:father", "type": "lrm", "node": "father", "timestamp": 6, "status": "father (idle)"},
    {"id": "service:vm:100", "type": "service", "sid": "vm:100", "node": "son", "state": "started", "failback": 1},
    {"id": "service:ct:200", "type": "service", "sid": "ct:200", "node": "father", "state": "queued"},
]


def test_what_is_told() -> None:
    assert info(Table({PATH: ROWS}), {}) == {
        "changed": False,
        "quorate": True,
        "manager": {"node": "son", "status": "son (active)", "timestamp": 5},
        "armed_state": "armed",
        "nodes": [
            {"node": "father", "status": "father (idle)", "timestamp": 6},
            {"node": "son", "status": "son (idle)", "timestamp": 7},
        ],
        "resources": [
            {"sid": "ct:200", "node": "father", "state": "queued"},
            {"sid": "vm:100", "node": "son", "state": "started", "failback": True},
        ],
    }


@pytest.mark.parametrize(
    ("wish", "sids"),
    [
        ({"sid": "vm:100"}, ["vm:100"]),
        ({"sid": "100"}, ["vm:100"]),
        ({"sid": "ct:100"}, []),
        ({"node": "father"}, ["ct:200"]),
        ({"sid": "100", "node": "father"}, []),
    ],
    ids=str,
)
def test_criteria(wish: dict[str, Any], sids: list[str]) -> None:
    assert [row["sid"] for row in info(Table({PATH: ROWS}), wish)["resources"]] == sids


def test_where_high_availability_was_never_used() -> None:
    row = {"id": "quorum", "type": "quorum", "node": "father", "quorate": 0, "status": "No quorum"}
    assert info(Table({PATH: [row]}), {}) == {
        "changed": False,
        "quorate": False,
        "manager": None,
        "armed_state": None,
        "nodes": [],
        "resources": [],
    }
