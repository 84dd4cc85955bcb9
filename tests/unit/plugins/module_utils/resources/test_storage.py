"""Planning a storage's definition, and with it every section of a configuration. Pure."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    PermissionDeniedError,
    PveError,
    RefusedError,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage import FIELDS, STORAGE

from .reading import Table

LOCAL = {"storage": "local", "type": "dir", "path": "/var/lib/vz", "content": "iso,backup", "digest": "d1", "shared": 0}
PATH = "/storage/local"


def steps(wish: dict[str, Any], have: dict[str, Any] | None) -> list[tuple[str, str, dict[str, Any]]]:
    made = STORAGE.plan({"state": "present", "storage": "local", **wish}, have)
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
        ({"server_password": "x"}, LOCAL, []),
        (
            {"server_password": "x", "update_password": "always"},
            LOCAL,
            [("PUT", PATH, {"password": "x", "digest": "d1"})],
        ),
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
    made = STORAGE.plan({"state": "present", "storage": "local", "type": "cifs", "server_password": "p"}, None)
    assert made.after["server_password"] == "********"


@pytest.mark.parametrize(
    ("wish", "have", "kind"),
    [({"path": "/x"}, LOCAL, RefusedError), ({"type": "nfs"}, LOCAL, RefusedError), ({}, None, ConfigError)],
)
def test_refusals(wish: dict[str, Any], have: dict[str, Any] | None, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        steps(wish, have)


def test_only_proxmox_saying_so_is_absent() -> None:
    wish = {"storage": "local"}
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
    assert ours == set(creation) - {"storage"}
    assert {item.key for item in FIELDS if item.create_only} == ours - set(change)
