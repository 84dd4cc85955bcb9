"""docs/state.md names every kind of thing that a document may declare."""

from __future__ import annotations

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS

from tests.conformance.state_kinds import DOCUMENT, module_of, modules, parts, table


def test_the_table_is_current() -> None:
    _before, inner, _after = parts(DOCUMENT.read_text(encoding="utf-8"))
    assert inner == table(KINDS.values()), "run: python -m tests.conformance.state_kinds"


@pytest.mark.parametrize("name", ["vms", "storage", "pools", "users"])
def test_a_kind_is_declared_by_its_module(name: str) -> None:
    known = {"vms": "vm", "storage": "storage", "pools": "pool", "users": "user"}
    assert module_of(KINDS[name].resource, dict(modules())) == known[name]
