"""What the comparison of areas plays and says. Its figures are measured by hand: `./run.sh bench --only areas`."""

from __future__ import annotations

import pytest

from tests.benchmark import areas
from tests.benchmark.api import Count
from tests.benchmark.areas import AREAS, Area, Sample
from tests.module.inventory import names

AREA = Area("pools", ("pool", {"poolid": "fleet"}), ("proxmox_pool", {"poolid": "fleet"}))
TAKEN = Sample((2.0, Count(3, 1)), (1.0, Count(2, 0)))


def test_each_area_plays_a_module_there_is() -> None:
    assert sorted({area.ours[0] for area in AREAS} - set(names())) == []
    assert len({area.name for area in AREAS}) == len(AREAS)


def test_their_time_is_our_aim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(areas, "sample", lambda _area, *, ours: TAKEN)
    made, ours_made, nothing, ours_nothing = areas.compared(AREA, 2)
    assert (made.name, made.median, made.aim) == ("pools, made: theirs (3 requests, 1 writes)", 2.0, None)
    assert (ours_made.aim, ours_nothing.aim) == (2.0, 1.0)
    assert nothing.name == "pools, nothing to do: theirs (2 requests, 0 writes)"


def test_what_they_have_no_module_for_is_said() -> None:
    assert areas.samples(Area("cluster", ("cluster_options", {})), 1, ours=False) == "they have no module for it"
