# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From texts to entries: the envelope taken off, what several documents say of one thing put together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.state import dialect, naming
from ansible_collections.homelab.pve.plugins.module_utils.state.checking import meant, shown
from ansible_collections.homelab.pve.plugins.module_utils.state.declared import Declared, Findings, Origin
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Place, Source
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Key, Kind
from ansible_collections.homelab.pve.plugins.module_utils.state.placing import VERSION
from ansible_collections.homelab.pve.plugins.module_utils.state.secrets import Vault

ENVELOPE: Place = ("plugins", "proxmox")
ASIDE = ("x-", ".", "$schema")
"""Beginnings of top-level keys that are nobody's business: a place for anchors, and for what editors need."""


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


@dataclass(frozen=True)
class Home:
    """The node that is meant where an entry names none, and where that is said."""

    name: str | None = None
    at: str = "option node"


def merged(read: Sequence[Source], reading: Reading, findings: Findings) -> dict[Key, Declared]:
    """The entries of all documents, what several say of one thing put together."""
    opened = [(source, *unwrapped(source, findings)) for source in read]
    home = _home(opened, reading, findings)
    merged: dict[Key, Declared] = {}
    for source, values, place in opened:
        own: dict[Key, Declared] = {}
        for declared in _declared(source, values, place, reading.kinds, findings):
            placed = _placed(_renamed(declared, reading.nodes), home.name)
            key = (placed.kind.name, placed.identity)
            if key in own and not placed.kind.single:
                findings.about(placed, f"{placed.identity} stands at {own[key].origin.at()} already.")
                key = (placed.kind.name, placed.at())
            own[key] = placed
        merged |= {key: _over(merged.get(key), declared) for key, declared in own.items()}
    return {key: _at_home(declared, home) for key, declared in merged.items()}


def _home(opened: Sequence[tuple[Source, Values, Place]], reading: Reading, findings: Findings) -> Home:
    """The node that is meant where an entry names none: the option's, or that of the document above the others."""
    home = Home(reading.nodes.get(reading.node, reading.node)) if reading.node else Home()
    for source, values, place in opened:
        named = values.get("node")
        origin = Origin(source, (*place, "node"))
        if named is not None and not isinstance(named, str):
            findings.add(origin, f"has to be the name of a node, not {shown(named)}.")
        elif named and reading.node is None:
            home = Home(reading.nodes.get(named, named), origin.at())
    return home


def _renamed(declared: Declared, nodes: Mapping[str, str]) -> Declared:
    entry = naming.renamed(declared.kind.name, declared.entry, nodes) if nodes else declared.entry
    return replace(declared, entry=entry)


def _placed(declared: Declared, home: str | None) -> Declared:
    """An entry that is told apart by its node, too, with the node."""
    if home is None or "node" not in declared.kind.keys or not declared.kind.per_node or declared.entry.get("node"):
        return declared
    return replace(declared, entry={**declared.entry, "node": home})


def _at_home(declared: Declared, home: Home) -> Declared:
    return (
        replace(declared, home=home.name, home_at=home.at)
        if declared.kind.per_node or declared.kind.roams
        else declared
    )


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
            findings.add(origin, f"is no kind of thing. {meant(name, tops)}")
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
            findings.add(inner, f"is no kind of thing. {meant(part, known)}")


def _entries(origin: Origin, kind: Kind, value: Json, findings: Findings) -> Iterator[Declared]:
    if value is None:
        return
    if kind.single or not isinstance(value, list):
        if kind.single and isinstance(value, Mapping):
            yield from _entry(origin, kind, value, findings)
        else:
            wanted = "mapping of options" if kind.single else "list"
            findings.add(origin, f"has to be a {wanted}, not {shown(value)}.")
        return
    for index, item in enumerate(value):
        below = replace(origin, place=(*origin.place, index))
        if isinstance(item, Mapping):
            yield from _entry(below, kind, item, findings)
        else:
            findings.add(below, f"has to be a mapping of options, not {shown(item)}.")


def _entry(origin: Origin, kind: Kind, given: Mapping[str, Json], findings: Findings) -> Iterator[Declared]:
    origin = replace(origin, values=given)
    try:
        yield Declared(kind, kind.dialect(dialect.of(kind)(dict(given))), (origin,))
    except ConfigError as error:
        findings.add(origin, str(error))
