"""The arithmetic and the words of the benchmark's report."""

from __future__ import annotations

import pytest

from tests.benchmark.figures import Figure, as_json, middle, row, table, verdict


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (Figure("a", (0.1, 0.2, 0.9), aim=0.3), "met"),
        (Figure("a", (0.3,), aim=0.3), "met"),
        (Figure("a", (0.5,), aim=0.3), "missed by 0.20 s"),
        (Figure("a", (0.5,)), ""),
        (Figure("a", (310.0,), aim=300.0, unit="MB"), "missed by 10.00 MB"),
        (Figure("a", (), aim=1.0, problem="no root"), "not measured: no root"),
    ],
)
def test_verdict(figure: Figure, words: str) -> None:
    assert verdict(figure) == words


def test_a_row_names_median_spread_and_ratio() -> None:
    assert row(Figure("up", (1.0, 2.0, 4.0), aim=1.0)) == (
        *("up", "2.000 s", "1.00-4.00 s", "1 s", "2.00", "3"),
        "missed by 1.00 s",
    )


def test_parts_stand_below_their_figure_largest_first() -> None:
    lines = table([Figure("a", (3.0,), parts={"small": 1.0, "large": 2.0}), Figure("b", (1.0,))]).splitlines()
    assert [line.split()[-1 if line.startswith(" ") else 0] for line in lines] == ["figure", "a", "large", "small", "b"]


def test_the_parts_are_those_of_the_median_run() -> None:
    assert middle([(3.0, {"x": 3.0}), (1.0, {"x": 1.0}), (2.0, {"x": 2.0})]) == {"x": 2.0}
    assert middle([]) == {}


def test_json_has_numbers() -> None:
    assert as_json(Figure("a", (1.0, 2.0), aim=3.0)) | {"name": "", "verdict": ""} == {
        "name": "",
        "median": 1.5,
        "aim": 3.0,
        "ratio": 0.5,
        "samples": [1.0, 2.0],
        "parts": {},
        "verdict": "",
    }
