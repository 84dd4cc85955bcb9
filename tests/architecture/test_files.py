"""Names and words that no file may have, with a bad example for every rule."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.source import matching, text, tracked

TESTS = "tests/"


@dataclass(frozen=True)
class Words:
    """A pattern that no line may match, in files that `applies` picks."""

    name: str
    pattern: re.Pattern[str]
    applies: Callable[[Path], bool]
    bad: str
    good: str


def everywhere(_: Path) -> bool:
    return True


def outside_tests(path: Path) -> bool:
    return not path.as_posix().startswith(TESTS)


def is_code(path: Path) -> bool:
    return path.suffix in (".py", ".sh", ".yml") or path.name in ("run.sh", "test.sh")


# Written in pieces so that this file does not break its own rules.
RULES = (
    Words(
        "machine paths", re.compile("/wo" + r"rk/|/opt/py" + r"pi|/root/\.py" + "env"), everywhere, "/wo" + "rk/x", "/w"
    ),
    Words(
        "the shared folder",
        re.compile(r"\.\./sha" + "red|/sha" + "red/"),
        outside_tests,
        "see ../sha" + "red",
        "shared",
    ),
    Words("unfinished work", re.compile(r"\b(TO" + "DO|FIX" + r"ME|XX" + r"X)\b"), is_code, "# TO" + "DO: x", "TODAY"),
)


def lines(rule: Words, content: str) -> list[int]:
    """Numbers of the lines that break a rule."""
    return [number for number, line in enumerate(content.splitlines(), 1) if rule.pattern.search(line)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_file_has_these_words(rule: Words) -> None:
    found = [f"{path}:{line}" for path in tracked() if rule.applies(path) for line in lines(rule, text(path))]
    assert not found, f"{rule.name}: {found}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_bad_word_is_found(rule: Words) -> None:
    assert lines(rule, f"fine\n{rule.bad}\n{rule.good}\n") == [2]


EMPTY_NAMES = frozenset({"utils", "util", "common", "helpers", "helper", "misc"})


def says_nothing(path: Path) -> bool:
    """Whether a file or one of its folders has a name that says nothing about what it holds."""
    return bool(EMPTY_NAMES.intersection((*path.parts[:-1], path.stem)))


def test_names_say_what_files_hold() -> None:
    assert [path for path in tracked() if says_nothing(path)] == []


@pytest.mark.parametrize("name", ["plugins/module_utils/utils.py", "scenarios/helpers/x.py", "tests/common.py"])
def test_an_empty_name_is_found(name: str) -> None:
    assert says_nothing(Path(name))


def test_module_utils_is_a_name_given_by_ansible() -> None:
    assert not says_nothing(Path("plugins/module_utils/api.py"))


def fixed_sleeps(source: str) -> list[int]:
    """Lines that sleep a number of seconds written down there: waiting asks again and again, with a bound."""
    # Most files sleep nowhere: parsing them all takes three seconds.
    return [
        node.lineno
        for node in (ast.walk(ast.parse(source)) if "sleep" in source else ())
        if isinstance(node, ast.Call) and called(node) == "sleep" and node.args and is_positive_number(node.args[0])
    ]


def called(call: ast.Call) -> str:
    """The last part of a called function's name."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def is_positive_number(node: ast.expr) -> bool:
    """Whether an expression is a number above zero; asyncio.sleep(0) only lets others run."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value > 0


def test_nothing_sleeps_for_a_fixed_time() -> None:
    found = [f"{path}:{line}" for path in matching("**/*.py") for line in fixed_sleeps(text(path))]
    assert found == []


@pytest.mark.parametrize("source", ["import time\ntime.sleep(1)", "\nawait_ = asyncio.sleep(0.5)", "\nsleep(3)"])
def test_a_fixed_sleep_is_found(source: str) -> None:
    assert fixed_sleeps(source) == [2]


@pytest.mark.parametrize("source", ["time.sleep(pause)", "asyncio.sleep(0)"])
def test_an_adaptive_sleep_passes(source: str) -> None:
    assert fixed_sleeps(source) == []


def is_licensed(content: str) -> bool:
    """Whether a file begins with the licence header, as Ansible asks of every plugin."""
    return "SPDX-License-Identifier: GPL-3.0-or-later" in "\n".join(content.splitlines()[:5])


def test_plugins_carry_the_licence() -> None:
    assert [path for path in matching("plugins/**/*.py") if text(path).strip() and not is_licensed(text(path))] == []


def test_a_missing_licence_is_found() -> None:
    assert not is_licensed("from __future__ import annotations\n")


def without_future(content: str) -> bool:
    """Whether a file with code in it lacks `from __future__ import annotations`."""
    if "from __future__ import annotations" in content:
        return False
    return any(not isinstance(node, ast.Expr) for node in ast.parse(content).body)


def test_annotations_are_lazy_everywhere() -> None:
    assert [path for path in matching("**/*.py") if without_future(text(path))] == []


@pytest.mark.parametrize(("content", "bad"), [("x = 1\n", True), ('"""Only words."""\n', False)])
def test_a_missing_future_import_is_found(content: str, bad: bool) -> None:
    assert without_future(content) is bad
