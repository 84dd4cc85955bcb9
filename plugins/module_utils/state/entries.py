# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From texts to wishes: the envelope taken off, several documents merged, every entry checked against its module."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import HOME, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.state import checking, dialect, references
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Place, Source, Text, sources, spelled
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Kind
from ansible_collections.homelab.pve.plugins.module_utils.state.secrets import Missing, Vault

VERSION = 1
ENVELOPE: Place = ("plugins", "proxmox")
ASIDE = ("x-", ".", "$schema")
"""Beginnings of top-level keys that are nobody's business: a place for anchors, and for what editors need."""

Key = tuple[str, str]
"""A kind's name and the identity of one of them."""


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

    @property
    def origin(self) -> Origin:
        """Where it stands: the document above, if several say something about it."""
        return self.origins[0]

    @property
    def identity(self) -> str:
        """See Kind.identity."""
        return self.kind.identity(self.entry)

    def where(self, place: Place) -> tuple[Origin, Place]:
        """The document that says what stands at a place of the entry, and where in the words it was written in."""
        words = dialect.of(self.kind)
        found = [(origin, words.written(origin.values, place)) for origin in self.origins]
        return max(found, key=lambda each: each[0].depth(each[1]))

    def at(self, place: Place = ()) -> str:
        """``server.yml:12: vms[0].memory`` of a place in the entry."""
        origin, written = self.where(place)
        return origin.at(written)


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
            lines = dict.fromkeys(text for _name, _line, text in rows)
            raise ConfigError("The document is wrong, nothing was asked of the server:\n" + "\n".join(lines))


@dataclass(frozen=True)
class Reading:
    """What documents are read by: the kinds there are, and what is given beside the documents.

    ``node`` stands in for the documents' own; ``nodes`` says what a node of the documents is really called; ``pruned``
    are kinds of which there is nothing but what the documents have.
    """

    kinds: Mapping[str, Kind]
    node: str | None = None
    vault: Vault = field(default_factory=Vault)
    nodes: Mapping[str, str] = field(default_factory=dict)
    pruned: Collection[str] = ()


def load(
    texts: Sequence[Text],
    kinds: Mapping[str, Kind],
    node: str | None = None,
    *,
    secrets: Mapping[str, Json] | None = None,
    nodes: Mapping[str, str] | None = None,
    pruned: Collection[str] = (),
) -> list[Wish]:
    """The wishes of some documents, in their order; see ``Reading`` for what else is given.

    Raises ConfigError naming everything that is wrong, with file and line.
    """
    reading = Reading(kinds, node, Vault(secrets or {}), nodes or {}, pruned)
    findings = Findings(reading.vault)
    merged = _merged(sources(texts), reading, findings)
    merged = _with_memberships(merged, reading, findings)
    _refuse_same_guests(merged.values(), findings)
    wishes = [wish for declared in merged.values() if (wish := _checked(declared, reading, findings))]
    for declared, place, message in references.dangling(wishes, reading.pruned):
        findings.about(declared, message, place)
    findings.stop()
    return wishes


def unwrapped(source: Source, findings: Findings) -> tuple[Values, Place]:
    """The kinds of a document, and where they stand in it: below ``plugins.proxmox`` where it has that envelope."""
    values = {key: value for key, value in source.values.items() if not key.startswith(ASIDE)}
    version = values.pop("version", VERSION)
    if version not in (VERSION, str(VERSION)):
        findings.add(
            Origin(source, ("version",)), f"version {version!r} is not known; this release reads version {VERSION}."
        )
    if "plugins" not in values:
        return values, ()
    plugins = values.pop("plugins")
    for key in values:
        findings.add(Origin(source, (key,)), "beside 'plugins' only 'version' may stand.")
    if not isinstance(plugins, Mapping) or set(plugins) != {"proxmox"} or not isinstance(plugins["proxmox"], Mapping):
        findings.add(Origin(source, ("plugins",)), "has to be a mapping with the one key 'proxmox'.")
        return {}, ENVELOPE
    return plugins["proxmox"], ENVELOPE


