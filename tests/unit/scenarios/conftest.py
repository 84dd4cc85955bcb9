"""Every test of the driver keeps its state to itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios import session
from tests.unit.scenarios.runs import Runs


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state directory, and a home directory without hosts and settings."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "homelab-pve"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Lets each run of a playbook end as a test says."""
    made = Runs()
    monkeypatch.setattr(session, "conduct", made.conduct)
    return made
