# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers as PVE's commands print them: text tables, json, json-pretty, yaml (PVE/CLIFormatter.pm).

What a column is called, how it is aligned and in which words its values are told follows from the schema of the answer.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.commands import table, units, yaml
from lab.commands.options import Properties

FORMATS = ("text", "json", "json-pretty", "yaml")
# The options that every command with formatted output takes (standard_output_options in PVE/RESTHandler.pm).
OPTIONS: Properties = {
    "output-format": {"type": "string", "enum": list(FORMATS), "default": "text", "optional": 1},
    "noheader": {"type": "boolean", "default": 0, "optional": 1},
    "noborder": {"type": "boolean", "default": 0, "optional": 1},
    "quiet": {"type": "boolean", "optional": 1},
    "human-readable": {"type": "boolean", "default": 1, "optional": 1},
}
Schema = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Style:
    """How to print: the format options of the command line and what the terminal can."""

    form: str = "text"
    header: bool = True
    border: bool = True
    quiet: bool = False
    human: bool = True
    # The column to sort by: None is the first, an empty text is the order as it is.
    sort_key: str | None = None
    utf8: bool = True
    width: int | None = None


def speaks_utf8(environment: Mapping[str, str]) -> bool:
    """Whether the locale is one of UTF-8; only then tables have lines of box drawing characters."""
    names = (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    return "utf8" in next((name for name in names if name), "").lower().replace("-", "")


def terminal_width() -> int | None:
    """Columns of the terminal that tables are cut off at; None when the output is no terminal."""
    return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else None


def style(values: Mapping[str, Any], **defaults: Any) -> Style:  # noqa: ANN401
    """The style that the format options ask for."""
    asked: dict[str, Any] = {
        "form": values.get("output-format"),
        "header": None if "noheader" not in values else not values["noheader"],
        "border": None if "noborder" not in values else not values["noborder"],
        "quiet": values.get("quiet"),
        "human": None if "human-readable" not in values else bool(values["human-readable"]),
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return Style(**{"utf8": speaks_utf8(os.environ), "width": terminal_width(), **defaults, **given})


def guessed(data: object) -> Schema:
    """A schema for data that has none."""
    if isinstance(data, list):
        return {"type": "array", "items": guessed(data[0]) if data else {"type": "null"}}
    return {"type": "null" if data is None else "object" if isinstance(data, dict) else "string"}


def text_of(data: object, schema: Schema, *, human: bool = True) -> str:
    """A value as text: what is no scalar as JSON."""
    if data is None:
        return ""
    if human and schema.get("type") == "boolean":
        return "1" if data not in (0, "", "0", False) else "0"
    if human and schema.get("renderer") in units.RENDERERS:
        return units.RENDERERS[schema["renderer"]](data)
    if isinstance(data, bool | dict | list):
        return as_json(data)
    return str(data)


def as_json(data: object) -> str:
    """JSON on one line, as Perl's to_json with ``canonical`` writes it."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def as_pretty_json(data: object) -> str:
    """JSON as Perl's ``pretty`` writes it: three blanks, and one on both sides of the colon."""
    return json.dumps(data, ensure_ascii=False, indent=3, separators=(",", " : "), sort_keys=True)


def columns_of(properties: Properties, rows: Rows) -> list[str]:
    """What the schema names, required properties first; without any, every key of the rows."""
    needed = sorted(name for name, schema in properties.items() if not schema.get("optional"))
    others = sorted(name for name, schema in properties.items() if schema.get("optional"))
    return [*needed, *others] or sorted({key for row in rows for key in row})


def in_order(rows: Rows, key: str, schema: Schema) -> list[Mapping[str, Any]]:
    """Rows sorted by a column, as numbers or as texts; those without it come first (safe_compare in PVE/Tools.pm)."""

    def place(row: Mapping[str, Any]) -> tuple[bool, Any]:
        value = row.get(key)
        if value is None:
            return False, 0
        return True, float(value) if schema.get("type") in ("integer", "number") else text_of(value, {})

    return sorted(rows, key=place)


def rows_text(rows: Rows, properties: Properties, columns: Sequence[str], how: Style) -> str:
    """A table of the rows' columns."""
    key = columns[0] if how.sort_key is None else how.sort_key
    ordered = in_order(rows, key, properties.get(key, {})) if key else rows
    heads = [table.Column.of(name, properties.get(name, {})) for name in columns]
    cells = [[text_of(row.get(name), properties.get(name, {}), human=how.human) for name in columns] for row in ordered]
    return table.draw(heads, cells, border=how.border, header=how.header, utf8=how.utf8, width=how.width)


def object_text(data: Mapping[str, Any], schema: Schema, columns: Sequence[str] | None, how: Style) -> str:
    """An object: a table of its keys and values."""
    properties = schema.get("properties") or {}
    names = list(columns or columns_of(properties, [data]))
    rows = [
        {"key": name, "value": text_of(data[name], properties.get(name, {}), human=how.human)}
        for name in names
        if data.get(name) is not None
    ]
    return rows_text(rows, {}, ("key", "value"), how)


def list_text(data: Sequence[Any], schema: Schema, columns: Sequence[str] | None, how: Style) -> str:
    """A list: a table of its objects, or its values below each other."""
    items: Schema = schema.get("items") or guessed(data[0])
    if items.get("type") == "object":
        properties = items.get("properties") or {}
        return rows_text(data, properties, columns or columns_of(properties, data), how)
    rows = [{"value": value} for value in data]
    return rows_text(rows, {"value": items}, ("value",), Style(**{**vars(how), "header": False}))


def as_text(data: Any, schema: Schema, columns: Sequence[str] | None, how: Style) -> str:  # noqa: ANN401
    """What ``--output-format text`` prints."""
    if schema["type"] == "object" and isinstance(data, dict):
        return object_text(data, schema, columns, how)
    if schema["type"] == "array" and isinstance(data, list):
        return list_text(data, schema, columns, how) if data else ""
    return f"{text_of(data, {})}\n"


def render(data: Any, schema: Schema | None, how: Style, columns: Sequence[str] | None = None) -> str:  # noqa: ANN401
    """An answer with its last line end; nothing for one that says nothing."""
    kind: Schema = schema if schema and schema.get("type") else guessed(data)
    if how.quiet or kind["type"] == "null" or (kind.get("optional") and data is None):
        return ""
    if how.form == "yaml":
        return yaml.dump(data)
    if how.form == "json":
        return as_json(data) + "\n"
    if how.form == "json-pretty":
        return as_pretty_json(data) + "\n"
    return as_text(data, kind, columns, how)
