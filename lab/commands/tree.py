# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a command by its words, and the usage of all (resolve_cmd, print_usage_short in PVE/CLIHandler.pm)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.commands import options, usage
from lab.commands.client import CommandError, local
from lab.commands.command import Alias, Command, Schema, Tree, execute, schemas, untold, usage_line

INDENT = " " * 7
HELP_SECTION = "PVE::CLIHandler"
HELP_OPTIONS: options.Properties = {
    "extra-args": {"type": "array", "optional": 1},
    "verbose": {"type": "boolean", "optional": 1},
}


@dataclass(frozen=True)
class Found:
    """What the words of a command line lead to: a command, a group that needs another word, or nothing."""

    name: str
    target: Command | Tree | None
    arguments: list[str]


def complete(tree: Tree, word: str) -> str:
    """The name a word stands for: itself, or the only one that begins with it. Aliases are not abbreviated."""
    if word in tree:
        return word
    found = [name for name, target in tree.items() if name.startswith(word) and not isinstance(target, Alias)]
    return found[0] if len(found) == 1 else word


def find(executable: str, tree: Tree, words: Sequence[str]) -> Found:
    """Follow words into a tree."""
    name, here, left = executable, tree, list(words)
    while left:
        word = complete(here, left[0])
        target = here.get(word)
        if isinstance(target, Alias):
            left = [*target.of.split(), *left[1:]]
            continue
        name, left = f"{name} {word}", left[1:]
        if target is None or isinstance(target, Command):
            return Found(name, target, left)
        here = target
    return Found(name, here, [])


def with_help(executable: str, tree: Tree) -> Tree:
    """The tree with its command ``help``."""

    def explain(values: options.Values) -> str:
        return help_text(executable, with_help(executable, tree), values)

    return {**tree, "help": Command(words=("extra-args",), own=explain, properties=HELP_OPTIONS, section=HELP_SECTION)}


def run(executable: str, tree: Tree, words: Sequence[str]) -> int:
    """Run a command line below a command; returns the exit code."""
    whole = with_help(executable, tree)
    if not words:
        raise refused(executable, whole, "no command specified")
    # PVE reads its access control list before anything else: without it there is not even a usage.
    local("describe", [])
    found = find(executable, whole, words)
    if isinstance(found.target, Command):
        return execute(found.name, found.target, found.arguments)
    if found.target is None:
        raise refused(executable, whole, f"unknown command '{found.name}'")
    group = found.target
    listing = short_usage(group, found.name, "")
    raise CommandError(f"ERROR: incomplete command '{found.name}'\n{head(executable)}{listing}".rstrip("\n"))


def refused(executable: str, tree: Tree, reason: str) -> CommandError:
    """A command line that names no command: the reason, and all there are."""
    return CommandError(f"ERROR: {reason}\n{head(executable)}{short_usage(tree, executable)}".rstrip("\n"))


def head(executable: str) -> str:
    """The first line of a usage."""
    return f"USAGE: {executable} <COMMAND> [ARGS] [OPTIONS]\n\n"


# ------------------------------------------------------------------ usage


def in_order(tree: Tree) -> list[str]:
    """The names of a tree: groups first, then commands by their section."""

    def key(name: str) -> tuple[bool, str, str]:
        target = tree[name]
        return isinstance(target, Command), target.section if isinstance(target, Command) else "", name

    return sorted(tree, key=key)


def leaves(tree: Tree, prefix: str) -> Iterator[tuple[str, Command]]:
    """Every command below a tree with its whole name."""
    for name, target in tree.items():
        if isinstance(target, Command):
            yield f"{prefix} {name}", target
        elif not isinstance(target, Alias):
            yield from leaves(target, f"{prefix} {name}")


def short_usage(tree: Tree, prefix: str, separator: str = "\n") -> str:
    """A line for every command of a tree; ``separator`` stands between groups and between sections."""
    commands = dict(leaves(tree, prefix))
    known = dict(zip(commands, schemas(list(commands.values())), strict=True))
    return _listed(tree, prefix, separator, known)


def _listed(tree: Tree, prefix: str, separator: str, known: dict[str, Schema]) -> str:
    text, section = "", ""
    for name in in_order(tree):
        target = tree[name]
        if isinstance(target, Command):
            text += separator if section and section != target.section else ""
            text += INDENT + usage_line(f"{prefix} {name}", target, known[f"{prefix} {name}"])
            section = target.section
        elif not isinstance(target, Alias):
            text += _listed(target, f"{prefix} {name}", "", known) + separator
    return text


def long_usage(tree: Tree, prefix: str) -> str:
    """The long form of every command of a tree, in order of their names."""
    commands = dict(sorted(leaves(tree, prefix)))
    known = schemas(list(commands.values()))
    return "".join(
        _long(name, command, schema) for (name, command), schema in zip(commands.items(), known, strict=True)
    )


def _long(name: str, command: Command, schema: Schema) -> str:
    hidden = untold(command, schema)
    return usage.long(name, schema.properties, command.word_names, hidden, formats=command.formats)


def help_text(executable: str, tree: Tree, values: options.Values) -> str:
    """``help``: all commands, or those that the words lead to; the long form when asked for, or for one command."""
    words = values.get("extra-args") or []
    verbose = values.get("verbose", bool(words))
    found = find(executable, tree, words)
    if found.target is None:
        raise refused(executable, tree, f"unknown command '{words[0]}'")
    if isinstance(found.target, Command):
        schema = schemas([found.target])[0]
        line = f"USAGE: {usage_line(found.name, found.target, schema)}\n"
        return f"{_long(found.name, found.target, schema)}\n" if verbose else line
    if words and not verbose:
        return f"USAGE: {short_usage(found.target, found.name, '').lstrip()}\n"
    if verbose:
        return f"{'' if words else head(executable)}{long_usage(found.target, found.name)}\n"
    return head(executable) + short_usage(tree, executable)


def run_single(executable: str, command: Command, words: Sequence[str]) -> int:
    """Run a command without further ones, such as vzdump; returns the exit code."""
    if list(words[:1]) == ["help"]:
        text = _long(executable, command, schemas([command])[0])
        raise CommandError(f"USAGE: {executable} help\n{text}", 0)
    local("describe", [])
    return execute(executable, command, words)
