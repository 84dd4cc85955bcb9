# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files made of sections, which is what most of ``/cluster`` and ``/access`` edits.

PVE writes them all with one module (pve-common, PVE/SectionConfig.pm), and so does the lab: a :class:`Section` says by
data where a kind of section is, what its parameters are called and how PVE words its refusals; parameters, their checks
and the privileges come from the API's schema.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lab.api.fake import Call, Handler, PveError, Route, Values, check_digest, die, param_error, pve_schema, split_list
from lab.api.tasks import TaskArea

Entries = dict[str, Values]
"""The sections of a file by name."""
View = Callable[[str, Values], Values]

# Parameters of a request that are no options of a section.
REQUEST_ONLY = frozenset({"digest", "delete", "lock-token", "node", "check-connection", "type"})
# SHA-1 of nothing: PVE's digest of a file that is not there.
EMPTY_FILE_DIGEST = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
BAD_REQUEST = 400
FORBIDDEN = 403


@dataclass(frozen=True)
class Says:
    """One refusal of PVE; ``{0}`` stands for the section's name, ``field`` for the parameter it is about."""

    text: str
    field: str | None = None
    status: int = 500

    def error(self, name: str) -> PveError:
        """The refusal for the section of this name."""
        text = self.text.format(name)
        return param_error(**{self.field: text}) if self.field else PveError(self.status, text)


@dataclass(frozen=True)
class Words:
    """How PVE words what it refuses, and what it puts before every refusal of a verb."""

    exists: Says
    missing: Says
    # None: the same as for reading.
    update_missing: Says | None = None
    # None: to delete what is not there succeeds.
    delete_missing: Says | None = None
    creating: str = ""
    updating: str = ""
    deleting: str = ""
    # Refusals keep their status and become no 500 behind a prefix.
    keeps_status: bool = False

    def dying(self, prefix: str) -> AbstractContextManager[None]:
        """What a refusal becomes inside of the file's lock."""
        return nullcontext() if self.keeps_status else dying(prefix)


@dataclass(frozen=True)
class Guard:
    """Any of these privileges is needed at a path, where the schema leaves that to PVE's code.

    ``{...}`` in the path stands for an option of the section.
    """

    path: str
    privileges: tuple[str, ...]


@dataclass(frozen=True)
class Type:
    """The options of one type of section, each a text of names."""

    required: str = ""
    optional: str = ""
    fixed: str = ""

    @property
    def known(self) -> set[str]:
        """Every option of the type."""
        return {*self.required.split(), *self.optional.split(), *self.fixed.split()}


@dataclass(frozen=True)
class Section:
    """A kind of section: ``path`` is that of the list, ``key`` the parameter with a section's name."""

    path: str
    key: str
    file: str
    words: Words
    # The type of every section; without it the parameter ``type`` says it.
    type: str | None = None
    # Options by type; without it every type has what the schema has.
    types: Mapping[str, Type] = field(default_factory=dict)
    # A POST goes to the path of the section that it makes.
    posts_to_item: bool = False
    builtin: Mapping[str, Values] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    # Options that nobody gets to read.
    secrets: frozenset[str] = frozenset()
    # What a list shows of a section; without it everything.
    listed: tuple[str, ...] | None = None
    list_has_digest: bool = False
    item_has_digest: bool = True
    item_has_key: bool = True
    reads: Guard | None = None
    writes: Guard | None = None
    # Called inside of the file's lock with a new or changed section; may complete it, or refuse.
    settle: Callable[[Any, str, Values], None] | None = None
    # Called before a section is removed; may refuse.
    release: Callable[[Any, str, Values], None] | None = None
    # Called before the lock is taken; may change the request's options, or refuse.
    prepare: Callable[[Any, Call, Values], None] | None = None
    view: View | None = None

    @property
    def item(self) -> str:
        """The path template of one section."""
        return f"{self.path}/{{{self.key}}}"

    def options(self, kind: str) -> set[str]:
        """Every option a section of a type can have."""
        if kind in self.types:
            return self.types[kind].known
        return declared(self.item if self.posts_to_item else self.path, "POST") - REQUEST_ONLY - {self.key}


def declared(template: str, method: str) -> set[str]:
    """Names of the parameters that the schema has for a method."""
    parameters = pve_schema.load().paths[template][method].get("parameters") or {}
    return set(parameters.get("properties", {}))


