# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output formats of PVE's commands: text (bordered tables), json, json-pretty, yaml (PVE/CLIFormatter.pm)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

FORMATS = ("text", "json", "json-pretty", "yaml")
Rows = Sequence[Mapping[str, Any]]


def text_of(value: object) -> str:
    """A cell: scalars as they are, everything else as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else json.dumps(value, sort_keys=True)


def columns_of(rows: Rows) -> list[str]:
    """Every key of the rows, sorted, the one that names a row first."""
    keys = {key for row in rows for key in row}
    leading = [key for key in ("vmid", "id", "name", "storage", "userid", "tokenid", "subdir", "node") if key in keys]
    return leading[:1] + sorted(keys - set(leading[:1]))


def table(columns: Sequence[str], rows: Rows, *, border: bool = True, header: bool = True) -> str:
    """A table with the borders PVE draws."""
    cells = [[text_of(row.get(column)) for column in columns] for row in rows]
    widths = [max([len(column), *(len(line[place]) for line in cells)]) for place, column in enumerate(columns)]
    if not border:
        return "\n".join(_plain(line, widths) for line in ([list(columns)] if header else []) + cells)
    head = [_ruled("│", columns, widths), _line("╞", "═", "╪", "╡", widths)] if header else []
    body: list[str] = []
    for number, line in enumerate(cells):
        body += [_line("├", "─", "┼", "┤", widths)] if number else []
        body.append(_ruled("│", line, widths))
    return "\n".join([_line("┌", "─", "┬", "┐", widths), *head, *body, _line("└", "─", "┴", "┘", widths)])


def _plain(cells: Sequence[str], widths: Sequence[int]) -> str:
    return " ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _ruled(bar: str, cells: Sequence[str], widths: Sequence[int]) -> str:
    inner = f" {bar} ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"{bar} {inner} {bar}"


def _line(left: str, dash: str, cross: str, right: str, widths: Sequence[int]) -> str:
    return left + cross.join(dash * (width + 2) for width in widths) + right


def as_text(data: object, *, border: bool = True, header: bool = True) -> str:
    """What ``--output-format text`` prints: tables for lists and objects, scalars as they are."""
    if data is None:
        return ""
    if isinstance(data, dict):
        rows = [{"key": key, "value": data[key]} for key in sorted(data)]
        return table(["key", "value"], rows, border=border, header=header)
    if isinstance(data, list) and data and isinstance(data[0], dict):
        return table(columns_of(data), data, border=border, header=header)
    if isinstance(data, list):
        return "\n".join(text_of(item) for item in data)
    return text_of(data)


def as_yaml(data: object, indent: int = 0) -> str:
    """A YAML document; strings are quoted as JSON, which every YAML reader takes."""
    pad = "  " * indent
    if isinstance(data, dict) and data:
        return "\n".join(f"{pad}{key}:{_nested(value, indent)}" for key, value in sorted(data.items()))
    if isinstance(data, list) and data:
        return "\n".join(f"{pad}-{_nested(item, indent)}" for item in data)
    return pad + json.dumps(data, ensure_ascii=False)


def _nested(value: object, indent: int) -> str:
    if isinstance(value, dict | list) and value:
        return "\n" + as_yaml(value, indent + 1)
    return " " + json.dumps(value, ensure_ascii=False)


def render(data: object, form: str, *, border: bool = True, header: bool = True) -> str:
    """An answer in one of the formats, without the last newline."""
    if form == "json":
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if form == "json-pretty":
        return json.dumps(data, ensure_ascii=False, indent=3, sort_keys=True)
    if form == "yaml":
        return "---\n" + as_yaml(data)
    return as_text(data, border=border, header=header)
