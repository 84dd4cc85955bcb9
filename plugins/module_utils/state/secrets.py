# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in a document: ``${secret:NAME}`` stands for a value that is handed over beside it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Place
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry
from ansible_collections.homelab.pve.plugins.module_utils.state.secrecy import masked

PLACEHOLDER = re.compile(r"\$\{secret:([^}]+)\}")


@dataclass(frozen=True)
class Missing:
    """A secret that nobody gave, and where the entry wants it."""

    name: str
    place: Place


@dataclass(frozen=True)
class Vault:
    """The secrets that were given, by name."""

    values: Mapping[str, Json] = field(default_factory=dict, repr=False)

    def opened(self, entry: Entry) -> tuple[Entry, tuple[Missing, ...]]:
        """An entry with its secrets, and those there are no values for: such an option is left out."""
        used = {option: found for option, value in entry.items() if (found := list(_named(value, (option,))))}
        missing = tuple(secret for found in used.values() for secret in found if self.values.get(secret.name) is None)
        without = {
            secret.place[0] for secret in missing if not _in_mappings(secret.place) or _only_secrets(entry, secret)
        }
        opened = {
            option: self._filled(value) if option in used else value
            for option, value in entry.items()
            if option not in without
        }
        return opened, missing

    def _filled(self, value: Json) -> Json:
        """A value with its secrets. A key of a dictionary whose secret is missing is left out."""
        if isinstance(value, Mapping):
            return {key: self._filled(item) for key, item in value.items() if not self._lacks(item)}
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        return PLACEHOLDER.sub(lambda found: str(self.values[found[1]]), value) if isinstance(value, str) else value

    def _lacks(self, value: Json) -> bool:
        return isinstance(value, str) and any(
            self.values.get(found[1]) is None for found in PLACEHOLDER.finditer(value)
        )

    def masked(self, text: str) -> str:
        """A text for people: no secret stands in it."""
        given = {str(value) for value in self.values.values() if value not in (None, "")}
        return str(masked(text, sorted(given, key=len, reverse=True)))


def _named(value: Json, place: Place) -> Iterator[Missing]:
    """Every secret that a value names, and where."""
    if isinstance(value, str):
        yield from (Missing(found[1], place) for found in PLACEHOLDER.finditer(value))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _named(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _named(item, (*place, index))


def _only_secrets(entry: Mapping[str, Json], secret: Missing) -> bool:
    """Whether a secret is of an option that holds nothing else: such a set is replaced as a whole, or not at all."""
    held = entry[str(secret.place[0])]
    return isinstance(held, Mapping) and all(
        isinstance(value, str) and PLACEHOLDER.search(value) is not None for value in held.values()
    )


def _in_mappings(place: Place) -> bool:
    """Whether a place is a key of dictionaries, so that it can be left out by itself."""
    return len(place) > 1 and all(isinstance(step, str) for step in place)
