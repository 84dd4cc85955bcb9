"""Package repositories. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.node_repositories import is_handle, shown, steps


def row(uri: str, component: str, enabled: int = 1) -> dict[str, Any]:
    return {"Types": ["deb"], "URIs": [uri], "Suites": ["trixie"], "Components": [component], "Enabled": enabled}


ENTERPRISE = row("https://enterprise.proxmox.com/debian/pve", "pve-enterprise")
CEPH = row("http://download.proxmox.com/debian/ceph-squid/", "no-subscription", 0)
ANSWER: dict[str, Any] = {
    "standard-repos": [
        {"handle": "enterprise", "name": "Enterprise", "status": 1},
        {"handle": "no-subscription", "name": "No-Subscription"},
        {"handle": "test", "name": "Test", "status": 1},
    ],
    "files": [{"path": "/a", "repositories": [CEPH, ENTERPRISE]}],
    "digest": "d",
}


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"handle": "enterprise", "enabled": True}, []),
        ({"handle": "no-subscription", "enabled": False}, []),
        ({"handle": "no-subscription", "enabled": True}, [("PUT", {"handle": "no-subscription"})]),
        ({"handle": "enterprise", "enabled": False}, [("POST", {"path": "/a", "index": 1, "enabled": 0})]),
        ({"path": "/a", "index": 0, "enabled": False}, []),
        ({"path": "/a", "index": 0, "enabled": True}, [("POST", {"path": "/a", "index": 0, "enabled": 1})]),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], expected: list[Any]) -> None:
    found = list(steps("n", [wish], ANSWER))
    assert [(step.verb, dict(step.params)) for step, _, _ in found] == expected
    assert all(step.late and step.late({"digest": "new"}) == {"digest": "new"} for step, _, _ in found)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"handle": "nope", "enabled": True}, "It knows enterprise, no-subscription, test."),
        ({"handle": "test", "enabled": False}, "its place isn't known"),
        ({"path": "/a", "index": 2, "enabled": True}, "It has /a 0, /a 1."),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusedError) as caught:
        list(steps("n", [wish], ANSWER))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("item", "handle", "same"),
    [
        (ENTERPRISE, "enterprise", True),
        (ENTERPRISE, "no-subscription", False),
        (CEPH, "ceph-squid-no-subscription", True),
        (CEPH, "ceph-reef-no-subscription", False),
        (row("http://download.proxmox.com/debian/pve", "pvetest"), "test", True),
        (row("http://mirror.example.com/debian/pbs", "pbs-enterprise"), "enterprise", False),
    ],
    ids=str,
)
def test_which_repository_a_handle_means(item: dict[str, Any], handle: str, same: bool) -> None:
    assert is_handle(item, handle) is same


def test_what_is_shown() -> None:
    told = shown(ANSWER)
    assert told["standard_repositories"][1] == {
        "handle": "no-subscription",
        "name": "No-Subscription",
        "enabled": False,
    }
    assert [(item["path"], item["index"], item["enabled"]) for item in told["repositories"]] == [
        ("/a", 0, False),
        ("/a", 1, True),
    ]