def parts_of(template: str, method: str, option: str) -> Mapping[str, Values]:
    """The parts of an option that is a property string, with what the schema says of each."""
    form = pve_schema.load().paths[template][method]["parameters"]["properties"][option].get("format")
    found: Mapping[str, Values] | None = form if isinstance(form, dict) else pve_schema.registered(str(form))
    return found or {}


def property_object(text: str, parts: Mapping[str, Values] | None = None) -> dict[str, Any]:
    """A property string as an object; its booleans become numbers, everything else stays a text, numbers too."""
    parts = parts or {}
    default = next((name for name, part in parts.items() if part.get("default_key")), "")
    pairs = (part.partition("=") for part in text.split(",") if part)
    named = {(name if sign else default): (value if sign else name) for name, sign, value in pairs}
    return {
        name: int(value) if parts.get(name, {}).get("type") == "boolean" else value for name, value in named.items()
    }


def file_digest(entries: Mapping[str, object]) -> str:
    """SHA-1 over a file; that of nothing without sections."""
    if not entries:
        return EMPTY_FILE_DIGEST
    return hashlib.sha1(json.dumps(entries, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def nested_text(error: PveError) -> str:
    """What an error says when PVE's code dies with it in turn: a list of fields becomes lines of text."""
    lines = [f"{name}: {text}" for name, text in sorted((error.errors or {}).items())]
    return "\n".join([f"{error.status} {error.message}", *lines]) if lines else str(error.message)


@contextmanager
def dying(prefix: str) -> Iterator[None]:
    """Within the block every refusal becomes a 500 behind a prefix (PVE: ``die "$errmsg: $err"``)."""
    try:
        yield
    except PveError as error:
        raise die(prefix + nested_text(error)) from error


def check_type(section: Section, kind: str, given: Mapping[str, object], *, new: bool) -> None:
    """Refuse an option the type has not, one that cannot be changed, and that a required one is missing."""
    if kind not in section.types:
        return
    names = section.types[kind]
    for name in given:
        if not new and name in names.fixed.split():
            raise die(f"can't change value of fixed parameter '{name}'")
        if name not in names.known:
            raise die(f"unexpected property '{name}'")
    for name in names.required.split() if new else ():
        if name not in given:
            raise die(f"missing value for required option '{name}'")


def check_deletes(section: Section, kind: str, given: Mapping[str, object], names: list[str]) -> None:
    """Refuse to remove what PVE does not remove (PVE/SectionConfig.pm, delete_from_config)."""
    allowed = section.types.get(kind, Type())
    for name in names:
        if name not in section.options(kind):
            raise die(f"no such option '{name}'")
        if name in allowed.required.split():
            raise die(f"unable to delete required option '{name}'")
        if name in allowed.fixed.split():
            raise die(f"unable to delete fixed option '{name}'")
        if name in given:
            raise die(f"cannot set and delete property '{name}' at the same time!")


def names_of(value: object) -> list[str]:
    """The names in ``delete``, which is a list for some methods and a text for others."""
    return [str(name) for name in value] if isinstance(value, list) else split_list(value)


class SectionArea(TaskArea):
    """Mixin: reading and writing sections, and the files they are in."""

    def __init__(self, **options: object) -> None:
        """Start with empty files."""
        super().__init__(**options)
        # What is below /etc/pve in files of sections: file -> name -> section.
        self.etc_pve: dict[str, Entries] = {}

    def section_routes(self, *sections: Section) -> list[Route]:
        """The routes of these kinds of section, those that the schema has."""
        return [route for section in sections for route in self._section_table(section)]

    def _section_table(self, section: Section) -> list[Route]:
        made = section.item if section.posts_to_item else section.path
        candidates: list[tuple[str, str, Callable[[Section, Call], Any]]] = [
            ("GET", section.path, self._list_sections),
            ("POST", made, self._create_section),
            ("GET", section.item, self._read_section),
            ("PUT", section.item, self._update_section),
            ("DELETE", section.item, self._delete_section),
        ]
        return [(method, path, _bound(section, work)) for method, path, work in candidates]

    # ----------------------------------------------------------------- files

    def stored(self, file: str) -> Entries:
        """The sections of a file."""
        return self.etc_pve.setdefault(file, {})

    def entries(self, section: Section, call: Call) -> Entries:
        """The sections a request is about, those that PVE itself brings included."""
        del call
        return {**section.builtin, **self.stored(section.file)}

    def digest_of(self, file: str) -> str:
        """The digest that reading a section tells and changing one may name."""
        return file_digest(self.stored(file))

    # ------------------------------------------------------------- privileges

    def may(self, user: str, guard: Guard | None, values: Mapping[str, object]) -> bool:
        """Whether a user passes a guard."""
        path = guard.path.format_map(values) if guard else ""
        return guard is None or any(self.allowed(user, path, privilege) for privilege in guard.privileges)

    def need(self, user: str, guard: Guard | None, values: Mapping[str, object]) -> None:
        """Raise PVE's 403 for a user who does not pass a guard."""
        if guard and not self.may(user, guard, values):
            path, privileges = guard.path.format_map(values), "|".join(guard.privileges)
            raise PveError(FORBIDDEN, f"Permission check failed ({path}, {privileges})")

    # --------------------------------------------------------------- reading

    def _view(self, section: Section, name: str, entry: Values) -> Values:
        shown = {option: value for option, value in entry.items() if option not in section.secrets}
        return section.view(name, shown) if section.view else shown

    async def _list_sections(self, section: Section, call: Call) -> list[Values]:
        found = self.entries(section, call)
        named = {name: {**entry, section.key: name} for name, entry in found.items()}
        return [
            self._list_view(section, name, found[name])
            for name, values in named.items()
            if self.may(call.user, section.reads, values)
        ]

    def _list_view(self, section: Section, name: str, entry: Values) -> Values:
        shown = {**self._view(section, name, entry), section.key: name}
        if section.listed is not None:
            shown = {option: shown[option] for option in section.listed if option in shown}
        return shown | ({"digest": self.digest_of(section.file)} if section.list_has_digest else {})

    async def _read_section(self, section: Section, call: Call) -> Values:
        name = str(call[section.key])
        found = self.entries(section, call)
        self.need(call.user, section.reads, {**found.get(name, call.values), section.key: name})
        if name not in found:
            raise section.words.missing.error(name)
        shown = self._view(section, name, found[name])
        if section.item_has_key:
            shown[section.key] = name
        return shown | ({"digest": self.digest_of(section.file)} if section.item_has_digest else {})

    # --------------------------------------------------------------- writing

    def _given(self, section: Section, call: Call) -> Values:
        return {name: value for name, value in call.values.items() if name not in {*REQUEST_ONLY, section.key}}

    async def _create_section(self, section: Section, call: Call) -> None:
        name, given = self._new_name(section, call), self._given(section, call)
        self.need(call.user, section.writes, {**call.values, section.key: name})
        if section.prepare:
            section.prepare(self, call, given)
        kind = section.type or str(call["type"])
        with section.words.dying(section.words.creating):
            self._check_new(section, name, kind, given)
            entry = {**section.defaults, **given, "type": kind}
            if section.settle:
                section.settle(self, name, entry)
            self.stored(section.file)[name] = entry

    def _new_name(self, section: Section, call: Call) -> str:
        return str(call[section.key])

    def _check_new(self, section: Section, name: str, kind: str, given: Values) -> None:
        if name in self.stored(section.file) or name in section.builtin:
            raise section.words.exists.error(name)
        check_type(section, kind, given, new=True)

    async def _update_section(self, section: Section, call: Call) -> None:
        name, given = str(call[section.key]), self._given(section, call)
        found = self.entries(section, call)
        self.need(call.user, section.writes, {**call.values, **found.get(name, {}), section.key: name})
        if section.prepare:
            section.prepare(self, call, given)
        with section.words.dying(section.words.updating):
            check_digest(self.digest_of(section.file), call.get("digest"))
            if name not in found:
                raise (section.words.update_missing or section.words.missing).error(name)
            self.stored(section.file)[name] = self._changed_section(section, call, found[name], given)

    def _changed_section(self, section: Section, call: Call, entry: Values, given: Values) -> Values:
        names = names_of(call.get("delete"))
        check_type(section, entry["type"], given, new=False)
        check_deletes(section, entry["type"], given, names)
        changed = {option: value for option, value in {**entry, **given}.items() if option not in names}
        if section.settle:
            section.settle(self, str(call[section.key]), changed)
        return changed

    async def _delete_section(self, section: Section, call: Call) -> None:
        name = str(call[section.key])
        entry = self.entries(section, call).get(name)
        self.need(call.user, section.writes, {**call.values, **(entry or {}), section.key: name})
        with section.words.dying(section.words.deleting):
            if entry is None and section.words.delete_missing:
                raise section.words.delete_missing.error(name)
            if entry is not None and section.release:
                section.release(self, name, entry)
            self.stored(section.file).pop(name, None)


def _bound(section: Section, work: Callable[[Section, Call], Any]) -> Handler:
    return partial(work, section)
