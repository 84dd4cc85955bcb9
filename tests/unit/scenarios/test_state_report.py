"""Differences as a page, as JSON, and as figures."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from scenarios import prometheus, state_report
from scenarios.errors import DriverError
from tests.unit.scenarios.test_state_text import CHANGED, TOLD, action

HOSTILE = action("modify", id="<script>", before={"name": "a"}, after={"name": "</td><b>"})


def test_the_page_has_every_difference_and_nothing_that_is_alone() -> None:
    page = state_report.html("pve", {**TOLD, "state_timestamp": "2026-01-01T00:00:00Z"})
    assert "pve: it differs from the documents" in page
    assert '<td>memory</td>\n  <td class="value">512</td>\n  <td class="value">1024</td>' in page
    assert "storage nfs: failed: no such server" in page
    assert "vms 103" not in page


def test_the_page_without_differences() -> None:
    assert "pve: no differences" in state_report.html("pve", {"state_actions": []})


def test_the_page_of_a_failure() -> None:
    page = state_report.html("pve", {}, "nobody answers")
    assert "pve: could not be compared" in page
    assert "nobody answers" in page


def test_what_a_server_says_is_no_markup() -> None:
    page = state_report.html("pve", {"state_actions": [HOSTILE]})
    assert "<script>" not in page
    assert "<b>" not in page


def test_the_document() -> None:
    told = {"state_changed": True, "state_actions": [CHANGED]}
    assert state_report.document("pve", told) == {"schema": 1, "host": "pve", "changed": True, "actions": [CHANGED]}
    assert state_report.document("pve", {}, "broken") == {"schema": 1, "host": "pve", "error": "broken"}


def figures(told: Mapping[str, object], success: bool) -> list[str]:
    text = prometheus.exposition(state_report.drift_metrics("pve", told, success, 1700000000.5))
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_figures_of_differences() -> None:
    assert figures(TOLD, success=True) == [
        'homelab_pve_drift_resources{host="pve",action="create",kind="vms"} 1',
        'homelab_pve_drift_resources{host="pve",action="delete",kind="vms"} 1',
        'homelab_pve_drift_resources{host="pve",action="failed",kind="storage"} 1',
        'homelab_pve_drift_resources{host="pve",action="modify",kind="vms"} 1',
        'homelab_pve_drift_last_run_timestamp_seconds{host="pve"} 1700000000.5',
        'homelab_pve_drift_last_run_success{host="pve"} 1',
    ]


def test_figures_of_a_failure_are_no_differences() -> None:
    assert figures({}, success=False)[-1] == 'homelab_pve_drift_last_run_success{host="pve"} 0'
    assert len(figures({}, success=False)) == 2


def test_another_user_may_read_figures_and_only_the_owner_a_page(tmp_path: Path) -> None:
    state_report.write_metrics(tmp_path / "a.prom", [])
    state_report.write(tmp_path / "a.html", "x")
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a.prom", "a.html")] == [0o644, 0o600]


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DriverError, match=r"can't be written: No such file or directory\. What was there is as it was"):
        state_report.write(tmp_path / "none" / "a.html", "x")
