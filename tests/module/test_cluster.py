"""Module cluster against the API of nodes that are alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.tasks import poll

from lab.api.site_serving import ServedSite

from .conftest import Modules, denied

WRONG = ":".join(["00"] * 32)
Asked = Callable[[str], Modules]


@pytest.fixture
def ask(lab_nodes_api: ServedSite, capsys: pytest.CaptureFixture[str]) -> Asked:
    """The modules, connected to one of the nodes father, mother and son."""
    for api in lab_nodes_api.site.apis():
        api.clock.set(rate=100)
    return lambda node: Modules(lab_nodes_api.at(node), capsys)


def root(modules: Modules) -> dict[str, Any]:
    """The login that Proxmox VE wants, in place of the token."""
    return {"token_id": None, "token_secret": None, "user": "root@pam", "password": modules.lab.password}


def made(ask: Asked) -> dict[str, Any]:
    """Father makes a cluster; what another node needs to join it."""
    father = ask("father")
    father.ok("cluster", **root(father), clustername="home")
    (node,) = father.ok("cluster_info")["nodes"]
    peer = {"hostname": node["address"], "peer_fingerprint": node["fingerprint"]}
    return {**root(father), "state": "joined", **peer, "peer_password": father.lab.password}


def test_three_nodes_become_a_cluster(ask: Asked) -> None:
    father = ask("father")
    wish = {"clustername": "home", "links": ["10.99.0.2"]}
    result = father.converge("cluster", **root(father), **wish)
    assert result["plan"] == ["make cluster home of node father"]
    assert father.unchanged("cluster", **wish)["plan"] == ["node father is in cluster home"]
    assert len(father.lab.requests()) == 1
    joining = made(ask)
    for node in ("mother", "son"):
        alone = ask(node)
        predicted = alone.ok("cluster", **joining, check=True)
        assert alone.lab.writes() == []
        joined = alone.ok("cluster", **joining)
        assert (joined["changed"], joined["diff"], joined["plan"]) == (True, predicted["diff"], predicted["plan"])
        assert father.lab.password not in str(joined)
        assert ask(node).unchanged("cluster", **joining)["plan"] == [f"node {node} is in cluster home"]
    assert [item["node"] for item in joined["cluster"]["nodes"]] == ["father", "mother", "son"]


def test_a_node_that_is_gone_is_taken_out(ask: Asked) -> None:
    ask("mother").ok("cluster", **made(ask))
    father = ask("father")
    wish: dict[str, Any] = {**root(father), "state": "absent", "node": "mother"}
    assert father.message("cluster", **wish) == (
        "Cannot remove node mother from cluster home: it is online. Switch it off first, for good: it must never come "
        "back as it is. With force it is removed all the same."
    )
    father.lab.api.set_node_state("mother", "off")
    result = father.converge("cluster", **wish)
    assert [item["node"] for item in result["cluster"]["nodes"]] == ["father"]
    assert father.message("cluster", **{**wish, "node": "father"}) == (
        "Cannot remove node father from cluster home: it is the node that was asked. Switch it off, and ask another "
        "one (option host)."
    )


def test_a_node_with_guests_is_refused(ask: Asked) -> None:
    joining, mother = made(ask), ask("mother")
    mother.container(300, rootfs="local:4")
    assert mother.message("cluster", **joining) == (
        "Cannot join the cluster of 10.99.0.2 with node mother: it has guests: 300. Proxmox VE takes in empty nodes "
        "only, as ids may be used twice. Back the guests up and remove them, then restore them in the cluster."
    )


@pytest.mark.parametrize(
    ("changes", "said", "advice"),
    [
        (
            {"peer_fingerprint": WRONG},
            "fingerprint '{print}' not verified, abort!",
            "This is the fingerprint that the node at hostname has: make sure that it is the one you mean, and set "
            "peer_fingerprint to it. The module cluster_info tells the fingerprints of a cluster. Nothing was changed.",
        ),
        (
            {"peer_password": "wr0ng"},
            "401 authentication failure",
            "peer_password is the password of root@pam on the node at hostname. Nothing was changed.",
        ),
        (
            {"hostname": "10.99.0.77"},
            "500 Can't connect to 10.99.0.77:8006 (No route to host)",
            "hostname is an address of a node of the cluster that the joining node can reach. Nothing was changed.",
        ),
        (
            {"links": ["10.99.0.9"]},
            "Check if node may join a cluster failed!",
            "links are addresses of the joining node itself. Nothing was changed.",
        ),
    ],
    ids=["fingerprint", "password", "hostname", "links"],
)
def test_a_join_that_fails(ask: Asked, changes: dict[str, Any], said: str, advice: str) -> None:
    joining, mother = made(ask), ask("mother")
    before = ask("father").ok("cluster_info")
    result = mother.run("cluster", **{**joining, **changes})
    wish = {**joining, **changes}
    task = f"The task failed: {said.format(print=joining['peer_fingerprint'])} (UPID:mother:"
    assert result["msg"].startswith(f"Cannot join the cluster of {wish['hostname']} with node mother: {task}")
    assert result["msg"].endswith(f"\n{advice}")
    assert wish["peer_password"] not in str(result)
    assert mother.ok("cluster_info")["cluster"] is None
    assert ask("father").ok("cluster_info") == before


def test_a_pinned_certificate_is_another_one_then(ask: Asked) -> None:
    joining, mother = made(ask), ask("mother")
    pinned: dict[str, Any] = {"ca_path": None, "fingerprint": mother.lab.api.fingerprint_of("mother")}
    said = mother.run("cluster", **joining, **pinned)["msg"]
    assert said.startswith("Cannot join the cluster of 10.99.0.2 with node mother: Cannot reach 127.0.0.1 port ")
    assert said.endswith(
        "\nThe node has got a certificate of its cluster. Connect with the cluster's ca_path "
        "(/etc/pve/pve-root-ca.pem) or the new fingerprint from now on, and run again."
    )
    mother = ask("mother")
    # For some seconds it knows nobody.
    assert poll(lambda: not mother.run("cluster_info", **root(mother)).get("failed") or None, 30)
    assert mother.unchanged("cluster", **joining)["plan"] == ["node mother is in cluster home"]


def test_a_node_in_another_cluster_is_refused(ask: Asked) -> None:
    joining, mother = made(ask), ask("mother")
    mother.ok("cluster", **root(mother), clustername="other")
    assert mother.message("cluster", **joining) == (
        "Cannot join the cluster of 10.99.0.2: node mother is in cluster other already, which has no node of this "
        "name, address or fingerprint. A node can't change its cluster: install it anew, or see to it by hand (Proxmox "
        "VE's manual, separate a node without reinstalling)."
    )
    assert mother.message("cluster", **root(mother), clustername="home") == (
        "Cannot change clustername of node mother in cluster other from other to home: Proxmox VE sets it only when a "
        "cluster is made or joined. Keep the present value, or edit /etc/pve/corosync.conf as its manual says."
    )


def test_least_privileges(ask: Asked) -> None:
    father = ask("father")
    needed = {"/": ["Sys.Audit"]}
    # No token may make a cluster, whatever its privileges: a look is all it is for.
    refused = (
        "Cannot make cluster home of node father: POST /cluster/config: 403 Permission check failed (user != "
        "root@pam). Only root@pam may do this, with its password: no API token may."
    )
    assert father.run("cluster", clustername="home")["msg"] == refused
    (message,) = father.refusals(needed, "cluster", clustername="home").values()
    assert message == f"GET /cluster/config/join: {denied('Sys.Audit', '/')}"
    father.ok("cluster", **root(father), clustername="home")
    father.limited(needed).unchanged("cluster", clustername="home")
