"""The order of kinds, and of what is of one kind."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.ordering import ordered, waves
from hypothesis import given
from hypothesis import strategies as st


def test_every_kind_comes_after_those_it_needs() -> None:
    layers = ordered(KINDS.values())
    place = {kind.name: index for index, layer in enumerate(layers) for kind in layer}
    assert set(place) == set(KINDS)
    for kind in KINDS.values():
        assert all(place[name] < place[kind.name] for name in kind.after), kind.name


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({}, []),
        ({"a": "", "b": ""}, [["a", "b"]]),
        ({"a": "b", "b": ""}, [["b"], ["a"]]),
        ({"a": "b", "b": "c", "c": "", "d": ""}, [["c", "d"], ["b"], ["a"]]),
        ({"a": "a"}, [["a"]]),
        ({"a": "elsewhere"}, [["a"]]),
        ({"a": "b", "b": "a"}, [["a", "b"]]),
    ],
    ids=str,
)
def test_what_is_needed_comes_first(graph: Mapping[str, str], expected: list[list[str]]) -> None:
    assert waves(list(graph), lambda name: name, lambda name: graph[name].split()) == expected


@given(st.dictionaries(st.integers(0, 20), st.frozensets(st.integers(0, 20), max_size=4), max_size=20))
def test_nothing_is_lost_or_done_twice(graph: dict[int, frozenset[int]]) -> None:
    found = [item for wave in waves(list(graph), lambda item: item, lambda item: graph[item]) for item in wave]
    assert sorted(found) == sorted(graph)
