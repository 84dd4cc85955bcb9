"""Tables on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from scenarios.values import Json

ENDLESS = 10_000
"""Columns."""


def cell(value: Json, separator: str = "\n") -> str:
    """A value as a table shows it; a list's items with ``separator`` between."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list):
        return separator.join(map(str, value))
    return "" if value is None else str(value)


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    styles: Mapping[str, str] | None = None,
    *,
    heading: bool = True,
) -> None:
    """Print a table.

    Args:
        styles: how a cell of this text looks.
        heading: whether the columns' names are shown.
    """
    from rich.console import Console  # noqa: PLC0415 - costs 80 ms
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, padding=(0, 2, 0, 0), show_header=heading)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(text, (styles or {}).get(text, "")) for text in row))
    # Nothing is cut off where there is no terminal whose width would matter.
    Console(width=None if sys.stdout.isatty() else ENDLESS).print(table)
