# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text tables with the borders PVE draws (print_text_table in PVE/CLIFormatter.pm)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Column:
    """A column's title, whether it is aligned to the right, and how many characters of a cell are shown."""

    title: str
    right: bool = False
    cutoff: int | None = None

    @classmethod
    def of(cls, name: str, schema: Mapping[str, Any]) -> Column:
        """The column of a property."""
        cutoff = schema.get("print_width", schema.get("maxLength"))
        right = schema.get("type") in ("integer", "number")
        return cls(str(schema.get("title", name)), right, int(cutoff) if cutoff is not None else None)

    def width(self, cells: Sequence[str]) -> int:
        """As wide as the title or the longest line, but not wider than what is shown."""
        longest = max([len(self.title), *(len(line) for cell in cells for line in cell.split("\n"))])
        return longest if self.cutoff is None else min(self.cutoff, longest)

    def fit(self, text: str, width: int) -> str:
        """A text in the column's width; a title may be wider."""
        return text.rjust(width) if self.right else text.ljust(width)


@dataclass(frozen=True)
class Border:
    """The characters of a horizontal line: left, between columns, right, and the line itself."""

    left: str
    cross: str
    right: str
    dash: str

    def line(self, widths: Sequence[int]) -> str:
        """The line over columns of these widths."""
        return self.left + self.cross.join(self.dash * (width + 2) for width in widths) + self.right


UNICODE = {
    "top": Border("┌", "┬", "┐", "─"),
    "head": Border("╞", "╪", "╡", "═"),
    "middle": Border("├", "┼", "┤", "─"),
    "bottom": Border("└", "┴", "┘", "─"),
}
ASCII_LINE = Border("+", "+", "+", "-")
ASCII = {"top": ASCII_LINE, "head": Border("+", "+", "+", "="), "middle": ASCII_LINE, "bottom": ASCII_LINE}
# PVE forgets the last character of the line below the title when there is one column only.
ASCII_SINGLE_HEAD = Border("+", "+", "", "=")


def _lines_of(cells: Sequence[str]) -> Iterator[list[str]]:
    """The lines of a row: a cell may have several; what ends in empty lines does not have them."""
    parts = [cell.rstrip("\n").split("\n") for cell in cells]
    for number in range(max(len(part) for part in parts)):
        yield [part[number] if number < len(part) else "" for part in parts]


def plain(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], widths: Sequence[int], *, header: bool
) -> list[str]:
    """Lines without borders: the last column is neither aligned nor filled up."""
    found = []
    for row in [[column.title for column in columns], *rows] if header else rows:
        for line in _lines_of(row):
            cut = [text[:width] for text, width in zip(line, widths, strict=True)]
            fitted = [column.fit(text, width) for column, text, width in zip(columns, cut, widths, strict=True)]
            found.append(" ".join([*fitted[:-1], cut[-1]]))
    return found


def bordered(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], widths: Sequence[int], *, header: bool, utf8: bool
) -> list[str]:
    """Lines with borders around and between the rows."""
    borders = UNICODE if utf8 else ASCII | ({"head": ASCII_SINGLE_HEAD} if len(columns) == 1 else {})
    bar = "│" if utf8 else "|"

    def ruled(cells: Sequence[str], *, cut: bool = True) -> str:
        shown = [text[:width] if cut else text for text, width in zip(cells, widths, strict=True)]
        fitted = [column.fit(text, width) for column, text, width in zip(columns, shown, widths, strict=True)]
        return f"{bar} {f' {bar} '.join(fitted)} {bar}"

    lines = [borders["top"].line(widths)]
    lines += [ruled([column.title for column in columns], cut=False)] if header else []
    for number, row in enumerate(rows):
        if number or header:
            lines.append(borders["middle" if number or not header else "head"].line(widths))
        lines += [ruled(line) for line in _lines_of(row)]
    return [*lines, borders["bottom"].line(widths)]


def draw(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    border: bool = True,
    header: bool = True,
    utf8: bool = True,
    width: int | None = None,
) -> str:
    """A table with its last line end; ``width`` cuts every line off at a terminal's edge."""
    widths = [column.width([row[place] for row in rows]) for place, column in enumerate(columns)]
    if border:
        lines = bordered(columns, rows, widths, header=header, utf8=utf8)
    else:
        lines = plain(columns, rows, widths, header=header)
    return "".join(f"{line[:width]}\n" for line in lines)
