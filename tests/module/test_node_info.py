"""Module node_info against the lab's API."""

from __future__ import annotations

from .conftest import Modules, denied


def test_the_nodes(modules: Modules) -> None:
    result = modules.unchanged("node_info")
    (node,) = result["nodes"]
    assert result["version"].startswith("9.")
    assert (node["node"], node["status"], node["reachable"], node["error"]) == ("father", "online", True, None)


def test_an_unknown_node(modules: Modules) -> None:
    assert modules.message("node_info", node="mother") == "There is no node 'mother'. Nodes are father."


def test_least_privileges(modules: Modules) -> None:
    (node,) = modules.limited({"/nodes/father": ["Sys.Audit"]}).ok("node_info")["nodes"]
    assert node["reachable"]
    (node,) = modules.limited({}).ok("node_info")["nodes"]
    error = f"GET /nodes/father/status: {denied('Sys.Audit', '/nodes/father')}"
    assert (node["reachable"], node["error"]) == (False, error)
