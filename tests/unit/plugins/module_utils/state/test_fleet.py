"""What is done about each node of a document's cluster. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.cluster import Found
from ansible_collections.homelab.pve.plugins.module_utils.resources.cluster_info import Members
from ansible_collections.homelab.pve.plugins.module_utils.state.fleet import FLEET, Asked

PRINT = ":".join(["AB"] * 32)
ONE = {"name": "pve1", "ip": "192.168.1.10"}
TWO = {"name": "pve2", "ip": "192.168.1.11"}
WISH: dict[str, Any] = {"enabled": True, "name": "prod", "nodes": [ONE, TWO]}
PEER = {"peer_fingerprint": PRINT, "peer_password": "s3cr3t"}
SENT = {"hostname": "192.168.1.10", "fingerprint": PRINT, "password": "s3cr3t"}


def alone(node: str, *addresses: str, guests: tuple[int, ...] = ()) -> Asked:
    return Asked(Found(node, None, guests), frozenset(addresses))


def entry(number: int) -> dict[str, Any]:
    address = f"192.168.1.{9 + number}"
    return {"nodeid": number, "quorum_votes": 1, "ring0_addr": address, "pve_addr": address}


def within(*nodes: str, name: str = "prod") -> Asked:
    members = {node: entry(number) for number, node in enumerate(nodes, 1)}
    return Asked(Found(nodes[0], Members(name, nodes[0], members, {})), frozenset({"192.168.1.10"}))


def planned(have: Asked, **changes: Any) -> Plan:
    return FLEET.plan({**WISH, **changes}, have)


def steps(plan: Plan) -> list[tuple[str, str, dict[str, Any]]]:
    return [(step.verb, step.path, dict(step.params)) for step in plan.steps]


MAKE = ("POST", "/cluster/config", {"clustername": "prod", "link0": "192.168.1.10"})
JOIN = ("POST", "/cluster/config/join", {**SENT, "link0": "192.168.1.11"})


@pytest.mark.parametrize(
    ("have", "changes", "expected"),
    [
        (alone("pve1", "192.168.1.10"), {}, [MAKE]),
        # Known by its address: the seed's server is called pve.
        (alone("pve", "192.168.1.10"), {}, [MAKE]),
        (alone("pve2", "192.168.1.11"), PEER, [JOIN]),
        (
            alone("pve2"),
            {**PEER, "nodes": [ONE, {"name": "pve2", "links": ["10.0.0.2"], "votes": 2}]},
            [("POST", "/cluster/config/join", {**SENT, "link0": "10.0.0.2", "votes": 2})],
        ),
        (
            alone("pve2"),
            {**PEER, "peer_fingerprint": None, "nodes": [{**ONE, "fingerprint": PRINT}, {"name": "pve2"}]},
            [("POST", "/cluster/config/join", SENT)],
        ),
        (alone("pve1"), {"nodes": [{"name": "pve1", "ip": "pve1.example"}]}, [(*MAKE[:2], {"clustername": "prod"})]),
        (alone("pve1"), {"enabled": False}, []),
        (within("pve1", "pve2"), {}, []),
    ],
)
def test_steps(have: Asked, changes: dict[str, Any], expected: list[tuple[str, str, dict[str, Any]]]) -> None:
    assert steps(planned(have, **changes)) == expected


@pytest.mark.parametrize(
    ("have", "changes", "reason", "warning"),
    [
        (within("pve1", "pve2"), {}, "node pve1 is in cluster prod", ""),
        (within("pve1"), {}, "node pve1 is in cluster prod", "Not in cluster prod yet: pve2."),
        (within("pve1", "pve2", "old"), {}, "node pve1 is in cluster prod", "but not in the document: old."),
        (within("pve1"), {"enabled": False}, "node pve1 is in cluster prod and can't leave it", "no way out"),
        (alone("pve1"), {"enabled": False}, "node pve1 is in no cluster, as wished (enabled: false)", ""),
    ],
)
def test_nothing_is_done(have: Asked, changes: dict[str, Any], reason: str, warning: str) -> None:
    plan = planned(have, **changes)
    assert (plan.reason, bool(plan.warnings)) == (reason, bool(warning))
    assert warning in "".join(plan.warnings)


@pytest.mark.parametrize(
    ("have", "changes", "error", "message"),
    [
        (alone("other", "10.0.0.9"), {}, RefusedError, "Node other (10.0.0.9) is none of the cluster's nodes: pve1"),
        (alone("pve2", guests=(300,)), PEER, RefusedError, "it has guests: 300"),
        (within("pve1", name="home"), {}, RefusedError, "Cannot change clustername of node pve1 in cluster home"),
        (alone("pve2"), {}, ConfigError, "Option 'peer_fingerprint' of the cluster is needed for node pve2"),
        (alone("pve2"), {"peer_fingerprint": PRINT}, ConfigError, "Option 'peer_password' of the cluster"),
        (alone("pve1"), {"nodes": [ONE, ONE]}, ConfigError, "pve1 stands there more than once"),
        (alone("pve1"), {"nodes": []}, ConfigError, "Option 'nodes' of the cluster is needed"),
        (alone("pve1"), {"name": None}, ConfigError, "Option 'name' of the cluster is needed"),
    ],
)
def test_refusals(have: Asked, changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        planned(have, **changes)
    assert message in str(raised.value)
