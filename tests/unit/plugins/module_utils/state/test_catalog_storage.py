"""Storages, pools and jobs as entries of a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.pool import Found
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog_storage import plan_pool, replications, storages
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kept, Remark


@dataclass
class Table:
    """A reader with an answer for each path."""

    answers: dict[str, Any] = field(default_factory=dict)

    def get(self, path: str, _params: Any = None) -> Any:
        """See engine.Reader."""
        return self.answers[path]


@pytest.mark.parametrize(
    ("row", "entry"),
    [
        (
            {
                "storage": "d",
                "type": "dir",
                "path": "/d",
                "content": "none",
                "digest": "x",
                "prune-backups": "keep-all=1",
            },
            {
                "storage": "d",
                "type": "dir",
                "path": "/d",
                "content": [],
                "prune_backups": {"keep-all": True},
            },
        ),
        (
            {"storage": "c", "type": "cifs", "server": "s", "share": "a", "username": "u", "content": "iso"},
            {
                "storage": "c",
                "type": "cifs",
                "server": "s",
                "share": "a",
                "username": "u",
                "content": ["iso"],
                "server_password": "${secret:storage.c.server_password}",
            },
        ),
        (
            {"storage": "g", "type": "cifs", "server": "s", "share": "a", "content": "iso"},
            {"storage": "g", "type": "cifs", "server": "s", "share": "a", "content": ["iso"]},
        ),
        (
            {
                "storage": "b",
                "type": "pbs",
                "server": "s",
                "datastore": "a",
                "username": "u",
                "encryption-key": "1",
                "master-pubkey": "1",
            },
            {
                "storage": "b",
                "type": "pbs",
                "server": "s",
                "datastore": "a",
                "username": "u",
                "encryption_key": "${secret:storage.b.encryption_key}",
                "master_pubkey": "${secret:storage.b.master_pubkey}",
                "server_password": "${secret:storage.b.server_password}",
            },
        ),
    ],
    ids=lambda item: item["storage"],
)
def test_a_storage(row: dict[str, Any], entry: dict[str, Any]) -> None:
    assert list(storages(Table({"/storage": [row]}))) == [entry]


def test_what_the_installer_makes_is_kept() -> None:
    rows = [{"storage": name, "type": "dir", "path": "/x"} for name in ("local", "other")]
    assert [isinstance(entry, Kept) for entry in storages(Table({"/storage": rows}))] == [True, False]


def test_a_storage_of_somebody_elses_plugin_is_named() -> None:
    (remark,) = storages(Table({"/storage": [{"storage": "x", "type": "custom"}]}))
    assert isinstance(remark, Remark)
    assert remark == "Storage x is of type custom, which a document can't say, and left out."


def test_a_replication_that_is_on_its_way_out_is_named() -> None:
    rows = [{"id": "100-0", "target": "son", "guest": 100, "source": "father"}, {"id": "100-1", "remove_job": "full"}]
    found = list(replications(Table({"/cluster/replication": rows})))
    assert found == [{"id": "100-0", "target": "son"}, "Replication job 100-1 is being removed, and left out."]


MEMBERS = [{"type": "storage", "storage": "a"}, {"type": "storage", "storage": "b"}]


def test_a_pool_that_goes_lets_go_of_its_storages() -> None:
    have = Found({"poolid": "dev", "members": MEMBERS})
    made = plan_pool({"poolid": "dev", "state": "absent"}, have)
    assert [(step.verb, step.reason) for step in made.steps] == [
        ("PUT", "take storage a, storage b out of pool dev"),
        ("DELETE", "remove pool dev"),
    ]
    assert plan_pool({"poolid": "dev", "state": "absent"}, Found(None)).steps == ()
