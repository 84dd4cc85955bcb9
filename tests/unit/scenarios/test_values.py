"""Typed inputs: what is read, what is refused, and in which words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.values import KINDS, Json, read


@pytest.mark.parametrize(
    ("kind", "given_value", "expected"),
    [
        ("str", "99", "99"),
        ("int", "99", 99),
        ("int", 99, 99),
        ("float", "1.5", 1.5),
        ("bool", "Yes", True),
        ("bool", "off", False),
        ("list", "a, b,,c", ["a", "b", "c"]),
        ("list", '["a,b", 1]', ["a,b", 1]),
        ("list", "", []),
        ("dict", '{"a": 1}', {"a": 1}),
        ("range", "99900-99999", [99900, 99999]),
        ("range", "[99900, 99999]", [99900, 99999]),
        ("range", [1, 1], [1, 1]),
        ("path", "/etc/app.env", "/etc/app.env"),
        ("path", "app.env", f"{Path.cwd()}/app.env"),
        ("path", "", ""),
        ("paths", "a.yml, /b.yml", [f"{Path.cwd()}/a.yml", "/b.yml"]),
        ("paths", ["/a.yml"], ["/a.yml"]),
        ("source", "https://host/repo.git", "https://host/repo.git"),
        ("source", "git@host:repo.git", "git@host:repo.git"),
    ],
)
def test_reads(kind: str, given_value: Json, expected: Json) -> None:
    assert read(kind, given_value) == expected


@pytest.mark.parametrize(
    ("kind", "given_value", "message"),
    [
        ("int", "ten", "expected a whole number, got 'ten'"),
        ("int", True, "expected a whole number, got true"),
        ("int", 1.5, "expected a whole number, got 1.5"),
        ("bool", "maybe", "expected yes or no, got 'maybe'"),
        ("list", "[1,", "expected a list (a,b,c or JSON), got '[1,'"),
        ("dict", "[1]", "expected a JSON object, got '[1]'"),
        ("range", "9-1", "expected a range such as 99900-99999, got '9-1'"),
        ("range", "9", "expected a range such as 99900-99999, got '9'"),
        ("range", [1, 2, 3], "expected a range such as 99900-99999, got [1, 2, 3]"),
        ("str", 5, "expected text, got 5"),
        ("path", "~nobody-here/x", "expected a path, got '~nobody-here/x'"),
    ],
)
def test_refuses(kind: str, given_value: Json, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        read(kind, given_value)
    assert str(caught.value) == message


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=30))
def test_whatever_is_read_is_of_its_kind(kind: str, text: str) -> None:
    try:
        value = read(kind, text)
    except ValueError as error:
        assert KINDS[kind].phrase in str(error)
    else:
        assert KINDS[kind].accepts(value)
        assert json.loads(json.dumps(value)) == value


def test_a_path_may_begin_at_home() -> None:
    assert read("source", "~/app") == f"{Path.home()}/app"
