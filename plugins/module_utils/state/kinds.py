# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind of thing in a state document is: a resource of the engine, how it is named, listed and ordered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome, reconcile
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Plan, Reader, Resource, Values
from ansible_collections.homelab.pve.plugins.module_utils.module import TASK_TIMEOUT
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section
from ansible_collections.homelab.pve.plugins.module_utils.state.listers import declared

Entry: TypeAlias = "dict[str, Json]"
"""A thing as a document says it: the options of its module."""

Key: TypeAlias = "tuple[str, str]"
"""A kind's name and the identity of one of them."""

JOINED = "_joined"
"""Key of the wish under which is said that its members join those there are, as no entry says who is to be in it."""


class Remark(str):
    """What a lister has to say about what it can't put into an entry: a warning of the export."""

    __slots__ = ()


Lister: TypeAlias = "Callable[[Reader], Iterable[Entry | Remark]]"
"""Everything of a kind that is there, as entries that would declare it, and remarks about what they leave out.

What is unset, or what Proxmox VE assumes, is left out; so is what changes by itself. In place of a secret stands its
placeholder (``secret``).
"""


class Kept(dict[str, Json]):
    """An entry of what Proxmox VE, or the login itself, can't do without: exported, and never pruned."""


@dataclass(frozen=True)
class Commit:
    """What has to be applied after a layer that changed something: pending configuration is not in force yet.

    Those of the same ``resource`` and ``identity`` are one, done after the last layer that asks for it.
    """

    resource: Resource
    identity: str
    values: Values
    work: Callable[[Client, Values], Outcome] | None = None
    """How it is done where that takes more than the resource's steps. It is given the module's own options, the
    connection's too, with the values of the commit above them."""

    def carry_out(self, client: Client, params: Values) -> Outcome:
        """Put what is pending in force. ``params``: the module's own options, the connection's too."""
        wish = {**params, **self.values}
        if self.work:
            return self.work(client, wish)
        return reconcile(self.resource, wish, client, dry_run=False, timeout=wish.get("wait_timeout") or TASK_TIMEOUT)


def secret(kind: str, identity: str, option: str) -> str:
    """The placeholder of a secret value, which the option ``secrets`` of the module replaces."""
    return f"${{secret:{kind}.{identity}.{option}}}"


@dataclass(frozen=True)
class Reference:
    """A value in an entry that names another thing: where it stands in the entry, the kind, and the name."""

    place: tuple[str | int, ...]
    kind: str
    name: Json


def no_references(_entry: Values) -> Iterator[Reference]:
    """Nothing else is named."""
    return iter(())


def as_given(entry: Entry) -> Entry:
    """The document says the module's options."""
    return entry


def anything(_entry: Values) -> bool:
    """There is nothing of the kind that Proxmox VE needs."""
    return True


