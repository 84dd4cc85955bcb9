"""Saved plans: what they hold, and when they are refused."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from scenarios import state_saved
from scenarios.errors import DriverError
from tests.unit.scenarios.test_state_text import CHANGED

TOLD: dict[str, Any] = {
    "state_changed": True,
    "state_actions": [CHANGED],
    "state_hashes": {"current": "c", "desired": "d"},
    "state_timestamp": "2026-01-01T00:00:00Z",
}


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "web.yml"
    path.write_text("vms: []\n", encoding="utf-8")
    return path


@pytest.fixture
def plan(document: Path, tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    state_saved.write(path, "pve", {"state_files": [str(document)], "state_prune": ["vms"]}, TOLD)
    return path


def test_a_plan_comes_back_as_it_was_saved(plan: Path, document: Path) -> None:
    saved = state_saved.read([str(plan)])
    assert saved is not None
    assert (saved.host, saved.inputs) == ("pve", {"state_files": [str(document)], "state_prune": ["vms"]})
    assert saved.told == TOLD
    assert state_saved.expected(saved.told) == {"current_hash": "c", "desired_hash": "d", "actions": [CHANGED]}
    assert stat.S_IMODE(plan.stat().st_mode) == 0o600


def test_it_names_the_document_and_its_hash_but_has_not_its_content(plan: Path, document: Path) -> None:
    content = json.loads(plan.read_text(encoding="utf-8"))
    assert [entry["path"] for entry in content["documents"]] == [str(document)]
    assert len(content["documents"][0]["sha256"]) == 64
    assert "vms: []" not in plan.read_text(encoding="utf-8")


def test_a_document_that_was_changed_since_is_refused(plan: Path, document: Path) -> None:
    document.write_text("vms: [] \n", encoding="utf-8")
    with pytest.raises(DriverError, match="was changed since the plan was made"):
        state_saved.read([str(plan)])


def test_a_document_that_is_gone_is_refused(plan: Path, document: Path) -> None:
    document.unlink()
    with pytest.raises(DriverError, match=r"web\.yml can't be read: No such file"):
        state_saved.read([str(plan)])


@pytest.mark.parametrize(
    ("change", "message"),
    [({"homelab_pve_plan": 2}, "another version"), ({"inputs": None}, "damaged"), ({"documents": [1]}, "damaged")],
)
def test_a_damaged_plan_is_refused(plan: Path, change: dict[str, Any], message: str) -> None:
    content = json.loads(plan.read_text(encoding="utf-8"))
    plan.write_text(json.dumps({**content, **change}), encoding="utf-8")
    with pytest.raises(DriverError, match=message):
        state_saved.read([str(plan)])


@pytest.mark.parametrize("text", ['{"version": 1, "plugins": {}}', "[1]", "{", "[" * 100_000])
def test_documents_are_no_plans(text: str, tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    path.write_text(text, encoding="utf-8")
    assert state_saved.read([str(path)]) is None


def test_several_files_are_documents(plan: Path) -> None:
    assert state_saved.read([str(plan), str(plan)]) is None


def test_a_plan_that_cannot_be_saved(tmp_path: Path, document: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DriverError, match="can't be saved"):
        state_saved.write(tmp_path / "file" / "plan.json", "pve", {"state_files": [str(document)]}, TOLD)
