# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""describe -> diff -> plan: what is there, what is wished, and the steps between them.

A Resource says, as data and pure functions, how one kind of thing is described and planned. ``apply.py`` carries
plans out. Values are held in one canonical form on both sides (``codecs.py``), so that 32768M equals 32G.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias, TypeVar
from urllib.parse import quote

from ansible_collections.homelab.pve.plugins.module_utils.codecs import TEXT, Codec, Json
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError

Values: TypeAlias = Mapping[str, Json]
Options: TypeAlias = Mapping[str, Mapping[str, Json]]
"""Part of an Ansible argument spec."""

HIDDEN = "********"

T = TypeVar("T")

BOUND = "_bound"
"""Key of the wish under which a plan's bindings are handed to the read that verifies it."""


RESERVED = "_reserved"
"""Key of the wish under which ids are handed that others of the same run are about to claim."""


HOME = "_home"
"""Key of the wish under which the node is handed that something new is made on, and that may be on any later."""


class Reader(Protocol):
    """What a describe function may do: read."""

    def get(self, path: str, params: Values | None = None) -> Json:
        """The data below ``path``; raises PveError and ConnectionError."""


def kept(read: Reader, key: str, work: Callable[[], T]) -> T:
    """What ``work`` finds, worked out once where a reader keeps what it has read (it has a method ``kept``)."""
    keep: Callable[[str, Callable[[], T]], T] | None = getattr(read, "kept", None)
    return keep(key, work) if keep else work()


def unlisted(read: Reader, path: str) -> bool:
    """Whether a reader has a list that should have what is at a path, and hasn't: asking for it would be in vain."""
    looking: Callable[[str], bool] | None = getattr(read, "unlisted", None)
    return looking is not None and looking(path)


def whole(read: Reader, path: str) -> tuple[Json, Values | None]:
    """An answer with what stands beside its data; None in its place where the way to the API doesn't tell it."""
    reading: Callable[[str], tuple[Json, Values | None]] | None = getattr(read, "whole", None)
    return reading(path) if reading else (read.get(path), None)


def node_file(read: Reader, path: str) -> str | None:
    """Text of a file of the node itself, None when there is none.

    Raises ConfigError where the way to the API doesn't lead to its files.
    """
    reading: Callable[[str], str | None] | None = getattr(read, "node_file", None)
    if reading is None:
        raise ConfigError(f"The node's own file {path} can't be read by this way to Proxmox VE. Use transport: ssh.")
    return reading(path)


def ask(read: Reader, path: str) -> Json:
    """The answer to a question that Proxmox VE takes as POST, though nothing is changed (some of a guest's agent)."""
    asking: Callable[[str], Json] = read.ask  # type: ignore[attr-defined]  # the client has it, a table may
    return asking(path)


@dataclass(frozen=True)
class Field:
    """One thing that is managed: an option of the module and a parameter of the API.

    ``default`` is what PVE assumes when the parameter is unset: a wish equal to it changes nothing. ``create_only``
    can't be changed later. ``live`` is False when a running guest sees the change after a restart only;
    ``live_when_new``: but it sees at once that a value is set where there was none. ``secret`` values are never
    shown; PVE doesn't give them back, so they are compared by policy (see ``diff``), unless they are ``readable``.
    """

    name: str
    codec: Codec = TEXT
    wire: str = ""
    default: Json = None
    create_only: bool = False
    live: bool = True
    live_when_new: bool = False
    secret: bool = False
    readable: bool = False
    """Of a secret: PVE answers it, so it is compared as anything else is, though never shown."""
    spec: Values = field(default_factory=dict)

    @property
    def key(self) -> str:
        """PVE's name of it."""
        return self.wire or self.name

    @property
    def kept_back(self) -> bool:
        """Whether PVE doesn't tell its value, so that nobody sees whether it differs."""
        return self.secret and not self.readable

    def explicit(self) -> Field:
        """The row without PVE's default: at creation, what the user says is written down even if it is the default."""
        return replace(self, default=None)

    def argument(self) -> dict[str, Json]:
        """Its entry in the argument spec."""
        secret = {"no_log": True} if self.secret else {}
        return {"type": self.codec.ansible_type, **self.codec.ansible_spec, **secret, **self.spec}


@dataclass(frozen=True)
class Change:
    """A managed value that is to become another one; None means unset."""

    field: Field
    key: str
    before: Json
    after: Json

    @property
    def waits(self) -> bool:
        """Whether a running guest sees it after a restart only."""
        return not (self.field.live or (self.field.live_when_new and self.before is None))


