"""What nodes say about themselves. Pure."""

from __future__ import annotations

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.nodes import info

from .reading import Table

STATUS = {"pveversion": "pve-manager/9.1.1", "uptime": 5, "cpuinfo": {"cpus": 4}, "kversion": "Linux 6.17"}
ANSWERS = {
    "/version": {"version": "9.1.1"},
    "/nodes": [
        {"node": "son", "status": "online"},
        {"node": "father", "status": "online"},
        {"node": "mother", "status": "offline"},
    ],
    "/nodes/father/status": STATUS,
    "/nodes/son/status": PveError("GET", "/nodes/son/status", 595, "Connection refused"),
}


def test_a_node_that_does_not_answer_hides_no_other() -> None:
    found = info(Table(ANSWERS), {})
    assert found["version"] == "9.1.1"
    assert [(node["node"], node["reachable"], node["error"]) for node in found["nodes"]] == [
        ("father", True, None),
        ("mother", False, "the cluster says that it is offline"),
        ("son", False, "GET /nodes/son/status: 595 Connection refused."),
    ]
    assert (found["nodes"][0]["cpus"], found["nodes"][0]["kernel"]) == (4, "Linux 6.17")


def test_one_node() -> None:
    reader = Table(ANSWERS)
    assert [node["node"] for node in info(reader, {"node": "father"})["nodes"]] == ["father"]
    assert "/nodes/son/status" not in reader.asked
    with pytest.raises(RefusedError, match=r"^There is no node 'x'\. Nodes are father, mother, son\.$"):
        info(reader, {"node": "x"})
