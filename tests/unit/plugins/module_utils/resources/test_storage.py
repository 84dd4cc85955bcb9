"""Planning a storage's definition, and with it every section of a configuration. Pure."""

from __future__ import annotations

import gzip
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    PermissionDeniedError,
    PveError,
    RefusedError,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage import FIELDS, STORAGE, overlap

from .reading import Table

LOCAL = {"storage": "local", "type": "dir", "path": "/var/lib/vz", "content": "iso,backup", "digest": "d1", "shared": 0}
SHARE = {"storage": "local", "type": "cifs", "server": "s", "share": "x", "content": "backup", "digest": "d1"}
VAULT = {"storage": "local", "type": "pbs", "server": "s", "datastore": "x", "content": "backup", "digest": "d1"}
PATH = "/storage/local"


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    made = STORAGE.plan({"state": "present", "storage": "local", "force": False, **wish}, have)
    return [(step.verb, step.path, dict(step.params)) for step in made.steps]


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({}, LOCAL, []),
        ({"content": ["backup", "iso"], "type": "dir", "disable": False, "shared": False}, LOCAL, []),
        ({"content": ["iso", "snippets"]}, LOCAL, [("PUT", PATH, {"content": "iso,snippets", "digest": "d1"})]),
        ({"content": []}, LOCAL, [("PUT", PATH, {"content": "none", "digest": "d1"})]),
        ({"content": []}, {**LOCAL, "content": "none"}, []),
        ({"nodes": []}, LOCAL, []),
        ({"nodes": []}, {**LOCAL, "nodes": "a,b"}, [("PUT", PATH, {"delete": "nodes", "digest": "d1"})]),
        ({"prune_backups": "keep-last=3"}, {**LOCAL, "prune-backups": "keep-last=3"}, []),
        ({"server_password": "x"}, SHARE, []),
        (
            {"server_password": "x", "update_password": "always"},
            SHARE,
            [("PUT", PATH, {"password": "x", "digest": "d1"})],
        ),
        ({"encryption_key": "autogen"}, VAULT, [("PUT", PATH, {"encryption-key": "autogen", "digest": "d1"})]),
        ({"encryption_key": "autogen", "update_password": "always"}, {**VAULT, "encryption-key": "ab"}, []),
        ({"encryption_key": '{"fingerprint": "ab"}'}, {**VAULT, "encryption-key": "ab"}, []),
        (
            {"encryption_key": '{"fingerprint": "cd"}'},
            {**VAULT, "encryption-key": "ab"},
            [("PUT", PATH, {"encryption-key": '{"fingerprint": "cd"}', "digest": "d1"})],
        ),
        (
            {"encryption_key": ""},
            {**VAULT, "encryption-key": "ab"},
            [("PUT", PATH, {"delete": "encryption-key", "digest": "d1"})],
        ),
        ({"is_mountpoint": "True"}, {**LOCAL, "is_mountpoint": "1"}, []),
        ({"is_mountpoint": "/mnt"}, LOCAL, [("PUT", PATH, {"is_mountpoint": "/mnt", "digest": "d1"})]),
        ({"pool": "two"}, {"type": "rbd", "pool": "one"}, [("PUT", PATH, {"pool": "two"})]),
        (
            {"type": "cifs", "server": "s", "share": "x", "server_password": "p", "disable": False},
            None,
            [
                (
                    "POST",
                    "/storage",
                    {"storage": "local", "type": "cifs", "server": "s", "share": "x", "password": "p", "disable": 0},
                )
            ],
        ),
        ({"state": "absent"}, LOCAL, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    assert steps(wish, have) == expected


def test_secrets_are_not_shown() -> None:
    wish = {"storage": "local", "type": "cifs", "server": "s", "share": "x", "server_password": "p"}
    made = STORAGE.plan({"state": "present", **wish}, None)
    assert made.after["server_password"] == "********"


@pytest.mark.parametrize(
    ("wish", "have", "kind"),
    [
        ({"path": "/x"}, LOCAL, RefusedError),
        ({"type": "nfs"}, LOCAL, RefusedError),
        ({"server": "other"}, SHARE, RefusedError),
        ({"pool": "two"}, {"type": "zfspool", "pool": "one"}, RefusedError),
        ({"blocksize": "8k"}, {"type": "zfs", "pool": "one", "blocksize": "4k"}, RefusedError),
        ({}, None, ConfigError),
        ({"type": "cifs", "server": "s"}, None, ConfigError),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], have: dict[str, Any] | None, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        steps(wish, have)


def test_only_proxmox_saying_so_is_absent() -> None:
    wish = {"storage": "local", "state": "present"}
    assert STORAGE.describe(Table({PATH: LOCAL}), wish) == LOCAL
    assert STORAGE.describe(Table({PATH: PveError("GET", PATH, 500, "storage 'local' does not exist")}), wish) is None
    for error in (PveError("GET", PATH, 500, "no quorum"), PermissionDeniedError("GET", PATH, 403, "no")):
        with pytest.raises(PveError):
            STORAGE.describe(Table({PATH: error}), wish)


SCHEMA = Path(__file__).resolve().parents[6] / "shared" / "pve-api" / "pve-9.1.json.gz"


@pytest.mark.shared
@pytest.mark.skipif(not SCHEMA.is_file(), reason="the official API schema (../shared) is not here")
def test_every_option_of_the_schema_is_here() -> None:
    schema = json.loads(gzip.decompress(SCHEMA.read_bytes()))
    creation, change = schema["/storage"]["POST"]["parameters"], schema["/storage/{storage}"]["PUT"]["parameters"]
    ours = {item.key for item in FIELDS}
    # No type takes authsupported any more.
    assert ours == set(creation) - {"storage", "authsupported"}
    assert {item.key for item in FIELDS if item.create_only} == ours - set(change)


def test_a_key_that_was_made_is_told_once() -> None:
    assert STORAGE.told
    answers = [{"storage": "vault", "type": "pbs", "config": {"encryption-key": "{}"}}]
    assert STORAGE.told({"encryption_key": "autogen"}, answers) == {"encryption_key": "{}"}
    assert STORAGE.told({"encryption_key": "{}"}, answers) == {}
    assert STORAGE.told({"encryption_key": "autogen"}, [None, {"storage": "vault", "type": "pbs"}]) == {}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("/srv/a", "/srv/a", True),
        ("/srv/a/", "/srv//a", True),
        ("/srv/a", "/srv/a/dump", True),
        ("/srv/a/images/x", "/srv/a", True),
        ("/srv/a", "/srv/a/extra", False),
        ("/srv/a", "/srv/ab", False),
        ("/", "/srv/a", False),
    ],
)
def test_overlaps(one: str, other: str, expected: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is expected


@pytest.mark.parametrize(("theirs", "ours", "refused"), [("", [], True), ("a,b", ["b"], True), ("a", ["b"], False)])
def test_paths_on_different_nodes_may_be_the_same(theirs: str, ours: list[str], refused: bool) -> None:
    missing = PveError("GET", PATH, 500, "storage 'new' does not exist")
    other = {"storage": "other", "type": "dir", "path": "/srv", **({"nodes": theirs} if theirs else {})}
    table = Table({"/storage/new": missing, "/storage": [other], "/nodes": [{"node": "a"}, {"node": "b"}]})
    wish = {"storage": "new", "state": "present", "type": "dir", "path": "/srv", "nodes": ours, "force": False}
    with pytest.raises(RefusedError) if refused else nullcontext():
        assert STORAGE.describe(table, wish) is None
    assert STORAGE.describe(table, {**wish, "force": True}) is None
