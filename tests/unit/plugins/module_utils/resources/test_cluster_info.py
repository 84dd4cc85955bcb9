"""What a cluster is. Pure."""

from __future__ import annotations

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.cluster_info import info

from .reading import Table

JOIN, STATUS = "/cluster/config/join", "/cluster/status"
INFO = {
    "nodelist": [
        {"name": "mother", "nodeid": "2", "quorum_votes": "0", "ring0_addr": "10.0.0.3", "ring1_addr": "10.1.0.3"},
        {
            "name": "father",
            "nodeid": "1",
            "quorum_votes": "1",
            "ring0_addr": "10.0.0.2",
            "pve_fp": "AB",
            "pve_addr": "a",
        },
    ],
    "preferred_node": "father",
    "totem": {"cluster_name": "home", "config_version": "2", "token_coefficient": "125"},
}
ROWS = [
    {"type": "cluster", "name": "home", "quorate": 0},
    {"type": "node", "name": "father", "online": 1, "local": 1},
    {"type": "node", "name": "mother", "online": 0, "local": 0},
]


def test_a_cluster() -> None:
    found = info(Table({JOIN: INFO, STATUS: ROWS}), {})
    assert found["cluster"] == {"clustername": "home", "config_version": 2, "token_coefficient": 125}
    assert (found["node"], found["quorate"]) == ("father", False)
    assert found["nodes"][0] == {
        "node": "father", "nodeid": 1, "votes": 1, "links": ["10.0.0.2"], "address": "a", "fingerprint": "AB",
        "online": True,
    }  # fmt: skip
    assert (found["nodes"][1]["links"], found["nodes"][1]["online"]) == (["10.0.0.3", "10.1.0.3"], False)


def test_one_node_of_it() -> None:
    table = {JOIN: INFO, STATUS: ROWS}
    assert [item["node"] for item in info(Table(table), {"node": "mother"})["nodes"]] == ["mother"]
    assert info(Table(table), {"node": "son"})["nodes"] == []


def test_a_node_alone() -> None:
    none = PveError("GET", JOIN, 424, "node is not in a cluster, no join info available!")
    rows = [{"type": "node", "name": "son", "online": 1, "local": 1, "ip": "10.0.0.4"}]
    found = info(Table({JOIN: none, STATUS: rows}), {})
    assert (found["cluster"], found["node"], found["quorate"]) == (None, "son", True)
    assert found["nodes"] == [
        {"node": "son", "nodeid": 0, "votes": None, "links": [], "address": "10.0.0.4", "fingerprint": None}
        | {"online": True}
    ]


def test_another_error_is_not_taken_for_a_node_alone() -> None:
    with pytest.raises(PveError, match="unable to open"):
        info(Table({JOIN: PveError("GET", JOIN, 500, "unable to open"), STATUS: ROWS}), {})