def _merged(read: Sequence[Source], reading: Reading, findings: Findings) -> dict[Key, Declared]:
    """The entries of all documents, what several say of one thing put together."""
    opened = [(source, *unwrapped(source, findings)) for source in read]
    home = _home(opened, reading, findings)
    merged: dict[Key, Declared] = {}
    for source, values, place in opened:
        own: dict[Key, Declared] = {}
        for declared in _declared(source, values, place, reading.kinds, findings):
            placed = _placed(_renamed(declared, reading.nodes), home)
            key = (placed.kind.name, placed.identity)
            if key in own and not placed.kind.single:
                findings.about(placed, f"{placed.identity} stands at {own[key].origin.at()} already.")
                key = (placed.kind.name, placed.at())
            own[key] = placed
        merged |= {key: _over(merged.get(key), declared) for key, declared in own.items()}
    return {key: _at_home(declared, home) for key, declared in merged.items()}


def _home(opened: Sequence[tuple[Source, Values, Place]], reading: Reading, findings: Findings) -> str | None:
    """The node that is meant where an entry names none: the option's, or that of the document above the others."""
    home = reading.nodes.get(reading.node, reading.node) if reading.node else None
    for source, values, place in opened:
        named = values.get("node")
        if named is not None and not isinstance(named, str):
            findings.add(
                Origin(source, (*place, "node")), f"has to be the name of a node, not {checking.shown(named)}."
            )
        elif named and reading.node is None:
            home = reading.nodes.get(named, named)
    return home


def _renamed(declared: Declared, nodes: Mapping[str, str]) -> Declared:
    entry = references.with_nodes(declared.kind.name, declared.entry, nodes) if nodes else declared.entry
    return replace(declared, entry=entry)


def _placed(declared: Declared, home: str | None) -> Declared:
    """An entry that is told apart by its node, too, with the node."""
    if home is None or "node" not in declared.kind.keys or not declared.kind.per_node or declared.entry.get("node"):
        return declared
    return replace(declared, entry={**declared.entry, "node": home})


def _at_home(declared: Declared, home: str | None) -> Declared:
    return replace(declared, home=home) if declared.kind.per_node or declared.kind.roams else declared


def _over(under: Declared | None, over: Declared) -> Declared:
    """An entry above one of an earlier document: what it says holds, option by option."""
    if under is None:
        return over
    return Declared(over.kind, merged_values(under.entry, over.entry), (*over.origins, *under.origins))


def merged_values(under: Values, over: Values) -> Entry:
    """``over`` above ``under``: dictionaries key by key, anything else, lists too, as a whole."""
    both = {
        key: merged_values(under[key], value)
        if isinstance(value, Mapping) and isinstance(under.get(key), Mapping)
        else value
        for key, value in over.items()
    }
    return {**under, **both}


def _declared(
    source: Source, values: Values, place: Place, kinds: Mapping[str, Kind], findings: Findings
) -> Iterator[Declared]:
    for name, value in values.items():
        if name in ("node", "version") or name.startswith(ASIDE):
            continue
        origin = Origin(source, (*place, name))
        inner = [kind for kind in kinds if kind.startswith(f"{name}.")]
        if name in kinds:
            yield from _entries(origin, kinds[name], value, findings)
        elif not inner:
            tops = sorted({"node", *(kind.partition(".")[0] for kind in kinds)})
            findings.add(origin, f"is no kind of thing. {checking.meant(name, tops)}")
        elif isinstance(value, Mapping):
            yield from _parts(origin, name, value, kinds, findings)
        elif value is not None:
            findings.add(origin, f"has to be a mapping of {', '.join(inner)}.")


def _parts(
    origin: Origin, name: str, value: Mapping[str, Json], kinds: Mapping[str, Kind], findings: Findings
) -> Iterator[Declared]:
    known = sorted(kind.partition(".")[2] for kind in kinds if kind.startswith(f"{name}."))
    for part, below in value.items():
        inner = replace(origin, place=(*origin.place, part))
        if part in known:
            yield from _entries(inner, kinds[f"{name}.{part}"], below, findings)
        else:
            findings.add(inner, f"is no kind of thing. {checking.meant(part, known)}")


