"""Module cluster_info against the lab's API."""

from __future__ import annotations

from .conftest import Modules, denied


def test_a_cluster(cluster: Modules) -> None:
    found = cluster.ok("cluster_info")
    assert found["cluster"]["clustername"] == "lab"
    assert (found["node"], found["quorate"]) == ("father", True)
    assert [(item["node"], item["nodeid"], item["votes"], item["online"]) for item in found["nodes"]] == [
        ("father", 1, 1, True),
        ("mother", 2, 1, True),
        ("son", 3, 1, True),
    ]
    assert len(cluster.lab.requests()) == 2


def test_what_it_tells_is_enough_to_be_in_it(cluster: Modules) -> None:
    (mother,) = cluster.ok("cluster_info", node="mother")["nodes"]
    peer = {"hostname": mother["address"], "peer_fingerprint": mother["fingerprint"]}
    cluster.unchanged("cluster", state="joined", **peer)


def test_a_node_that_is_off(cluster: Modules) -> None:
    cluster.lab.api.set_node_state("son", "off")
    found = cluster.ok("cluster_info")
    assert [item["online"] for item in found["nodes"]] == [True, True, False]


def test_a_node_alone(modules: Modules) -> None:
    found = modules.ok("cluster_info")
    assert (found["cluster"], found["node"], found["quorate"]) == (None, "father", True)
    assert [item["node"] for item in found["nodes"]] == ["father"]


def test_least_privileges(cluster: Modules) -> None:
    needed = {"/": ["Sys.Audit"]}
    (message,) = cluster.refusals(needed, "cluster_info").values()
    assert message.endswith(denied("Sys.Audit", "/"))
    assert len(cluster.limited(needed).ok("cluster_info")["nodes"]) == 3
