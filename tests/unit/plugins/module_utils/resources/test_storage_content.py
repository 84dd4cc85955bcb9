"""Planning a file on a storage. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage_content import (
    Stored,
    checksum,
    describe,
    file_name,
    plan,
)

from .reading import Table

WISH = {"state": "present", "storage": "local", "content": "iso", "url": "https://x.invalid/a/d%20e.iso?v=1"}
ABSENT = Stored("father", "local:iso/d e.iso", None)
THERE = Stored("father", "local:iso/d e.iso", {"size": 3})
BASE = "/nodes/father/storage/local"


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({}, THERE, []),
        ({"state": "absent"}, ABSENT, []),
        ({"state": "absent"}, THERE, [("DELETE", f"{BASE}/content/local%3Aiso%2Fd%20e.iso", {})]),
        (
            {"checksum": "md5:AB"},
            ABSENT,
            [("POST", f"{BASE}/download-url", {"content": "iso", "filename": "d e.iso", "url": WISH["url"],
                                              "checksum": "ab", "checksum-algorithm": "md5"})],
        ),
        (
            {"verify_certificates": False},
            ABSENT,
            [("POST", f"{BASE}/download-url", {"content": "iso", "filename": "d e.iso", "url": WISH["url"],
                                              "verify-certificates": False})],
        ),
    ],
    ids=str,
)  # fmt: skip
def test_steps(wish: dict[str, Any], have: Stored, expected: list[Any]) -> None:
    made = plan({**WISH, **wish}, have)
    found = [(s.verb, s.path, {k: v for k, v in s.params.items() if v is not None}) for s in made.steps]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "params"),
    [
        (None, {}),
        ("", {}),
        ("0" * 128, {"checksum": "0" * 128, "checksum-algorithm": "sha512"}),
        ("SHA256:1".lower(), {"checksum": "1", "checksum-algorithm": "sha256"}),
    ],
)
def test_checksum(text: str | None, params: dict[str, str]) -> None:
    assert checksum(text) == params


@pytest.mark.parametrize("text", ["12", "crc:1"])
def test_wrong_checksums(text: str) -> None:
    with pytest.raises(ConfigError):
        checksum(text)


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        (WISH, "d e.iso"),
        ({"filename": "x.iso", "url": "https://y.invalid/z"}, "x.iso"),
        ({"filename": "x.iso"}, "x.iso"),
    ],
    ids=str,
)
def test_file_name(wish: dict[str, Any], name: str) -> None:
    assert file_name(wish) == name


def reader(content: str = "iso,backup") -> Table:
    return Table({
        "/nodes": [{"node": "father"}],
        "/nodes/father/storage": [{"storage": "local", "content": content}],
        f"{BASE}/content": [{"volid": "local:iso/d e.iso", "size": 3}],
    })  # fmt: skip


def test_describe() -> None:
    assert describe(reader(), WISH).row == {"volid": "local:iso/d e.iso", "size": 3}
    assert describe(reader(), {**WISH, "filename": "other.iso"}).row is None


@pytest.mark.parametrize(
    ("wish", "content"),
    [({"storage": "nope"}, "iso"), ({"content": "import"}, "iso"), ({}, "isos,backup"), ({}, "none")],
)
def test_storages_that_do_not_do(wish: dict[str, Any], content: str) -> None:
    with pytest.raises(RefusedError):
        describe(reader(content), {**WISH, **wish})
