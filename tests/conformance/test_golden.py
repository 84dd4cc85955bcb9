# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab against transcripts of a real Proxmox VE: the list of answers that differ can only shrink."""

from __future__ import annotations

import sys

import pytest

from lab.api.certificates import Pair

from . import differences, joined, recorded
from .differences import Agreement, Known

needs_transcripts = [
    pytest.mark.shared,
    pytest.mark.skipif(not recorded.SHARED.is_dir(), reason="the transcripts of a real Proxmox VE are not here"),
]
UPDATE = "python -m tests.conformance.differences --update"


@pytest.mark.parametrize("area", [pytest.param(area, marks=needs_transcripts) for area in differences.listed()])
def test_the_lab_agrees_with_a_real_node(
    area: str, lab_authority: Pair, lab_certificate: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    played = joined.play(recorded.SHARED / f"{area}.json", lab_authority, lab_certificate)
    known, now = differences.read(area), differences.found(played)
    with capsys.disabled():
        sys.stdout.write(f"\n{played.line(area)}; {len(known.differences)} differences are listed\n")
        sys.stdout.writelines(f"  {item.seq} {item.name}: {item.what} ({item.why})\n" for item in known.differences)
    news, gone = differences.news(known.differences, now), differences.gone(known.differences, now)
    assert not news, f"new differences; make them agree, or list them with {UPDATE} {area}\n{played.details()}"
    assert not gone, f"differences that have gone; take them off the list with {UPDATE} {area}\n{gone}"
    assert played.asked == known.requests


@pytest.mark.parametrize("area", differences.listed())
def test_every_difference_that_stays_has_a_reason(area: str) -> None:
    assert [item for item in differences.read(area).differences if not item.why] == []


def test_the_documentation_has_the_measured_numbers() -> None:
    document = differences.DOCUMENT.read_text(encoding="utf-8")
    table = differences.rows({name: differences.read(name) for name in differences.listed()})
    assert differences.documented(document, table) == document, f"bring docs/fidelity.md up to date: {UPDATE}"


OLD, SAME, NEW = (Known(number, f"request-{number}", ".data") for number in range(3))


def test_a_difference_is_new_or_gone_or_known() -> None:
    known, now = (OLD, SAME), (SAME, NEW)
    assert differences.news(known, now) == [NEW]
    assert differences.gone(known, now) == [OLD]


def test_an_update_keeps_the_reason_of_a_request() -> None:
    known = (Known(1, "list", ".data", "because"),)
    assert differences.with_reasons(known, (Known(1, "list", ".data.id"), NEW)) == (
        Known(1, "list", ".data.id", "because"),
        NEW,
    )


def test_the_table_counts_answers_by_their_reason() -> None:
    agreement = Agreement(5, (Known(1, "a", ".x", "one"), Known(2, "b", ".y", "two"), Known(3, "c", ".z", "one")))
    assert differences.rows({"qemu": agreement}).splitlines()[2:] == [
        "| qemu | 2 | 5 | one (2); two (1) |",
        "| **all** | 2 | 5 | 3 answers differ |",
    ]


def test_a_document_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no marks"):
        differences.documented("text", "table")
