"""Where content comes from. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage_sources import (
    SOURCES,
    check,
    checksum,
    content_of,
    name_of,
    normal,
)
from hypothesis import given
from hypothesis import strategies as st


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
    ("wish", "content", "name"),
    [
        ({"url": "https://y.invalid/a/d%20e.iso?v=1"}, "iso", "d_e.iso"),
        ({"filename": "x.iso", "url": "https://y.invalid/z"}, "iso", "x.iso"),
        ({"filename": "../x y.iso"}, "iso", "x_y.iso"),
        ({"src": "/srv/a b.qcow2", "content": "import"}, "import", "a_b.qcow2"),
        ({"text": "x", "filename": "u.yaml"}, "snippets", "u.yaml"),
        ({"reference": "docker.io/library/alpine:3.22"}, "vztmpl", "alpine_3.22.tar"),
        ({"reference": "alpine:3.22", "filename": "small"}, "vztmpl", "small.tar"),
        ({"size": "1G", "filename": "vm-100-x"}, "images", "vm-100-x"),
        ({"content": "backup", "filename": "vm/100/2026-01-31T02:30:00Z"}, "backup", "vm/100/2026-01-31T02:30:00Z"),
    ],
    ids=str,
)
def test_content_and_name(wish: dict[str, Any], content: str, name: str) -> None:
    assert (content_of(wish), name_of(wish)) == (content, name)


@given(st.text(min_size=1))
def test_names_are_normal_once(name: str) -> None:
    assert normal(normal(name)) == normal(name)
    assert "/" not in normal(name)


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_is_not_for_all_content(source: str) -> None:
    strange = next(kind for kind in ("images", "iso") if kind not in SOURCES[source].content)
    with pytest.raises(ConfigError, match=rf"^Option '{source}' is for the content .*, not {strange}\.$"):
        check({"state": "present", source: "x", "content": strange, "vmid": 100})


@pytest.mark.parametrize(
    ("wish", "fine"),
    [
        ({"url": "x.iso"}, True),
        ({"url": "x.IMG"}, True),
        ({"url": "x.raw"}, False),
        ({"url": "x.raw", "content": "import"}, True),
        ({"url": "x.ovf", "content": "import"}, False),
        ({"url": "x.tar", "content": "vztmpl"}, True),
        ({"url": "x.tgz", "content": "vztmpl"}, False),
    ],
    ids=str,
)
def test_extensions(wish: dict[str, Any], fine: bool) -> None:
    if fine:
        check({"state": "present", **wish})
        return
    with pytest.raises(ConfigError, match="has no extension of"):
        check({"state": "present", **wish})
    check({**wish, "state": "absent"})
