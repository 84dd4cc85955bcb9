# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as Perl's YAML::XS writes it, which PVE's commands use: sorted keys, lists not indented, few quotes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

# YAML::XS quotes these although they are text.
QUOTED = frozenset({"", "~", "true", "false", "null"})
NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*|[-+]?(?:inf|infinity|nan)", re.IGNORECASE)
# What libyaml does not leave without quotes: indicators at the start, ": " and " #" inside, blanks at the ends.
NOT_PLAIN = re.compile(r"[#,\[\]{}&*!|>'\"%@`\s]|[-?:](?:\s|$)|---|\.\.\.|.*:(?:\s|$)|.*\s#|.*\s$")
# Text of several lines is written as a block when it is longer than this.
LONGEST_ESCAPED = 30


def scalar(value: object) -> str:
    """A scalar on one line."""
    if value is None:
        return "~"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return text(str(value))


def text(value: str) -> str:
    """A text, with quotes where YAML::XS and libyaml put some."""
    if "\n" in value or not value.isprintable():
        return json.dumps(value, ensure_ascii=False)
    if value in QUOTED or NUMBER.fullmatch(value) or NOT_PLAIN.match(value):
        return "'" + value.replace("'", "''") + "'"
    return value


def is_block(value: object) -> bool:
    """Whether a text becomes a literal block."""
    return isinstance(value, str) and "\n" in value and len(value) > LONGEST_ESCAPED


def block(value: str, pad: str) -> str:
    """A literal block: the sign says whether the text ends with a line end."""
    sign = "|" if value.endswith("\n") and not value.endswith("\n\n") else "|+" if value.endswith("\n") else "|-"
    lines = value.removesuffix("\n").split("\n")
    return "\n".join([sign, *(f"{pad}{line}" if line else "" for line in lines)])


def lines(value: object, indent: int) -> Iterator[str]:
    """The lines of a mapping or a list that is not empty."""
    pad = " " * indent
    if isinstance(value, dict):
        for key in sorted(value):
            yield f"{pad}{text(str(key))}:{nested(value[key], indent)}"
    elif isinstance(value, list):
        for item in value:
            yield f"{pad}-{item_text(item, indent)}"


def nested(value: object, indent: int) -> str:
    """What stands after a key."""
    if isinstance(value, dict) and value:
        return "\n" + "\n".join(lines(value, indent + 2))
    if isinstance(value, list) and value:
        return "\n" + "\n".join(lines(value, indent))
    return " " + leaf(value, indent)


def item_text(value: object, indent: int) -> str:
    """What stands after the dash of a list: its first line goes on there."""
    if isinstance(value, dict | list) and value:
        return " " + "\n".join(lines(value, indent + 2)).lstrip(" ")
    return " " + leaf(value, indent)


def leaf(value: object, indent: int) -> str:
    """A scalar, or an empty mapping or list."""
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    return block(str(value), " " * (indent + 2)) if is_block(value) else scalar(value)


def dump(value: object) -> str:
    """A document with its marker and its last line end."""
    if isinstance(value, dict | list) and value:
        return "---\n" + "\n".join(lines(value, 0)) + "\n"
    return f"--- {leaf(value, 0)}\n"