def _entries(origin: Origin, kind: Kind, value: Json, findings: Findings) -> Iterator[Declared]:
    if value is None:
        return
    if kind.single or not isinstance(value, list):
        if kind.single and isinstance(value, Mapping):
            yield from _entry(origin, kind, value, findings)
        else:
            wanted = "mapping of options" if kind.single else "list"
            findings.add(origin, f"has to be a {wanted}, not {checking.shown(value)}.")
        return
    for index, item in enumerate(value):
        below = replace(origin, place=(*origin.place, index))
        if isinstance(item, Mapping):
            yield from _entry(below, kind, item, findings)
        else:
            findings.add(below, f"has to be a mapping of options, not {checking.shown(item)}.")


def _entry(origin: Origin, kind: Kind, given: Mapping[str, Json], findings: Findings) -> Iterator[Declared]:
    origin = replace(origin, values=given)
    try:
        yield Declared(kind, kind.dialect(dialect.of(kind)(dict(given))), (origin,))
    except ConfigError as error:
        findings.add(origin, str(error))


def _with_memberships(merged: Mapping[Key, Declared], reading: Reading, findings: Findings) -> dict[Key, Declared]:
    """What guests say of the group of nodes they are in is said of the group, or of a rule of its name."""
    found: dict[Key, Declared] = {}
    members: dict[str, list[tuple[dialect.Membership, Declared]]] = {}
    for key, declared in merged.items():
        found[key] = declared
        try:
            entry, member = dialect.membership(declared.kind.name, declared.entry)
        except ConfigError as error:
            findings.about(declared, str(error), ("ha", "group"))
            continue
        if member:
            found[key] = replace(declared, entry=entry)
            members.setdefault(member.group, []).append((member, declared))
    for group, named in members.items():
        name = next((each for each in dialect.RULED if (each, group) in found), dialect.HA_RULES)
        if name in reading.kinds:
            found[name, group] = _joined(found.get((name, group)), reading.kinds[name], group, named)
    return found


def _joined(
    there: Declared | None, kind: Kind, group: str, named: Sequence[tuple[dialect.Membership, Declared]]
) -> Declared:
    made = {kind.keys[0]: group, **dialect.RULED[kind.name]}
    base = there or Declared(kind, made, tuple(declared.where(("ha", "group"))[0] for _member, declared in named[:1]))
    return replace(base, entry=dialect.joined(base.entry, [member for member, _declared in named]))


def _refuse_same_guests(found: Iterable[Declared], findings: Findings) -> None:
    """A vmid is one guest's, VM or container; a guest without one is known by its name."""
    guests = [declared for declared in found if declared.kind.name in dialect.SIDS]
    ids: dict[str, Declared] = {}
    names: dict[str, Declared] = {}
    for declared in guests:
        vmid, name = declared.entry.get("vmid"), declared.entry.get(dialect.NAMES[declared.kind.name])
        same = ids.setdefault(str(vmid), declared) if vmid is not None else declared
        if same is not declared:
            findings.about(declared, f"{vmid} is the vmid of {same.at(('vmid',))} already.", ("vmid",))
        twin = names.setdefault(str(name), declared) if name is not None else declared
        if twin is not declared and None in (vmid, twin.entry.get("vmid")):
            findings.about(declared, f"{name} is the name of {twin.at()} already. Give both a vmid.", ("name",))


def _checked(declared: Declared, reading: Reading, findings: Findings) -> Wish | None:
    """The entry as its module would take it; None with findings when it wouldn't."""
    entry, missing = reading.vault.opened(declared.entry)
    if declared.home is not None and declared.kind.per_node:
        entry.setdefault("node", declared.home)
    verdict = checking.check(declared.kind, entry)
    for place, message in verdict.problems:
        findings.about(declared, message, place)
    roaming = {HOME: declared.home} if declared.home is not None and declared.kind.roams else {}
    return None if verdict.problems else Wish(declared, {**verdict.values, **roaming}, missing)