@dataclass(frozen=True)
class Bound:
    """A parameter whose value is known when its step is carried out, e.g. the vmid that could be claimed."""

    name: str


@dataclass(frozen=True)
class LocalFile:
    """A parameter that is a file of this machine: it is sent piece by piece, and called ``name`` there."""

    path: str
    name: str


@dataclass(frozen=True)
class Debris:
    """What a creation that failed may leave behind under the id it was to have."""

    words: str
    """Regular expression: PVE's words for such a failure."""

    removal: Callable[[Reader, Json], tuple[Step, ...]]
    """Looks for it under an id; the steps that remove it, none when there is nothing."""

    warning: str
    """What to say, with ``{name}`` for what the plan binds, when the login can't remove it."""


@dataclass(frozen=True)
class Claim:
    """A step that takes an id others may take at the same moment: on a conflict the next candidate is tried."""

    name: str
    candidates: tuple[Json, ...]
    taken: str
    """Regular expression: PVE's words for "somebody else has it"."""

    debris: Debris | None = None


Follow: TypeAlias = "Callable[[Reader, Json, float], Json]"
"""Waits, for a number of seconds at most, for what an answer began; what it returns stands for the answer."""


@dataclass(frozen=True)
class Until:
    """What has to be seen after a step whose answer, or task, only asks somebody else to do it."""

    seen: Callable[[Reader], Json]
    """Reads; None as long as it isn't so."""

    otherwise: str
    """What to say when it doesn't come true in time, with ``{timeout}`` for the seconds."""


def advised(known: Mapping[str, str], said: str) -> str:
    """The first advice whose pattern is in what Proxmox VE said, or an empty string."""
    return next((advice for words, advice in known.items() if re.search(words, said)), "")


@dataclass(frozen=True)
class Step:
    """One write. ``path`` may hold ``{name}`` for what the plan binds; ``reason`` completes "Cannot ..."."""

    verb: str
    path: str
    params: Values
    reason: str
    claim: Claim | None = None
    timeout: float | None = None
    """Seconds its task may take, where the module's general limit doesn't fit."""

    late: Callable[[Values], Values] | None = None
    """Further parameters, from what is at ``path`` right before the step: for what an earlier step has moved."""

    unnamed_task: str = ""
    """Type of the task that PVE starts without naming it in its answer."""

    follow: Follow | None = None
    """What to wait for after the answer where it begins something that is no task."""

    once: bool = False
    """It acts each time it is carried out: whatever fails, no plan is made anew that has it again."""

    until: Until | None = None

    file_mode: int | None = None
    """It writes a file of the node itself: ``path`` is the file's, and the parameter ``text`` what it is to hold."""

    restarts: bool = False
    """Its task restarts the node's own services: no answer, or not being known, is waited out till its end."""

    advice: Values = field(default_factory=dict)
    """PVE's words in a failure (regular expression) -> what to do about it."""

    parts: Callable[[Sequence[str]], str] | None = None
    """What became of the parts of a task that does several things, from its whole log, to be said when it failed.

    Some of them are done then, so no plan is made anew either.
    """


@dataclass(frozen=True)
class Plan:
    """The steps that lead from ``before`` to ``after`` (shown as the diff), or the reason why there are none."""

    steps: tuple[Step, ...] = ()
    changes: tuple[Change, ...] = ()
    reason: str = ""
    before: Values = field(default_factory=dict)
    after: Values = field(default_factory=dict)
    bindings: Values = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    extra: Values = field(default_factory=dict)
    """Further values for the module's result."""

    @property
    def changed(self) -> bool:
        """Whether anything has to be done."""
        return bool(self.steps)


@dataclass(frozen=True)
class Listing:
    """A list whose rows say what its items say one by one: where many items are described, it is read instead."""

    item: str
    """Regular expression for an item's path, with the groups ``list`` (the list's path) and ``id``."""

    key: str
    """Where a row has the id."""

    params: Values = field(default_factory=dict)


Describe: TypeAlias = Callable[[Reader, Values], "Json | None"]
"""What is there now, or None when it is absent. Reads only; not reaching the node is an error, never None."""

Planner: TypeAlias = Callable[[Values, Any], Plan]
"""From the wish (only what the user set) and what was described. Raises RefusedError and ConfigError."""


