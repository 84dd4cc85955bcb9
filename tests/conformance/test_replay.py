"""`./test.sh replay DIR`: somebody's own transcripts of a real Proxmox VE, played against a fresh lab.

Prints how many answers agree and each difference. The transcripts that come with the project are test_golden.py's.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.api.serving import ServedLab

from . import golden
from .test_golden import recorded_node

__all__ = ["recorded_node"]


def transcripts(folder: Path | None) -> list[Path]:
    """The transcripts of a folder, in order of their names."""
    return sorted(folder.glob("*.json")) if folder else []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each file of the folder given by --replay."""
    files = transcripts(metafunc.config.getoption("--replay"))
    metafunc.parametrize("transcript", files, ids=[path.stem for path in files])


def test_the_lab_answers_as_recorded(transcript: Path, recorded_node: ServedLab) -> None:
    player = golden.Player(recorded_node)
    steps = [step for step in golden.steps(transcript) if step.is_playable]
    found = [(step.name, difference) for step in steps if (difference := golden.difference(step, player.play(step)))]
    print(f"\n{transcript.stem}: agree {len(steps) - len(found)} of {len(steps)}")
    assert not found, "\n".join(f"{name}: {what}" for name, what in found)
