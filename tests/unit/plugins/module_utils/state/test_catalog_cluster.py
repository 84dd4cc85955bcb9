"""Settings of a cluster and its nodes, hardware, metrics, notifications and certificates as entries of a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.state import catalog_access, catalog_cluster
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kept, Remark

SENDMAIL = "/cluster/notifications/endpoints/sendmail"


@dataclass
class Table:
    """A reader with an answer for some paths; another path can't be read."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    otherwise: Any = None

    def get(self, path: str, _params: Any = None) -> Any:
        """See engine.Reader."""
        if path not in self.answers and self.otherwise is None:
            raise PveError("GET", path, 403, "Permission check failed")
        return self.answers.get(path, self.otherwise)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [("builtin", []), ("modified-builtin", [True]), ("user-created", [False]), (None, [False])],
)
def test_what_proxmox_ve_brings_is_told_only_where_it_was_changed(origin: str | None, expected: list[bool]) -> None:
    row = {"name": "mail-to-root", "mailto-user": ["root@pam"], "origin": origin}
    found = list(catalog_cluster.endpoints(Table({SENDMAIL: [row]}, [])))
    assert [isinstance(entry, Kept) for entry in found] == expected
    matchers = list(catalog_cluster.matchers(Table({"/cluster/notifications/matchers": [row]})))
    assert [isinstance(entry, Kept) for entry in matchers] == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"plugin": "standalone", "type": "standalone"}, []),
        ({"plugin": "standalone", "type": "standalone", "nodes": "a"}, [True]),
        ({"plugin": "dns", "type": "dns", "api": "cf", "data": "A=x\nB=y"}, [False]),
    ],
    ids=str,
)
def test_the_plugin_that_is_always_there(row: dict[str, Any], expected: list[bool]) -> None:
    found = list(catalog_cluster.plugins(Table({"/cluster/acme/plugins": [row]})))
    assert [isinstance(entry, Kept) for entry in found] == expected
    assert "x" not in str([entry.get("data") for entry in found]).replace("${secret:acme.plugins.dns.data.", "")


@pytest.mark.parametrize(
    ("have", "expected"),
    [
        ({"type": "pve", "comment": "Proxmox VE authentication server"}, []),
        ({"type": "pve", "comment": "ours"}, [{"realm": "pve", "type": "pve", "comment": "ours"}]),
        (
            {"type": "pve", "comment": "ours", "tfa": "type=yubico,id=1,key=topsecret"},
            [
                {
                    "realm": "pve",
                    "type": "pve",
                    "comment": "ours",
                    "tfa": {"type": "yubico", "id": "1", "key": "${secret:realms.pve.tfa.key}"},
                }
            ],
        ),
    ],
    ids=str,
)
def test_realms_of_proxmox_ve(have: dict[str, Any], expected: list[Any]) -> None:
    answers = {"/access/domains": [{"realm": "pve"}], "/access/domains/pve": have}
    assert list(catalog_access.realms(Table(answers))) == expected


def test_what_of_a_node_cant_be_read_is_named() -> None:
    answers = {
        "/nodes": [{"node": "a", "status": "online"}, {"node": "b", "status": "offline"}],
        "/nodes/a/time": {"timezone": "UTC", "time": 1},
    }
    entries, remarks = KINDS["nodes"].listed(Table(answers))
    assert entries == [{"node": "a", "timezone": "UTC"}]
    assert "Node b is offline: its settings are left out." in remarks
    assert "Node a: GET /nodes/a/dns: 403 Permission check failed" in str(remarks)
    assert all(isinstance(remark, Remark) for remark in remarks)


def test_repositories_by_their_handles() -> None:
    rows = [
        {"handle": "enterprise", "name": "Enterprise", "status": 0},
        {"handle": "no-subscription", "name": "No-Subscription", "status": 1},
        {"handle": "test", "name": "Test"},
        {"handle": "ceph-squid-test", "name": "Ceph", "status": None},
    ]
    answers = {"/nodes": [{"node": "a"}], "/nodes/a/apt/repositories": {"standard-repos": rows}}
    (entry,) = KINDS["nodes"].entries(Table(answers, {}))
    assert entry["repositories"] == [
        {"handle": "enterprise", "enabled": False},
        {"handle": "no-subscription", "enabled": True},
    ]


def test_a_document_restarts_no_node() -> None:
    spec = KINDS["nodes"].resource.argument_spec()
    assert spec["state"]["choices"] == ["present"]
    assert "subscription_max_age" not in spec
    assert not set(KINDS["nodes"].resource.writes) & set(catalog_cluster.ACTING)


def test_options_that_nobody_set() -> None:
    have = {"mac_prefix": "BC:24:11", "description": "", "allowed-tags": []}
    assert list(catalog_cluster.options(Table({"/cluster/options": have}))) == []
    assert list(catalog_cluster.options(Table({"/cluster/options": {**have, "keyboard": "de"}}))) == [
        {"keyboard": "de"}
    ]
