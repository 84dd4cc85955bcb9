# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`./test.sh replay DIR`: transcripts of a real Proxmox VE, played against a fresh lab.

Prints for each how many answers agree, and each difference. A transcript that comes with the project begins with the
state it was recorded with, and its listed differences (differences.py) are no failure.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lab.api.certificates import Pair

from . import differences, joined


def transcripts(folder: Path | None) -> list[Path]:
    """The transcripts of a folder, in order of their names."""
    return sorted(folder.glob("*.json")) if folder else []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each file of the folder given by --replay."""
    files = transcripts(metafunc.config.getoption("--replay"))
    metafunc.parametrize("transcript", files, ids=[path.stem for path in files])


def test_the_lab_answers_as_recorded(
    transcript: Path, lab_authority: Pair, lab_certificate: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    played = joined.play(transcript, lab_authority, lab_certificate)
    with capsys.disabled():
        sys.stdout.write(f"\n{played.line(transcript.stem)}\n{played.details()}")
    known = differences.read(transcript.stem).differences
    assert not differences.news(known, differences.found(played))
