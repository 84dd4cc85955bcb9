# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/coverage.md says what is so: which modules cover the endpoints that write, and why the others have none."""

from __future__ import annotations

import pytest

from . import coverage
from .schema_options import Schema, endpoints

LEAST = 85
"""Percent of the endpoints that a module of their own has to cover."""

needs_schema = pytest.mark.skipif(
    not coverage.OFFICIAL.is_file(), reason="the optional description of the official API is not here"
)


@pytest.mark.shared
@needs_schema
def test_the_document_is_up_to_date() -> None:
    written = coverage.document(coverage.official(), coverage.covering(), coverage.reasons())
    assert coverage.DOCUMENT.read_text(encoding="utf-8") == written, "python -m tests.conformance.coverage writes it"


@pytest.mark.shared
@needs_schema
def test_enough_is_covered() -> None:
    known = endpoints(coverage.official())
    covered = set(coverage.covering()) & set(known)
    assert float(coverage.percentage(len(covered), len(known))) >= LEAST


@pytest.mark.shared
@needs_schema
def test_what_is_left_has_a_reason() -> None:
    left = set(endpoints(coverage.official())) - set(coverage.covering())
    written = coverage.reasons()
    assert sorted(endpoint for endpoint in left if not coverage.reason(endpoint, written)) == []
    assert [words for words in written if not any(coverage.reason(name, {words: "-"}) for name in left)] == []


SCHEMA: Schema = {
    "/storage": {"GET": {}, "POST": {}},
    "/storage/{storage}": {"PUT": {}},
    "/nodes/{node}/qemu/{vmid}/vncproxy": {"POST": {}},
}


def test_the_document_counts_and_explains() -> None:
    text = coverage.document(SCHEMA, {"POST /storage": ["storage"]}, {"POST .*/vncproxy": "a console"})
    assert "describes 3 endpoints" in text
    assert "**1 of them, 33.3 %" in text
    assert "| `POST /storage` | storage |" in text
    assert "| `PUT /storage/{storage}` | - |" in text
    assert "| a console | `POST /nodes/{node}/qemu/{vmid}/vncproxy` |" in text


@pytest.mark.parametrize(
    ("part", "whole", "expected"), [(0, 9, "0.0"), (9, 9, "100.0"), (84999, 100000, "84.9"), (85, 100, "85.0")]
)
def test_a_share_is_rounded_down(part: int, whole: int, expected: str) -> None:
    assert coverage.percentage(part, whole) == expected
