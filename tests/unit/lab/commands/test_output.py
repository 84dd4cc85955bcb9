# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers in the formats of PVE's commands."""

from __future__ import annotations

from typing import Any

import pytest

from lab.commands import output, table, units, yaml
from lab.commands.output import Style, render, speaks_utf8
from lab.commands.table import Column

ROWS = [{"id": "b", "n": 20, "ok": 1}, {"id": "a", "n": 3, "note": "x\ny"}]
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "optional": 1},
            "id": {"type": "string"},
            "ok": {"type": "boolean", "optional": 1},
            "note": {"type": "string", "optional": 1, "maxLength": 5},
        },
    },
}
BORDERED = """\
┌────┬────┬──────┬────┐
│ id │  n │ note │ ok │
╞════╪════╪══════╪════╡
│ a  │  3 │ x    │    │
│    │    │ y    │    │
├────┼────┼──────┼────┤
│ b  │ 20 │      │ 1  │
└────┴────┴──────┴────┘
"""


def text(data: Any, schema: Any = None, **style: Any) -> str:
    return render(data, schema, Style(**style))


def test_a_list_is_a_table_sorted_by_its_first_column() -> None:
    assert text(ROWS, SCHEMA) == BORDERED


def test_without_utf8_the_borders_are_plain() -> None:
    lines = text(ROWS, SCHEMA, utf8=False).splitlines()
    assert lines[0] == "+----+----+------+----+"
    assert lines[1] == "| id |  n | note | ok |"
    assert lines[2] == "+====+====+======+====+"
    assert lines[-1] == "+----+----+------+----+"


def test_without_borders_the_last_column_is_not_filled_up() -> None:
    assert text(ROWS, SCHEMA, border=False) == "id  n note ok\na   3 x    \n      y    \nb  20      1\n"
    assert text({"b": 1, "a": [1]}, border=False, header=False) == "a   [1]\nb   1\n"


def test_a_terminal_cuts_lines_off() -> None:
    assert {len(line) for line in text(ROWS, SCHEMA, width=10).splitlines()} == {10}


def test_a_column_is_cut_at_the_longest_its_schema_allows() -> None:
    cut = table.draw([Column("t", cutoff=3)], [["abcdef"]], border=False)
    assert cut == "t\nabc\n"


@pytest.mark.parametrize(
    ("data", "schema", "wanted"),
    [
        ("100", {"type": "string"}, "100\n"),
        (5, {"type": "integer"}, "5\n"),
        (None, {"type": "null"}, ""),
        (None, None, ""),
        ([], SCHEMA, ""),
        (
            ["b", "a"],
            {"type": "array", "items": {"type": "string"}},
            "┌───────┐\n│ a     │\n├───────┤\n│ b     │\n└───────┘\n",
        ),
        (
            {"b": 2, "a": None},
            {"type": "object"},
            "┌─────┬───────┐\n│ key │ value │\n╞═════╪═══════╡\n│ b   │ 2     │\n└─────┴───────┘\n",
        ),
    ],
    ids=["text", "number", "null", "nothing", "empty", "texts", "object"],
)
def test_other_answers_as_text(data: object, schema: dict[str, Any] | None, wanted: str) -> None:
    assert text(data, schema) == wanted


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ("json", '{"a":"ü","b":[1]}\n'),
        ("json-pretty", '{\n   "a" : "ü",\n   "b" : [\n      1\n   ]\n}\n'),
        ("yaml", "---\na: ü\nb:\n- 1\n"),
    ],
)
def test_other_formats(form: str, wanted: str) -> None:
    assert text({"b": [1], "a": "ü"}, form=form) == wanted


def test_quiet_prints_nothing() -> None:
    assert text({"a": 1}, quiet=True) == ""


@pytest.mark.parametrize(
    ("renderer", "value", "wanted"),
    [
        ("bytes", 0, "0.00 B"),
        ("bytes", 1023, "1023.00 B"),
        ("bytes", 1024, "1.00 KiB"),
        ("bytes", 8589934592, "8.00 GiB"),
        ("duration", 0, "0s"),
        ("duration", 93784, "1d 2h 3m 4s"),
        ("duration", 604800, "1w"),
        ("timestamp_gmt", 0, "1970-01-01 00:00:00"),
        ("fraction_as_percentage", 0.12345, "12.35%"),
        ("yaml", ["a", "b"], "- a\n- b\n"),
    ],
)
def test_values_for_humans(renderer: str, value: object, wanted: str) -> None:
    assert units.RENDERERS[renderer](value) == wanted


def test_values_for_machines_are_left_alone() -> None:
    assert output.text_of(1024, {"renderer": "bytes"}, human=False) == "1024"
    assert output.text_of({"b": 1, "a": [2]}, {}) == '{"a":[2],"b":1}'


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"LANG": "en_US.UTF-8"}, True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "C", "LC_CTYPE": "C.utf8"}, True),
        ({}, False),
    ],
    ids=["utf8", "overruled", "ctype", "none"],
)
def test_the_locale_decides_about_borders(environment: dict[str, str], wanted: bool) -> None:
    assert speaks_utf8(environment) is wanted


# ------------------------------------------------------------------- yaml


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, "~"),
        ("", "''"),
        ("9.2", "'9.2'"),
        ("9.2.1", "9.2.1"),
        ("true", "'true'"),
        ("a: b", "'a: b'"),
        ("a:b", "a:b"),
        ("it's", "it's"),
        ("- x", "'- x'"),
        ("-x", "-x"),
        ("#x", "'#x'"),
        ("a #b", "'a #b'"),
        (" a", "' a'"),
        ("a\nb", '"a\\nb"'),
        (7, "7"),
    ],
)
def test_scalars_of_yaml(value: object, wanted: str) -> None:
    assert yaml.dump(value) == f"--- {wanted}\n"


def test_yaml_can_be_read_again() -> None:
    reader = pytest.importorskip("yaml")
    data = {
        "list": [{"a": 1, "b": "x: y", "c": [1, {"d": []}]}, "z", ["q"]],
        "none": None,
        "empty": [],
        "text": "ü",
        "long": "a line\nand another one, so long\n",
        "longer": "a line\nand another one, so long",
    }
    assert reader.safe_load(yaml.dump(data)) == data
