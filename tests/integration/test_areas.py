"""Every area of a server in a playbook on the lab's node: declared, declared again, removed, removed again.

A play of ``areas/`` has one input, ``wanted``: present or absent. It leaves nothing behind.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Stand
from .test_modules import play

AREAS = Path(__file__).parent / "areas"


@pytest.mark.lab
@pytest.mark.parametrize("area", sorted(path.stem for path in AREAS.glob("*.yml")))
def test_it_is_declared_and_removed(stand: Stand, area: str) -> None:
    for wanted in ("present", "absent"):
        assert play(f"../areas/{area}", wanted=wanted)[0] > 0
        again, output = play(f"../areas/{area}", wanted=wanted)
        assert again == 0, output
