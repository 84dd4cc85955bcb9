"""Placeholders of secrets in an entry."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.state.secrets import Missing, Vault
from hypothesis import given
from hypothesis import strategies as st

VAULT = Vault({"a": "one", "b": 2, "empty": None})


@pytest.mark.parametrize(
    ("entry", "opened", "missing"),
    [
        ({"x": "${secret:a}"}, {"x": "one"}, ()),
        ({"x": "http://${secret:a}:${secret:b}@h", "y": 5}, {"x": "http://one:2@h", "y": 5}, ()),
        ({"x": {"k": ["${secret:a}", 5]}}, {"x": {"k": ["one", 5]}}, ()),
        ({"x": "${secret:none}", "y": 1}, {"y": 1}, (Missing("none", ("x",)),)),
        ({"x": "${secret:empty}"}, {}, (Missing("empty", ("x",)),)),
        ({"x": {"k": "${secret:none}", "l": "${secret:a}", "m": 5}}, {"x": {"l": "one", "m": 5}},
         (Missing("none", ("x", "k")),)),
        ({"x": {"k": "${secret:none}", "l": "${secret:a}"}}, {}, (Missing("none", ("x", "k")),)),
        ({"x": [{"k": "${secret:none}"}]}, {}, (Missing("none", ("x", 0, "k")),)),
        ({"x": "$secret:a {secret:b}"}, {"x": "$secret:a {secret:b}"}, ()),
    ],
)  # fmt: skip
def test_opened(entry: dict[str, Any], opened: dict[str, Any], missing: tuple[Missing, ...]) -> None:
    assert VAULT.opened(entry) == (opened, missing)


def test_masked() -> None:
    assert Vault({"a": "abc", "b": "abcdef", "c": ""}).masked("abcdef, abc.") == "********, ********."
    assert "one" not in repr(VAULT)


@given(st.text("ab${}:secret", max_size=12))
def test_a_text_without_placeholder_stays(text: str) -> None:
    if "${secret:" not in text:
        assert VAULT.opened({"x": text}) == ({"x": text}, ())
