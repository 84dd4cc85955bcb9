"""Every area of a server in a playbook on the lab's node: declared, declared again, removed.

A play of ``areas/`` has one input, ``wanted``: present or absent. It leaves nothing behind. The first run is by the
Python that Ansible would take, the others by one that is warm.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .test_modules import passes

AREAS = Path(__file__).parent / "areas"


@pytest.mark.lab
@pytest.mark.parametrize("area", sorted(path.stem for path in AREAS.glob("*.yml")))
def test_it_is_declared_and_removed(warm: Path, area: str, tmp_path: Path) -> None:
    quickly = {"ansible_python_interpreter": warm}
    made, again, gone = passes(
        tmp_path, AREAS / f"{area}.yml", {"wanted": "present"}, {"wanted": "present", **quickly},
        {"wanted": "absent", **quickly},
    )  # fmt: skip
    assert (made > 0, again, gone > 0) == (True, 0, True)
