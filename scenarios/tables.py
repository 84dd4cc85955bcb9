"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scenarios.values import Json


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

    table = Table(*columns, box=None, padding=(0, 2, 0, 0), show_header=heading)
    for row in rows:
        table.add_row(*(Text(text, (styles or {}).get(text, "")) for text in row))
    Console().print(table)
