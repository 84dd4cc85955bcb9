# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From texts to wishes: the envelope taken off, several documents merged, every entry checked against its module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Place, Source, Text, sources, spelled
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Kind

VERSION = 1
ENVELOPE: Place = ("plugins", "proxmox")
RULES = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")


@dataclass(frozen=True)
class Origin:
    """Where an entry stands: the later document, if several say something about it."""

    source: Source
    place: Place

    def at(self, place: Place = ()) -> str:
        """``server.yml:12: vms[0].memory`` of a place in the entry."""
        whole = (*self.place, *place)
        return f"{self.source.name}:{self.source.line(whole)}: {spelled(whole)}"


@dataclass(frozen=True)
class Declared:
    """An entry of a document: what it is about, and what its module is told."""

    kind: Kind
    entry: Entry
    origin: Origin

    @property
    def identity(self) -> str:
        """See Kind.identity."""
        return self.kind.identity(self.entry)


@dataclass(frozen=True)
class Wish:
    """An entry that passed: ``values`` are what the module would be called with, defaults included."""

    declared: Declared
    values: Values


@dataclass
class Findings:
    """What is wrong, each with its file, line and place."""

    lines: list[str] = field(default_factory=list)

    def add(self, origin: Origin, message: str, place: Place = ()) -> None:
        """One more."""
        self.lines.append(f"{origin.at(place)}: {message}")

    def stop(self) -> None:
        """Raise ConfigError when there is something."""
        if self.lines:
            raise ConfigError("The document is wrong, nothing was asked of the server:\n" + "\n".join(self.lines))


def unwrapped(source: Source, findings: Findings) -> tuple[Values, Place]:
    """The kinds of a document, and where they stand in it: below ``plugins.proxmox`` where it has that envelope."""
    values = dict(source.values)
    version = values.pop("version", VERSION)
    if version != VERSION:
        findings.add(Origin(source, ("version",)), f"version {version} is not known; this one reads version {VERSION}.")
    if "plugins" not in values:
        return values, ()
    plugins = values.pop("plugins")
    for key in values:
        findings.add(Origin(source, (key,)), "beside 'plugins' only 'version' may stand.")
    if not isinstance(plugins, Mapping) or set(plugins) != {"proxmox"} or not isinstance(plugins["proxmox"], Mapping):
        findings.add(Origin(source, ("plugins",)), "has to be a mapping with the one key 'proxmox'.")
        return {}, ENVELOPE
    return plugins["proxmox"], ENVELOPE


def load(texts: Sequence[Text], kinds: Mapping[str, Kind], node: str | None = None) -> list[Wish]:
    """The wishes of some documents, in their order. ``node`` stands in for the document's own.

    Raises ConfigError naming everything that is wrong, with file and line.
    """
    findings, merged = Findings(), dict[tuple[str, str], Declared]()
    home = node
    for source in sources(texts):
        values, place = unwrapped(source, findings)
        home = node or values.get("node") or home
        own: dict[tuple[str, str], Declared] = {}
        for declared in _declared(source, values, place, kinds, findings):
            key = (declared.kind.name, declared.identity)
            if key in own:
                findings.add(declared.origin, f"{declared.identity} stands at {own[key].origin.at()} already.")
            own[key] = declared
        merged |= {key: _over(merged.get(key), declared) for key, declared in own.items()}
    wishes = [wish for declared in merged.values() if (wish := _checked(declared, home, findings))]
    findings.stop()
    return wishes


def _over(under: Declared | None, over: Declared) -> Declared:
    """An entry above one of an earlier document: what it says holds, option by option."""
    if under is None:
        return over
    return Declared(over.kind, {**under.entry, **over.entry}, over.origin)


def _declared(
    source: Source, values: Values, place: Place, kinds: Mapping[str, Kind], findings: Findings
) -> Iterator[Declared]:
    for name, value in values.items():
        if name in ("node", "version"):
            continue
        inner = [kind for kind in kinds if kind.startswith(f"{name}.")]
        if name in kinds:
            yield from _entries(Origin(source, (*place, name)), kinds[name], value, findings)
        elif inner and isinstance(value, Mapping):
            for part, below in value.items():
                origin = Origin(source, (*place, name, part))
                if f"{name}.{part}" in kinds:
                    yield from _entries(origin, kinds[f"{name}.{part}"], below, findings)
                else:
                    findings.add(origin, f"is not known. Known: {', '.join(sorted(kind for kind in inner))}.")
        else:
            tops = sorted({kind.partition(".")[0] for kind in kinds})
            findings.add(Origin(source, (*place, name)), f"is not known. Known: node, {', '.join(tops)}.")


def _entries(origin: Origin, kind: Kind, value: Json, findings: Findings) -> Iterator[Declared]:
    if value is None:
        return
    if kind.single or not isinstance(value, list):
        if not (kind.single and isinstance(value, Mapping)):
            findings.add(origin, f"has to be a {'mapping' if kind.single else 'list'}.")
            return
        yield Declared(kind, kind.dialect(dict(value)), origin)
        return
    for index, item in enumerate(value):
        below = Origin(origin.source, (*origin.place, index))
        if isinstance(item, Mapping):
            try:
                yield Declared(kind, kind.dialect(dict(item)), below)
            except ConfigError as error:
                findings.add(below, str(error))
        else:
            findings.add(below, "has to be a mapping of options.")


def _checked(declared: Declared, home: Json, findings: Findings) -> Wish | None:
    """The entry as its module would take it; None with findings when it wouldn't."""
    kind, entry = declared.kind, dict(declared.entry)
    if kind.per_node and home is not None:
        entry.setdefault("node", home)
    rules = {rule: kind.resource.rules[rule] for rule in RULES if rule in kind.resource.rules}
    spec = kind.resource.argument_spec()
    result = ArgumentSpecValidator(spec, **rules).validate(entry)
    errors = list(result.errors)
    for error in errors:
        findings.add(declared.origin, _said(error, spec), _place_of(error, entry))
    return None if errors else Wish(declared, result.validated_parameters)


def _said(error: Exception, spec: Mapping[str, Json]) -> str:
    if isinstance(error, UnsupportedError):
        return f"unknown option {error}. Known: {', '.join(sorted(spec))}."
    return f"{error}."


def _place_of(error: Exception, entry: Values) -> Place:
    """The option an error is about, as far as its words tell."""
    words: Iterable[str] = str(error).replace("'", " ").replace(".", " ").split()
    return next(((word,) for word in words if word in entry), ())
