"""Module node_info against the lab's API."""

from __future__ import annotations

from .conftest import Modules


def test_the_nodes(modules: Modules) -> None:
    result = modules.unchanged("node_info")
    (node,) = result["nodes"]
    assert result["version"].startswith("9.")
    assert (node["node"], node["status"], node["reachable"], node["error"]) == ("father", "online", True, None)


def test_an_unknown_node(modules: Modules) -> None:
    assert modules.message("node_info", node="mother") == "There is no node 'mother'. Nodes are father."