def nothing(_entry: Values) -> bool:
    """It is always there: none is ever pruned."""
    return False


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of thing.

    ``name`` is its place in a document: ``vms``, or ``ha.rules`` for a list in a mapping. ``keys`` are the options
    that tell one from another.
    """

    name: str
    resource: Resource
    keys: tuple[str, ...]
    lister: Lister | None = None
    after: tuple[str, ...] = ()
    """Kinds that have to be there first; what is removed goes in the opposite order."""

    single: bool = False
    """There is one of it, so a document has a mapping of options, not a list."""

    per_node: bool = False
    """It belongs to a node: without the option ``node`` the document's own is meant."""

    roams: bool = False
    """It may be on any node: the document's own is where a new one is made (``engine.HOME``)."""

    else_by: str = ""
    """Option that names one whose keys the document leaves out: a guest's name."""

    restarts: Callable[[Plan], bool] = lambda _plan: False
    """Whether a plan takes the thing down for a while."""

    independent: bool = False
    """Whether each has a configuration file of its own, so that several are changed at once."""

    references: Callable[[Values], Iterator[Reference]] = no_references
    dialect: Callable[[Entry], Entry] = as_given
    """From what the seed's readers write to the module's options."""

    removable: Callable[[Values], bool] = anything
    """Whether one that is there, but in no document, may be pruned."""

    removed_first: bool = False
    """Whether what is removed goes before what is made: it may take what the removed one has, as a port."""

    needs: Callable[[Values], Iterable[str]] = lambda _values: ()
    """Identities of others of the same kind that have to be there first: what an interface stands on."""

    uses: Callable[[Values], Iterable[Key]] = lambda _entry: ()
    """What is named inside of an entry's texts, as an alias in a rule: all that may be meant."""

    declares: Callable[[Values], Iterable[str]] | None = None
    """Identities of all that an entry is about, where that is more than one thing that is listed."""

    audit: tuple[str, str] = ("Sys.Audit", "/")
    """Privilege without which Proxmox VE leaves some of them out of its lists, and the path it is needed on."""

    separator: str = "/"
    """Between the keys, where one is named."""

    removal: Values = field(default_factory=dict)
    """Options, beside ``state: absent``, with which it is removed."""

    appears: Callable[[Values], Iterable[tuple[str, Values]]] = lambda _entry: ()
    """Rows that lists of the API have once it is made: (path of the list, row). What is planned after it sees them."""

    commit: Callable[[Iterable[Values]], Iterable[Commit]] = lambda _changed: ()
    """From the wishes of the kind that change something: what has to be applied for them to be in force."""

    named: Callable[[Values], Values] = lambda entry: entry
    """An entry with its keys in one form, where the same thing may be written in several ways."""

    declared_by: Mapping[str, Callable[[Values], Iterable[str]]] = field(default_factory=dict)
    """Other kinds whose entries declare things of this one, too -> the names of those: they aren't pruned."""

    vanishes: Callable[[Values], Iterable[tuple[str, Values]]] = lambda _entry: ()
    """Rows that lists of the API don't have any more once it is removed: (path of the list, keys and values of the
    row). What it uses is looked at as if it were gone."""

    def listed(self, read: Reader) -> tuple[list[Entry], list[Remark]]:
        """Everything of the kind that is there, in the order of the keys, and what there is to say about it."""
        found = list(self.lister(read)) if self.lister else []
        entries = [item for item in found if not isinstance(item, Remark)]
        return sorted(entries, key=self._place), [item for item in found if isinstance(item, Remark)]

    def entries(self, read: Reader) -> list[Entry]:
        """Everything of the kind that is there."""
        return self.listed(read)[0]

    def prunable(self, read: Reader) -> list[Entry]:
        """What may be removed if no document has it."""
        return [entry for entry in self.entries(read) if not isinstance(entry, Kept) and self.removable(entry)]

    def identity(self, entry: Values) -> str:
        """Its name for people and for comparing: the keys."""
        named = self.named(entry)
        given = [named[key] for key in self.keys if named.get(key) not in (None, [])]
        return self.separator.join(_text(value) for value in given) or str(entry.get(self.else_by) or self.name)

    @property
    def all_keys(self) -> tuple[str, ...]:
        """The options that tell one from another, wherever it is: of what belongs to a node, that too."""
        return (*self.keys, *(("node",) if self.per_node else ()))

    def removing(self, entry: Values) -> Entry:
        """The entry that removes what an entry declares."""
        own = {key: entry[key] for key in self.all_keys if entry.get(key) is not None}
        return {**own, **self.removal, "state": "absent"}

    def identities(self, entry: Values) -> set[str]:
        """Everything that an entry is about, each by its identity."""
        return set(self.declares(entry)) if self.declares else {self.identity(entry)}

    def _place(self, entry: Values) -> list[tuple[int, int, str]]:
        """A key that puts 9 before 10."""
        values = [entry.get(key) for key in self.keys]
        return [(0, value, "") if isinstance(value, int) else (1, 0, _text(value)) for value in values]


def _text(value: Json) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def section_lister(section: Section, keys: Mapping[str, str]) -> Lister:
    """Lists a section by its collection, whose rows say all. ``keys``: option -> what a row calls it."""

    def listed(read: Reader) -> Iterator[Entry]:
        for row in read.get(section.collection) or ():
            yield {**{option: row[key] for option, key in keys.items()}, **section_values(section, row)}

    return listed


def section_values(section: Section, have: Values) -> dict[str, Json]:
    """What a section's answer says, by option, without secrets."""
    return declared(section.fields, have)
