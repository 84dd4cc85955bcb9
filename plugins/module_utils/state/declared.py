# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What documents declare: entries with the places that say them, wishes made of them, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.state import dialect
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Place, Source, spelled
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Key, Kind
from ansible_collections.homelab.pve.plugins.module_utils.state.secrets import Missing, Vault

MANY = 100
"""So many findings are told at most."""


@dataclass(frozen=True)
class Origin:
    """Where an entry stands in a document. ``values`` are what stands there."""

    source: Source
    place: Place
    values: Values = field(default_factory=dict)

    def at(self, place: Place = ()) -> str:
        """``server.yml:12: vms[0].memory`` of a place in the entry."""
        whole = (*self.place, *place)
        return f"{self.source.name}:{self.line(place)}: {spelled(whole)}"

    def line(self, place: Place = ()) -> int:
        """The line of a place in the entry, or of the nearest around it."""
        return self.source.line((*self.place, *place))

    def depth(self, place: Place) -> int:
        """How many steps of a place in the entry there are in the document."""
        inner: Json = self.values
        for number, step in enumerate(place):
            there = isinstance(inner, list) if isinstance(step, int) else isinstance(inner, Mapping)
            if not there or (step >= len(inner) if isinstance(step, int) else step not in inner):
                return number
            inner = inner[step]
        return len(place)


@dataclass(frozen=True)
class Declared:
    """An entry of the documents: what it is about, and what its module is told.

    ``origins`` are the places that say something about it, the one that stands above the others first.
    """

    kind: Kind
    entry: Entry
    origins: tuple[Origin, ...]
    home: str | None = None
    """The node that is meant where the entry of a node's thing names none: such a guest may be anywhere."""

    home_at: str = ""
    """Where that is said."""

    joins: bool = False
    """Only things that join it speak of its members: those it has already stay."""

    @property
    def origin(self) -> Origin:
        """Where it stands: the document above, if several say something about it."""
        return self.origins[0]

    @property
    def identity(self) -> str:
        """See Kind.identity; of an entry that lacks what it is told apart by, the place where it stands."""
        try:
            found = self.kind.identity(self.entry)
        except (ConfigError, KeyError, TypeError, ValueError, AttributeError):
            return self.origin.at()
        return self.origin.at() if found == self.kind.name and not self.kind.single else found

    @property
    def key(self) -> Key:
        """What tells it from all others."""
        return self.kind.name, self.identity

    def where(self, place: Place) -> tuple[Origin, Place]:
        """The document that says what stands at a place of the entry, and where in the words it was written in."""
        words = dialect.of(self.kind)
        found = [(origin, words.written(origin.values, place)) for origin in self.origins]
        return max(found, key=lambda each: each[0].depth(each[1]))

    def at(self, place: Place = ()) -> str:
        """``server.yml:12: vms[0].memory`` of a place in the entry."""
        origin, written = self.where(place)
        return origin.at(written)

    def at_node(self, place: Place) -> str:
        """The same of the place of its node, which may be said for the whole document."""
        own = any("node" in origin.values for origin in self.origins)
        return self.at(place) if own or not self.home_at else self.home_at


@dataclass(frozen=True)
class Wish:
    """An entry that passed: ``values`` are what the module would be called with, defaults included.

    ``missing`` are the secrets that nobody gave: what already has one keeps it, and nothing is made without.
    """

    declared: Declared
    values: Values
    missing: tuple[Missing, ...] = ()

    def refuse_without_secrets(self) -> None:
        """Raise ConfigError when it is to be made and a secret was not given."""
        for secret in self.missing:
            raise ConfigError(
                f"{self.declared.at(secret.place)}: the secret '{secret.name}' has no value, and "
                f"{self.declared.kind.name} {self.declared.identity} does not exist yet. Give it in the option secrets."
            )


@dataclass
class Findings:
    """What is wrong, each with its file, line and place."""

    vault: Vault = field(default_factory=Vault)
    found: list[tuple[str, int, str]] = field(default_factory=list)

    def add(self, origin: Origin, message: str, place: Place = ()) -> None:
        """One more."""
        text = f"{origin.at(place)}: {self.vault.masked(message)}"
        self.found.append((origin.source.name, origin.line(place), text))

    def about(self, declared: Declared, message: str, place: Place = ()) -> None:
        """One more about a place of an entry."""
        origin, written = declared.where(place)
        self.add(origin, message, written)

    def stop(self) -> None:
        """Raise ConfigError when there is something: by document, then by line."""
        if self.found:
            files = list(dict.fromkeys(name for name, _line, _text in self.found))
            rows = sorted(self.found, key=lambda row: (files.index(row[0]), row[1]))
            lines = list(dict.fromkeys(text for _name, _line, text in rows))
            raise ConfigError("\n".join(("The document is wrong, nothing was asked of the server:", *shortened(lines))))


def shortened(lines: Sequence[str]) -> list[str]:
    """As many findings as somebody reads, and how many more there are."""
    more = len(lines) - MANY
    return [*lines[:MANY], *([f"... and {more} more."] if more > 0 else [])]
