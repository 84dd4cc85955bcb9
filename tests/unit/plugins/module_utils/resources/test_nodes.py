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
    "/cluster/status": [
        {"type": "cluster", "name": "pve", "nodes": 3},
        {"type": "node", "name": "father", "ip": "192.0.2.1", "local": 1},
        {"type": "node", "name": "son", "ip": "192.0.2.3", "local": 0},
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


def test_where_nodes_are() -> None:
    found = info(Table(ANSWERS), {})["nodes"]
    assert [(node["ip"], node["local"]) for node in found] == [("192.0.2.1", True), (None, None), ("192.0.2.3", False)]


def test_where_nodes_are_is_not_told_to_everybody() -> None:
    refused = PveError("GET", "/cluster/status", 403, "Permission check failed (/, Sys.Audit)")
    (node,) = info(Table({**ANSWERS, "/cluster/status": refused}), {"node": "father"})["nodes"]
    assert (node["reachable"], node["ip"], node["local"]) == (True, None, None)


def test_only_the_parts_that_are_asked_for_are_read() -> None:
    updates = [{"Package": "pve-manager", "Version": "9.2", "OldVersion": "9.1", "Title": "x"}]
    reader = Table({**ANSWERS, "/nodes/father/dns": {"search": "x"}, "/nodes/father/apt/update": updates})
    (node,) = info(reader, {"node": "father", "parts": ["updates", "dns"]})["nodes"]
    assert node["settings"] == {"search": "x"}
    assert node["updates"] == [{"package": "pve-manager", "version": "9.2", "old_version": "9.1", "origin": None}]
    asked = ["/nodes/father/status", "/nodes/father/dns", "/nodes/father/apt/update"]
    assert [path for path in reader.asked if path.startswith("/nodes/father")] == asked
