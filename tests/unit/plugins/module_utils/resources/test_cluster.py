"""Planning clusters. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.cluster import CLUSTER, Found
from ansible_collections.homelab.pve.plugins.module_utils.resources.cluster_info import Members

from .reading import Table

JOIN = "/cluster/config/join"
PRINT = ":".join(["AB"] * 32)
FATHER = {
    "name": "father", "nodeid": "1", "quorum_votes": "1", "ring0_addr": "10.99.0.2", "pve_addr": "192.0.2.2",
    "pve_fp": PRINT,
}  # fmt: skip
MOTHER = {"name": "mother", "nodeid": "2", "quorum_votes": "1", "ring0_addr": "10.99.0.3", "pve_addr": "192.0.2.3"}
TOTEM = {"cluster_name": "home", "config_version": "2", "token_coefficient": "125"}
HOME = Members("home", "father", {"father": FATHER, "mother": MOTHER}, TOTEM)
ALONE = Found("son", None)
THERE = Found("father", HOME)
PEER = {"hostname": "10.99.0.2", "peer_fingerprint": PRINT, "peer_password": "s3cr3t"}
SENT = {"hostname": "10.99.0.2", "fingerprint": PRINT, "password": "s3cr3t"}


def planned(wish: dict[str, Any], have: Found) -> Plan:
    return CLUSTER.plan({"state": "present", "force": False, **wish}, have)


def steps(wish: dict[str, Any], have: Found) -> list[tuple[str, str, dict[str, Any]]]:
    return [(step.verb, step.path, dict(step.params)) for step in planned(wish, have).steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        (
            {"clustername": "home", "links": ["10.0.0.1", "priority=9,address=10.1.0.1"], "nodeid": 4},
            ALONE,
            [
                (
                    "POST",
                    "/cluster/config",
                    {"clustername": "home", "nodeid": 4, "link0": "10.0.0.1", "link1": "10.1.0.1,priority=9"},
                )
            ],
        ),
        ({"clustername": "home", "links": ["10.99.0.2,priority=3"], "votes": 1, "nodeid": 1}, THERE, []),
        ({}, THERE, []),
        ({"state": "joined", **PEER, "votes": 0}, ALONE, [("POST", JOIN, {**SENT, "votes": 0})]),
        (
            {"state": "joined", **PEER, "peer_fingerprint": PRINT.lower().replace(":", "")},
            ALONE,
            [("POST", JOIN, SENT)],
        ),
        (
            {"state": "joined", **PEER, "force": True},
            Found("son", None, (100,)),
            [("POST", JOIN, {**SENT, "force": 1})],
        ),
        ({"state": "joined", "hostname": "mother"}, THERE, []),
        ({"state": "joined", "hostname": "mother.home.arpa"}, THERE, []),
        ({"state": "joined", "hostname": "192.0.2.3"}, THERE, []),
        ({"state": "joined", "hostname": "10.99.0.3"}, THERE, []),
        ({"state": "joined", "hostname": "pve.example.org", "peer_fingerprint": PRINT}, THERE, []),
        ({"state": "absent", "node": "mother"}, THERE, [("DELETE", "/cluster/config/nodes/mother", {})]),
        (
            {"state": "absent", "node": "mother", "force": True},
            Found("father", HOME, online=frozenset({"mother"})),
            [("DELETE", "/cluster/config/nodes/mother", {})],
        ),
        ({"state": "absent", "node": "son"}, THERE, []),
        ({"state": "absent", "node": "son"}, ALONE, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: Found, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


@pytest.mark.parametrize(
    ("wish", "have", "message"),
    [
        (
            {"clustername": "other"},
            THERE,
            "Cannot change clustername of node father in cluster home from home to other: Proxmox VE sets it only when "
            "a cluster is made or joined. Keep the present value, or edit /etc/pve/corosync.conf as its manual says.",
        ),
        (
            {"links": ["10.0.0.1"]},
            THERE,
            "Cannot change links of node father in cluster home from 10.99.0.2 to 10.0.0.1: Proxmox VE sets it only "
            "when a cluster is made or joined. Keep the present value, or edit /etc/pve/corosync.conf as its manual "
            "says.",
        ),
        (
            {"state": "joined", "hostname": "203.0.113.1", "peer_password": "s3cr3t"},
            THERE,
            "Cannot join the cluster of 203.0.113.1: node father is in cluster home already, which has no node of this "
            "name, address or fingerprint. A node can't change its cluster: install it anew, or see to it by hand "
            "(Proxmox VE's manual, separate a node without reinstalling).",
        ),
        (
            {"state": "joined", **PEER},
            Found("son", None, (100, 200)),
            "Cannot join the cluster of 10.99.0.2 with node son: it has guests: 100, 200. Proxmox VE takes in empty "
            "nodes only, as ids may be used twice. Back the guests up and remove them, then restore them in the "
            "cluster.",
        ),
        (
            {"state": "absent", "node": "father"},
            THERE,
            "Cannot remove node father from cluster home: it is the node that was asked. Switch it off, and ask "
            "another one (option host).",
        ),
        (
            {"state": "absent", "node": "mother"},
            Found("father", HOME, online=frozenset({"mother"})),
            "Cannot remove node mother from cluster home: it is online. Switch it off first, for good: it must never "
            "come back as it is. With force it is removed all the same.",
        ),
        ({}, ALONE, "Option 'clustername' is needed to make a cluster of node son."),
        ({"state": "joined"}, ALONE, "Option 'hostname' is needed to join a cluster."),
        (
            {"state": "joined", "hostname": "a"},
            ALONE,
            "Option 'peer_fingerprint' is needed to join the cluster of a with node son.",
        ),
        ({"state": "absent"}, ALONE, "Option 'node' is needed: the name of the node that is to leave its cluster."),
        (
            {"clustername": "bad name"},
            ALONE,
            "Option 'clustername': 'bad name' is not a name of 15 letters, digits and '-' at most",
        ),
        (
            {"state": "joined", **PEER, "peer_fingerprint": "AB:CD"},
            ALONE,
            "Option 'peer_fingerprint': 'AB:CD' is no SHA-256 fingerprint: it has 32 pairs of hexadecimal digits, as "
            "AB:CD:...",
        ),
        (
            {"clustername": "home", "links": [f"10.0.0.{number}" for number in range(9)]},
            ALONE,
            "Option 'links': these are 9 links; a cluster has 8 at most",
        ),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], have: Found, message: str) -> None:
    with pytest.raises((ConfigError, RefusedError)) as error:
        planned(wish, have)
    assert str(error.value) == message


def test_the_password_is_hidden() -> None:
    made = planned({"state": "joined", **PEER}, ALONE)
    assert made.after == {"hostname": "10.99.0.2", "peer_fingerprint": PRINT, "peer_password": "********"}


def test_the_end_is_a_quorate_cluster() -> None:
    (step,) = planned({"clustername": "home"}, ALONE).steps
    assert step.until
    for rows, seen in (
        ({}, None),
        ([{"type": "node", "name": "son", "local": 1}], None),
        ([{"type": "cluster", "quorate": 0}], None),
        ([{"type": "cluster", "quorate": 1}], True),
    ):
        assert step.until.seen(Table({"/cluster/status": rows})) is seen


def test_reading() -> None:
    none = PveError("GET", JOIN, 424, "node is not in a cluster, no join info available!")
    status = [{"type": "node", "name": "son", "local": 1, "online": 1}]
    alone = Table({JOIN: none, "/cluster/status": status, "/cluster/resources": [{"vmid": 101}, {"vmid": 100}]})
    assert CLUSTER.describe(alone, {"state": "joined"}) == Found("son", None, (100, 101))
    info = {"nodelist": [FATHER, MOTHER], "preferred_node": "father", "totem": TOTEM}
    there = Table({JOIN: info, "/cluster/status": [{"type": "node", "name": "mother", "online": 1}]})
    assert CLUSTER.describe(there, {"state": "present"}) == THERE
    assert there.asked == [JOIN]
    gone = CLUSTER.describe(there, {"state": "absent", "node": "mother"})
    assert gone == Found("father", HOME, online=frozenset({"mother"}))
