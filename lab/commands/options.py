# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a command line after a schema, as PVE's commands do (get_options in PVE/JSONSchema.pm, Getopt::Long).

``--name value``, ``--name=value``, ``-name value``; names may be abbreviated and their case does not matter. A boolean
may stand without a value. Lists are given as one word or by repeating the option.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Properties = Mapping[str, Mapping[str, Any]]
Values = dict[str, Any]
Interactive = Mapping[str, Callable[[str], str]]

EXTRA = "extra-args"
NUMBERED = re.compile(r"([a-z]+)\d+")
TRUE, FALSE = ("1", "on", "yes", "true"), ("0", "off", "no", "false")


class UsageError(Exception):
    """A command line that cannot be read; the text is PVE's, without the status 400 it prints in front."""


@dataclass
class Taken:
    """A command line taken apart: words, options, and what Getopt::Long complained about."""

    words: list[str] = field(default_factory=list)
    options: dict[str, str | list[str]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)


def is_list(schema: Mapping[str, Any]) -> bool:
    """Whether an option may be repeated."""
    return "-list" in str(schema.get("format", "")) or schema.get("type") == "array"


def looks_like_option(word: str) -> bool:
    """Whether a word names an option; a lone dash does not."""
    return len(word) > 1 and word.startswith("-")


def schema_of(name: str, properties: Properties) -> Mapping[str, Any]:
    """The schema of a parameter; ``net0`` has that of its family, ``net[n]``."""
    return properties.get(name) or properties.get(family(name)) or {}


def family(name: str) -> str:
    """``net[n]`` of ``net0``; an empty text of a name without a number at its end."""
    found = NUMBERED.fullmatch(name)
    return f"{found.group(1)}[n]" if found else ""


def find(name: str, known: Collection[str]) -> str:
    """The option that a name means: itself in any case, or the only one that begins so. Raises UsageError."""
    wanted = name.lower()
    if family(wanted) in known:
        return wanted
    exact = [option for option in known if option.lower() == wanted]
    if exact:
        return exact[0]
    found = sorted(option for option in known if option.lower().startswith(wanted))
    if not found:
        raise UsageError(f"Unknown option: {name}")
    if len(found) > 1:
        raise UsageError(f"Option {name} is ambiguous ({', '.join(found)})")
    return found[0]


def take_apart(arguments: Sequence[str], properties: Properties, interactive: Collection[str] = ()) -> Taken:
    """Words and options of a command line; words after ``--`` are no options."""
    taken, waiting = Taken(), list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            taken.words += waiting
            break
        if not looks_like_option(word):
            taken.words.append(word)
            continue
        try:
            _take_option(word, waiting, taken, properties, interactive)
        except UsageError as complaint:
            taken.complaints.append(str(complaint))
    return taken


def _take_option(
    word: str, waiting: list[str], taken: Taken, properties: Properties, interactive: Collection[str]
) -> None:
    typed, separator, given = (word[2:] if word.startswith("--") else word[1:]).partition("=")
    name = find(typed, properties.keys())
    schema = schema_of(name, properties)
    # An option that may stand alone takes the next word only when that is no option.
    alone = schema.get("type") == "boolean" or name in interactive
    if separator and (given or alone):
        value = given
    elif separator or not (waiting or alone):
        raise UsageError(f"Option {typed} requires an argument")
    elif alone and (not waiting or looks_like_option(waiting[0])):
        value = ""
    else:
        value = waiting.pop(0)
    if is_list(schema):
        taken.options[name] = [*taken.options.get(name, []), value]
    else:
        taken.options[name] = value


def place_words(words: Sequence[str], names: Sequence[str], properties: Properties) -> Values:
    """Give each word its parameter; those left over may be optional. Raises UsageError for too few or too many."""
    left, placed = list(words), Values()
    for name in names:
        if name == EXTRA:
            placed[EXTRA], left = left, []
        elif left:
            placed[name] = left.pop(0)
        elif not properties.get(name, {}).get("optional"):
            raise UsageError("not enough arguments")
    if left:
        raise UsageError("too many arguments")
    return placed


def boolean(value: str) -> int:
    """PVE's booleans on the command line; an option alone is true."""
    lowered = value.lower()
    if lowered in ("", *TRUE):
        return 1
    if lowered in FALSE:
        return 0
    raise UsageError("unable to parse boolean option")


def converted(schema: Mapping[str, Any], value: Any) -> Any:  # noqa: ANN401 - text or a list of it
    """A value as the API takes it."""
    if schema.get("type") == "boolean" and isinstance(value, str):
        return boolean(value)
    if "-list" in str(schema.get("format", "")) and isinstance(value, list):
        return ",".join(value)
    return value


def read(
    arguments: Sequence[str],
    properties: Properties,
    words: Sequence[str] | str = (),
    interactive: Interactive | None = None,
) -> Values:
    """The parameters of a command line. ``words`` name the positional ones; a text is one list that takes them all.

    Raises UsageError; complaints of Getopt::Long go to standard error first, as on PVE.
    """
    asked = interactive or {}
    allowed = {name: schema for name, schema in properties.items() if name != words}
    taken = take_apart(arguments, allowed, asked)
    if taken.complaints:
        sys.stderr.write("".join(f"{complaint}\n" for complaint in taken.complaints))
        raise UsageError("unable to parse option")
    if isinstance(words, str):
        placed: Values = {words: taken.words} if taken.words else {}
    else:
        placed = place_words(taken.words, words, properties)
    values = {**taken.options, **placed}
    for name, ask in asked.items():
        if name in values or (name in properties and not properties[name].get("optional")):
            values[name] = ask(str(values.get(name, "")))
    return {name: converted(schema_of(name, properties), value) for name, value in values.items()}
