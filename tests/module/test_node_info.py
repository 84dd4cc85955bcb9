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


def test_parts(modules: Modules) -> None:
    modules.ok("node", node="father", dns1="192.0.2.53", description="notes", subscription_key="pve2c-0123456789")
    parts = ["dns", "hosts", "time", "config", "subscription", "repositories", "services", "certificates", "updates"]
    found = modules.unchanged("node_info", parts=parts)
    (node,) = found["nodes"]
    assert (node["settings"]["dns1"], node["settings"]["description"]) == ("192.0.2.53", "notes")
    assert node["settings"]["subscription"]["status"] == "active"
    assert "pve2c" not in str(found)
    assert [row["enabled"] for row in node["standard_repositories"] if row["handle"] == "enterprise"] == [True]
    assert [row["active_state"] for row in node["services"] if row["service"] == "pveproxy"] == ["active"]
    assert [row["filename"] for row in node["certificates"]] == ["pve-root-ca.pem", "pve-ssl.pem"]
    assert node["updates"] == []
    # What is told can be declared again.
    settings = {name: value for name, value in node["settings"].items() if name != "subscription"}
    repositories = [{key: row[key] for key in ("path", "index", "enabled")} for row in node["repositories"]]
    modules.unchanged("node", node="father", **settings, repositories=repositories)


def test_a_part_that_may_not_be_read(modules: Modules) -> None:
    limited = modules.limited({"/nodes/father": ["Sys.Audit"]})
    (node,) = limited.ok("node_info", parts=["dns", "config"])["nodes"]
    assert (node["reachable"], node["error"]) == (True, f"GET /nodes/father/config: {denied('Sys.Audit', '/')}")


def test_least_privileges(modules: Modules) -> None:
    (node,) = modules.limited({"/nodes/father": ["Sys.Audit"]}).ok("node_info")["nodes"]
    assert node["reachable"]
    (node,) = modules.limited({}).ok("node_info")["nodes"]
    error = f"GET /nodes/father/status: {denied('Sys.Audit', '/nodes/father')}"
    assert (node["reachable"], node["error"]) == (False, error)
