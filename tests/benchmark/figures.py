"""What a benchmark reports: medians, spreads, and how far each is from its aim. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """A measured quantity. Samples and aim are in ``unit``; a figure without an aim is there to explain another."""

    name: str
    samples: tuple[float, ...]
    aim: float | None = None
    parts: dict[str, float] = field(default_factory=dict)
    problem: str = ""
    unit: str = "s"

    @property
    def median(self) -> float | None:
        """The middle sample, or None when nothing could be measured."""
        return statistics.median(self.samples) if self.samples else None

    @property
    def ratio(self) -> float | None:
        """Median divided by the aim: 1 or less is met."""
        return None if self.median is None or self.aim is None else self.median / self.aim


def verdict(figure: Figure) -> str:
    """Whether the aim is met, and by how much it is missed."""
    if figure.median is None:
        return f"not measured: {figure.problem}"
    if figure.aim is None:
        return ""
    missed = figure.median - figure.aim
    return "met" if missed <= 0 else f"missed by {missed:.2f} {figure.unit}"


def row(figure: Figure) -> tuple[str, ...]:
    """The table's cells of a figure."""
    if figure.median is None:
        return (figure.name, "-", "-", "-", "-", "0", verdict(figure))
    spread = f"{min(figure.samples):.2f}-{max(figure.samples):.2f} {figure.unit}"
    aim = "-" if figure.aim is None else f"{figure.aim:g} {figure.unit}"
    ratio = "-" if figure.ratio is None else f"{figure.ratio:.2f}"
    return (
        figure.name,
        f"{figure.median:.3f} {figure.unit}",
        spread,
        aim,
        ratio,
        str(len(figure.samples)),
        verdict(figure),
    )


HEADINGS = ("figure", "median", "spread", "aim", "median/aim", "runs", "verdict")


def table(figures: Sequence[Figure]) -> str:
    """All figures as aligned text; below a figure the parts it is made of, the largest first."""
    rows = [HEADINGS, *(row(figure) for figure in figures)]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() for cells in rows]
    for position in range(len(figures), 0, -1):
        lines[position + 1 : position + 1] = parts(figures[position - 1])
    return "\n".join(lines)


def parts(figure: Figure) -> list[str]:
    """Where the time of a figure goes."""
    ordered = sorted(figure.parts.items(), key=lambda item: -item[1])
    return [f"    {seconds:8.3f} s  {name}" for name, seconds in ordered]


def as_json(figure: Figure) -> dict[str, object]:
    """A figure for machines."""
    return {
        "name": figure.name,
        "median": figure.median,
        "aim": figure.aim,
        "ratio": figure.ratio,
        "samples": list(figure.samples),
        "parts": figure.parts,
        "verdict": verdict(figure),
    }


def middle(runs: Sequence[tuple[float, dict[str, float]]]) -> dict[str, float]:
    """The parts of the run whose time is the median, so that parts and total belong together."""
    ordered = sorted(runs, key=lambda run: run[0])
    return ordered[len(ordered) // 2][1] if ordered else {}
