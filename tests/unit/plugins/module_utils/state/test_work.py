"""What the modules state and state_info make of their options."""

from __future__ import annotations

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.state import work
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.hashes import hash_of, state_hash


def test_kinds_are_named_one_by_one_by_area_or_all() -> None:
    assert work.named("only", ["vms", "groups"]) == ["vms", "groups"]
    assert set(work.named("only", ["ha"])) == {name for name in KINDS if name.startswith("ha.")}
    assert set(work.named("only", ["all"])) == set(KINDS)
    assert work.named("only", None) == []
    with pytest.raises(ConfigError, match=r"Option 'prune': there is no kind 'guests'. Known: all, "):
        work.named("prune", ["vms", "guests"])


def test_documents_in_the_order_of_their_precedence() -> None:
    params = {"files": ["low.yml", "high.yml"], "rendered": {"low.yml": "a: 1", "high.yml": "b: 2"}, "document": {}}
    assert [(text.name, text.content) for text in work.texts(params)] == [
        ("low.yml", "a: 1"),
        ("high.yml", "b: 2"),
        ("document", "{}"),
    ]
    with pytest.raises(ConfigError, match="There is no document"):
        work.texts({"files": [], "rendered": {}})


def test_what_changes_by_itself_is_in_no_hash() -> None:
    one, other = {"vm": {"cores": 1, "uptime": 5, "nets": [{"pid": 7}]}}, {"vm": {"nets": [{}], "cores": 1}}
    assert state_hash(one) == state_hash(other) != state_hash({"vm": {"cores": 2}})
    assert state_hash({}) is None
    assert hash_of({"b": 1, "a": 2}) == hash_of({"a": 2, "b": 1})
