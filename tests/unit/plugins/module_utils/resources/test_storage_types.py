"""What a storage of each type takes and needs. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage import FIELDS
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage_types import TYPES, check
from fakepve.storage import TYPES as THEIRS  # type: ignore[import-untyped]

from lab.api import storage_keys  # noqa: F401 - adds esxi to fakepve's types

BY_NAME = {item.name: item for item in FIELDS}
# PVE's table says of these that they may be left out; without them it refuses, or gives a default of its own.
FROM_ELSEWHERE = {"esxi": {"server_password"}}
DEFAULTED = {"path"}
# Not in PVE's plugin although fakepve has it.
UNKNOWN = {"lvm": {"on-volume-remove"}}


@pytest.mark.parametrize("name", sorted(TYPES))
def test_the_types_are_those_of_another_implementation(name: str) -> None:
    ours, theirs = TYPES[name], THEIRS[name]["options"]
    keys = {BY_NAME[option].key for option in ours.options} - {"type"}
    assert keys == set(theirs) - UNKNOWN.get(name, set())
    needed = {key for key, (optional, _fixed) in theirs.items() if not optional} - (
        set() if name in ("dir", "btrfs") else DEFAULTED
    )
    assert {BY_NAME[option].key for option in set(ours.needs) - FROM_ELSEWHERE.get(name, set())} == needed
    fixed = {BY_NAME[option].key for option in ours.options if BY_NAME[option].create_only or option in ours.fixed}
    assert fixed - {"type"} == {key for key, (_optional, fixed) in theirs.items() if fixed}
    assert set(ours.content) | ({"none"} if ours.may_be_empty else set()) == set(THEIRS[name]["content"])
    assert set(ours.formats) == set(THEIRS[name]["formats"] or ["raw"])


@pytest.mark.parametrize(
    ("name", "wished", "message"),
    [
        (
            "lvmthin",
            {"path": "/srv"},
            "Option 'path' is not for a storage of type lvmthin, which takes bwlimit, content, disable, nodes, "
            "thinpool, type, vgname.",
        ),
        ("dir", {"path": ""}, "Option 'path' is empty, and a storage of type dir needs it."),
        (
            "pbs",
            {"content": ["backup", "iso"]},
            "Option 'content': a storage of type pbs takes backup, and not iso.",
        ),
        (
            "lvm",
            {"content": []},
            "Option 'content' is empty: a storage of type lvm takes at least one of images, rootdir. To keep it from "
            "being used, set disable: true.",
        ),
        (
            "cephfs",
            {"content_dirs": {"images": "x", "iso": "y"}},
            "Option 'content_dirs': a storage of type cephfs takes vztmpl, iso, backup, snippets, import, and not "
            "images.",
        ),
        ("btrfs", {"format": "qcow2"}, "Option 'format': a storage of type btrfs takes raw, subvol, and not qcow2."),
    ],
)
def test_what_a_type_does_not_do(name: str, wished: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(name, wished)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "wished"),
    [("dir", {"content": []}), ("lvm", {"path": "", "nodes": []}), ("nfs", {"format": "", "shared": None})],
)
def test_what_is_fine(name: str, wished: dict[str, Any]) -> None:
    check(name, wished)