@dataclass(frozen=True)
class Resource:
    """One kind of thing a module manages."""

    kind: str
    options: Options
    describe: Describe
    plan: Planner
    result: Callable[[Any], dict[str, Json]]
    """What the module returns about it, from what was described last (None when absent)."""

    fields: tuple[Field, ...] = ()
    rules: Mapping[str, Sequence[Json]] = field(default_factory=dict)
    """AnsibleModule's own checks: required_one_of, mutually_exclusive, required_if, ..."""

    listings: tuple[Listing, ...] = ()

    told: Callable[[Values, Sequence[Json]], dict[str, Json]] | None = None
    """From the wish and PVE's answers to the steps: what it tells once and never again."""

    writes: tuple[str, ...] = ()
    """Every endpoint it may write to, as ``PUT /storage/{}``: from these docs/coverage.md is made."""

    def argument_spec(self) -> dict[str, dict[str, Json]]:
        """The options of the module, without the connection's."""
        return {**{item.name: item.argument() for item in self.fields}, **{k: dict(v) for k, v in self.options.items()}}


def url(template: str, *parts: object) -> str:
    """A path of the API with ``parts`` in place of ``{}``, quoted; ``{{name}}`` stays for a plan to bind."""
    return template.format(*(quote(str(part), safe="") for part in parts))


def without(options: Options, *names: str) -> Options:
    """The options without some."""
    return {name: spec for name, spec in options.items() if name not in names}


def parsed(fields: Sequence[Field], wish: Values) -> dict[str, Json]:
    """What the user set, by option, in canonical form. Raises ConfigError naming the option."""
    return {item.name: _parse(item, wish[item.name]) for item in fields if wish.get(item.name) is not None}


def _parse(item: Field, value: Json) -> Json:
    try:
        return item.codec.parse(value)
    except ValueError as error:
        raise ConfigError(f"Option '{item.name}': {error}") from error


def decoded(fields: Sequence[Field], wire: Values) -> dict[str, Json]:
    """What PVE answered, by option, in canonical form."""
    return {item.name: item.codec.decode(wire[item.key]) for item in fields if wire.get(item.key) is not None}


def diff(fields: Sequence[Field], wish: Values, have: Values, *, renew_secrets: bool = False) -> tuple[Change, ...]:
    """The managed values that differ. ``wish`` and ``have`` are canonical; an empty wish removes the value.

    A secret counts as equal when PVE says that it has one, unless ``renew_secrets``.
    """
    found = (
        compare(item, item.name, wish[item.name], have.get(item.name), renew_secrets)
        for item in fields
        if item.name in wish
    )
    return tuple(change for change in found if change)


def compare(item: Field, key: str, wish: Json, have: Json, renew_secrets: bool = False) -> Change | None:
    """The change from ``have`` to ``wish``, if it is one."""
    if item.codec.empty(wish):
        return _removal(item, key, have)
    if item.kept_back and have is not None and not renew_secrets:
        return None
    after = item.codec.merge(have, wish)
    current = item.default if have is None else have
    if not item.kept_back and item.codec.same(current, after):
        return None
    # A property string whose last property goes is removed: PVE takes no empty one.
    return _removal(item, key, have) if item.codec.empty(after) else Change(item, key, have, after)


def _removal(item: Field, key: str, have: Json) -> Change | None:
    return None if have is None or item.codec.empty(have) else Change(item, key, have, None)


def refuse_fixed(kind: str, name: object, changes: Sequence[Change]) -> None:
    """Raise RefusedError when a change touches what can only be set at creation."""
    for change in changes:
        if change.field.create_only:
            raise RefusedError(
                f"Cannot change {change.key} of {kind} {name} from {shown(change.field, change.before)} to "
                f"{shown(change.field, change.after)}: Proxmox VE sets it only at creation. "
                f"Keep the present value, or remove the {kind} first (state: absent) and create it anew."
            )


def encoded(changes: Sequence[Change]) -> dict[str, Json]:
    """Changes as parameters; removals are collected in ``delete``."""
    params = {
        _wire_key(change): change.field.codec.encode(change.after) for change in changes if change.after is not None
    }
    gone = ",".join(sorted(_wire_key(change) for change in changes if change.after is None))
    return {**params, "delete": gone} if gone else params


def _wire_key(change: Change) -> str:
    return change.field.key if change.key == change.field.name else change.key


def shown(item: Field, value: Json) -> Json:
    """A value for people: secrets hidden, otherwise the way PVE writes it."""
    if value is None:
        return "unset"
    return HIDDEN if item.secret else item.codec.encode(value)


def views(changes: Sequence[Change]) -> tuple[dict[str, Json], dict[str, Json]]:
    """The two sides of Ansible's diff."""
    before = {c.key: shown(c.field, c.before) for c in changes if c.before is not None}
    after = {c.key: shown(c.field, c.after) for c in changes if c.after is not None}
    return before, after
