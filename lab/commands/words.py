# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a command line as PVE's commands do (Getopt::Long): ``--name value``, ``--name=value``, ``-name value``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

# Options that may stand without a value, which then is 1.
FLAGS = frozenset(
    """append delete-source destroy-unreferenced-disks enable force forceStop forcestop full human-readable keep-old
    noborder noheader onboot overwrite-existing pass-stdin privsep propagate protection purge quiet regenerate revert
    shared skiplock start template todisk unique verbose vmstate""".split()  # noqa: SIM905 - a list would take fifty lines
)
OUTPUT_OPTIONS = frozenset({"output-format", "noborder", "noheader", "human-readable", "quiet"})


@dataclass
class Words:
    """A command line taken apart: positional words, options, and what follows ``--``."""

    positional: list[str] = field(default_factory=list)
    options: dict[str, str | list[str]] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)

    def add(self, name: str, value: str) -> None:
        """Note an option; one given twice becomes a list, as array parameters are written."""
        known = self.options.get(name)
        if known is None:
            self.options[name] = value
        else:
            self.options[name] = [*(known if isinstance(known, list) else [known]), value]

    def take(self, name: str, default: str = "") -> str:
        """Remove an option and return it."""
        value = self.options.pop(name, default)
        return value[-1] if isinstance(value, list) else value


def is_option(word: str) -> bool:
    """Whether a word names an option; a lone dash or a negative number does not."""
    return len(word) > 1 and word.startswith("-") and not word[1:].isdigit()


def _value(name: str, waiting: list[str]) -> str:
    """The value of an option that had none of its own: the next word, or 1 for a flag."""
    if name in FLAGS and (not waiting or waiting[0] not in ("0", "1")):
        return "1"
    return waiting.pop(0) if waiting else "1"


def _split(word: str) -> tuple[str, str | None]:
    name, separator, value = word.lstrip("-").partition("=")
    return name, value if separator else None


def read(arguments: Sequence[str]) -> Words:
    """Take a command line apart."""
    words = Words()
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            words.rest = waiting
            break
        if not is_option(word):
            words.positional.append(word)
            continue
        name, value = _split(word)
        words.add(name, _value(name, waiting) if value is None else value)
    return words


def pairs(options: dict[str, str | list[str]]) -> Iterator[str]:
    """Options as ``-name value``, the way PVE logs a change of a configuration."""
    for name, value in options.items():
        yield f"-{name} {value if isinstance(value, str) else ','.join(value)}"
