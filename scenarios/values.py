"""Typed values: what an input may be, how its text is read, how a value from a file is checked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
RANGE_LENGTH = 2


@dataclass(frozen=True)
class Kind:
    """One type of value.

    Attributes:
        phrase: how the type is called in a message, as in "a whole number".
        parse: reads a command line's text; raises ValueError.
        accepts: whether a value that already is JSON is of this type.
    """

    phrase: str
    parse: Callable[[str], Json]
    accepts: Callable[[Json], bool]


def _boolean(text: str) -> Json:
    try:
        return BOOLEANS[text.strip().lower()]
    except KeyError:
        raise ValueError(text) from None


def _list(text: str) -> Json:
    if text.lstrip().startswith("["):
        return _json_of(text, list)
    return [part.strip() for part in text.split(",") if part.strip()]


def _range(text: str) -> Json:
    match = re.fullmatch(r"\s*\[?\s*(\d+)\s*[-,]\s*(\d+)\s*\]?\s*", text)
    if match is None:
        raise ValueError(text)
    low, high = int(match[1]), int(match[2])
    if low > high:
        raise ValueError(text)
    return [low, high]


def _dict(text: str) -> Json:
    return _json_of(text, dict)


def _json_of(text: str, wanted: type) -> Json:
    value: Json = json.loads(text)
    if not isinstance(value, wanted):
        raise ValueError(text)
    return value


def _is_int(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _path(text: str) -> Json:
    """An absolute path: a playbook runs in another directory than the one the text was typed in."""
    try:
        return str(Path(text).expanduser().absolute())
    except RuntimeError as error:  # a tilde with the name of nobody
        raise ValueError(text) from error


def _paths(text: str) -> Json:
    return [_path(part) for part in cast("list[str]", _list(text))]


def _are_places(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) and _is_place(part) for part in value)


def _is_place(text: str) -> bool:
    """Whether a text is an absolute path or what git takes for a URL, or nothing at all."""
    return not text or text.startswith("/") or re.match(r"[a-z][a-z0-9+]*://|[^/]+@[^/:]+:", text) is not None


def _is_range(value: Json) -> bool:
    if not isinstance(value, list) or len(value) != RANGE_LENGTH:
        return False
    low, high = value
    return isinstance(low, int) and isinstance(high, int) and low <= high


KINDS: dict[str, Kind] = {
    "str": Kind("text", str, lambda value: isinstance(value, str)),
    "int": Kind("a whole number", int, _is_int),
    "float": Kind("a number", float, _is_number),
    "bool": Kind("yes or no", _boolean, lambda value: isinstance(value, bool)),
    "list": Kind("a list (a,b,c or JSON)", _list, lambda value: isinstance(value, list)),
    "dict": Kind("a JSON object", _dict, lambda value: isinstance(value, dict)),
    "range": Kind("a range such as 99900-99999", _range, _is_range),
    "path": Kind("a path", _path, lambda value: isinstance(value, str) and _is_place(value)),
    "paths": Kind("paths (a,b or JSON)", _paths, _are_places),
    "source": Kind("a path or a git URL", _path, lambda value: isinstance(value, str) and _is_place(value)),
}


def read(kind: str, value: Json) -> Json:
    """Turn what a user gave into a value of ``kind``.

    Args:
        kind: a key of KINDS.
        value: text from a command line, or any value from a YAML or JSON file.

    Raises:
        ValueError: it is no such value; the message names the type.
    """
    wanted = KINDS[kind]
    if wanted.accepts(value):
        return value
    if not isinstance(value, str):
        raise ValueError(f"expected {wanted.phrase}, got {json.dumps(value)}")
    try:
        return wanted.parse(value)
    except ValueError:
        raise ValueError(f"expected {wanted.phrase}, got '{value}'") from None
