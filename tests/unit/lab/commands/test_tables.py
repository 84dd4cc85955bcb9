# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of commands against the API's schema."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest
from fakepve import schema  # type: ignore[import-untyped]

from lab.api.local_calls import properties
from lab.commands.__main__ import COMMANDS
from lab.commands.command import IN_PATH, Alias, Command, Tree
from lab.commands.tree import find


def tables() -> dict[str, Tree]:
    """The commands that have further ones, and those."""
    found = {
        name: getattr(import_module(f"lab.commands.{module}"), table) for name, (module, table) in COMMANDS.items()
    }
    return {name: table for name, table in found.items() if isinstance(table, dict)}


def leaves(tree: Tree, name: str) -> Iterator[tuple[str, Command]]:
    for word, target in tree.items():
        if isinstance(target, Command):
            yield f"{name} {word}", target
        elif not isinstance(target, Alias):
            yield from leaves(target, f"{name} {word}")


def aliases(tree: Tree, name: str) -> Iterator[str]:
    for word, target in tree.items():
        if isinstance(target, Alias):
            yield f"{name} {word}"
        elif not isinstance(target, Command):
            yield from aliases(target, f"{name} {word}")


EVERY = {name: command for table, tree in tables().items() for name, command in leaves(tree, table)}


@pytest.mark.parametrize("name", [name for name, command in EVERY.items() if command.path])
def test_a_command_of_the_api_is_there_with_the_parameters_it_names(name: str) -> None:
    command = EVERY[name]
    match = schema.load().match(IN_PATH.sub(r"x-\1", command.path))
    assert command.method in match.methods
    known = properties(match.methods[command.method].get("parameters") or {}).keys() | command.properties.keys()
    assert {*command.word_names, *command.fixed, *command.ask} - known == set()


@pytest.mark.parametrize("name", [name for name, command in EVERY.items() if not command.path])
def test_a_command_of_its_own_knows_its_words(name: str) -> None:
    command = EVERY[name]
    assert command.own is not None
    assert set(command.word_names) - command.properties.keys() == set()


@pytest.mark.parametrize("name", [name for table, tree in tables().items() for name in aliases(tree, table)])
def test_an_alias_leads_to_a_command(name: str) -> None:
    executable, *words = name.split()
    assert isinstance(find(executable, tables()[executable], words).target, Command)
