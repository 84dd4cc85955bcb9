# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verb of a command as data: which request it makes of which words, and how its answer is printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.commands import client, output
from lab.commands.client import ApiError, CommandError
from lab.commands.words import OUTPUT_OPTIONS, Words, read

Printer = Callable[[Any, Words], str]


@dataclass(frozen=True)
class Verb:
    """``path`` may name words of the command line and ``{node}``; words it does not name become parameters.

    ``words`` are the positional words, in order; one that ends in ``?`` may be missing. ``fixed`` are parameters
    that are always sent, ``renamed`` maps options to the API's names for them.
    """

    method: str
    path: str
    words: tuple[str, ...] = ()
    show: Printer | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Words], str | None]
Verbs = Mapping[str, "Verb | Handler"]


def usage(command: str, verbs: Verbs) -> CommandError:
    """What a command says when it does not know its verb."""
    known = "\n".join(f"       {command} {name}" for name in sorted(verbs))
    return CommandError(f"ERROR: unknown command '{command}'\nUSAGE: {command} <COMMAND> [ARGS] [OPTIONS]\n{known}")


def find(command: str, verbs: Verbs, arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The verb with the most words that the command line starts with, and the words after it."""
    for length in (3, 2, 1):
        name = " ".join(arguments[:length])
        if name in verbs and len(arguments) >= length:
            return name, list(arguments[length:])
    raise usage(command, verbs)


def bind(name: str, verb: Verb, words: Words) -> tuple[str, dict[str, Any]]:
    """The path and the parameters of a verb's request."""
    needed = [word for word in verb.words if not word.endswith("?")]
    if not len(needed) <= len(words.positional) <= len(verb.words):
        raise CommandError(f"400 not enough arguments\n{name} {' '.join(f'<{word}>' for word in needed)} [OPTIONS]")
    named = {word.rstrip("?"): value for word, value in zip(verb.words, words.positional, strict=False)}
    path = verb.path.format(**{"node": client.node(), **named})
    options = {verb.renamed.get(key, key): value for key, value in words.options.items() if key not in OUTPUT_OPTIONS}
    values = {key: value for key, value in named.items() if "{" + key + "}" not in verb.path}
    return path, {**verb.fixed, **values, **options}


def run(name: str, verb: Verb, words: Words) -> str | None:
    """Make a verb's request; what it prints, or None. A task is waited for and its log printed."""
    path, values = bind(name, verb, words)
    try:
        data = client.call(verb.method, path, values)
    except ApiError as error:
        raise CommandError(complaint(name, error), error.code) from error
    if client.is_upid(data):
        return wait(data)
    return verb.show(data, words) if verb.show else None


def complaint(name: str, error: ApiError) -> str:
    """An error as the command line prints it: with the fields, and the status where PVE's commands show it."""
    if not error.errors:
        return str(error)
    fields = "\n".join(f"{key}: {text.strip()}" for key, text in sorted(error.errors.items()))
    return f"400 Parameter verification failed.\n{fields}\n{name} [OPTIONS]"


def wait(upid: str) -> str:
    """The log of a task that ended well. Raises CommandError with its exit status for one that did not."""
    status, lines = client.finish(upid)
    if status != "OK" and not status.startswith("WARNINGS"):
        raise CommandError("\n".join([*lines, status]), 2 if "does not exist" in status else 255)
    return "\n".join(lines)


def formatted(data: object, words: Words) -> str:
    """An answer in the format the command line asks for."""
    options = words.options
    form = str(options.get("output-format", "text"))
    if form not in output.FORMATS:
        choices = ", ".join(output.FORMATS)
        raise CommandError(
            f"400 Parameter verification failed.\noutput-format: value '{form}' does not have a value in the "
            f"enumeration '{choices}'"
        )
    return output.render(data, form, border="noborder" not in options, header="noheader" not in options)


def main(command: str, verbs: Verbs, arguments: Sequence[str]) -> str | None:
    """Run a command line of a command with verbs; what it prints."""
    name, left = find(command, verbs, arguments)
    verb = verbs[name]
    words = read(left)
    return run(f"{command} {name}", verb, words) if isinstance(verb, Verb) else verb(words)


def read_stdin() -> str:
    """What was piped into the command."""
    return sys.stdin.read()
