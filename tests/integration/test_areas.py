"""Every area of a server in a playbook on the lab's node: declared, declared again, removed.

A play of ``areas/`` has one input, ``wanted``: present or absent. It leaves nothing behind. The first run is by the
Python that Ansible would take, the others by one that is warm.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .test_modules import play

AREAS = Path(__file__).parent / "areas"


@pytest.mark.lab
@pytest.mark.parametrize("area", sorted(path.stem for path in AREAS.glob("*.yml")))
def test_it_is_declared_and_removed(warm: Path, area: str) -> None:
    name = f"../areas/{area}"
    assert play(name, wanted="present")[0] > 0
    for wanted, changes in (("present", False), ("absent", True)):
        changed, output = play(name, wanted=wanted, ansible_python_interpreter=warm)
        assert (changed > 0) is changes, output
