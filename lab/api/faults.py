# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fault is: typed fields with units, read from JSON, and the book of those in force.

The kinds are in :mod:`lab.api.faults_kinds`. Nothing here needs a running lab: the command line reads it too.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any, ClassVar, TypeVar

Document = Mapping[str, Any]


class UnknownFaultError(ValueError):
    """A fault that is not in the table, or whose fields are wrong; the text says what would be right."""


def option(
    text: str,
    *,
    default: Any = MISSING,  # noqa: ANN401
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:  # noqa: ANN401 - dataclasses.field is typed as what it stands for
    """A field of a fault: its help, its unit, and what it may be."""
    limits = {"help": text, "unit": unit, "minimum": minimum, "maximum": maximum, "choices": choices}
    return field(default=default, metadata=limits)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that goes wrong. Subclasses are the kinds; their docstring is their help."""

    kind: ClassVar[str]
    example: ClassVar[Document]

    def document(self) -> dict[str, Any]:
        """The fault as JSON: its kind, and the fields that are not at their default."""
        given = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        defaults = {item.name: item.default for item in dataclasses.fields(self)}
        return {"kind": self.kind} | {key: value for key, value in given.items() if value != defaults[key]}


@dataclass(frozen=True, kw_only=True)
class Event(Fault):
    """A fault that happens once, when it is added, and is not in force afterwards."""


@dataclass(frozen=True, kw_only=True)
class Chanced(Fault):
    """A fault that strikes a few times only, or by chance."""

    times: int | None = option("over after striking so often; not given: until removed", default=None, minimum=1)
    probability: float = option("chance of striking each time", default=1.0, minimum=0, maximum=1)
    seed: int = option("what the chance is drawn from", default=0)
    after: int = option("so many of what it concerns are left alone first", default=0, minimum=0)


@dataclass(frozen=True)
class Asked:
    """A request as faults look at it. ``nodes``: the one that was reached, and the one it is about."""

    method: str
    path: str
    nodes: tuple[str, ...]
    user: str | None = None


def as_pattern(path: str) -> str:
    """A path with ``*``, or with PVE's ``{node}``, as a pattern of fnmatch."""
    return re.sub(r"\{\w+\}", "*", path)


@dataclass(frozen=True, kw_only=True)
class RequestFault(Chanced):
    """A fault of some requests: those whose method, path, node and user match."""

    method: str = option("GET, POST, PUT, DELETE or *", default="*")
    path: str = option("below /api2/json; * stands for anything, {name} too", default="*")
    node: str = option("the node that was reached, or that the path names", default="*")
    user: str = option("who asks, as in root@pam or root@pam!token", default="*")

    def concerns(self, asked: Asked) -> bool:
        """Whether a request is one of them."""
        return (
            fnmatchcase(asked.method, self.method)
            and fnmatchcase(asked.path, as_pattern(self.path))
            and any(fnmatchcase(node, self.node) for node in asked.nodes)
            and (self.user == "*" or fnmatchcase(asked.user or "", self.user))
        )


@dataclass(frozen=True, kw_only=True)
class ConnectionFault(Chanced):
    """A fault of connections, before there is a request."""

    node: str = option("the node that was reached", default="*")


# ------------------------------------------------------------------ reading


@dataclass(frozen=True)
class FieldType:
    """What a field takes: values of ``base``, whether several, and its limits."""

    name: str
    base: type
    several: bool
    required: bool
    default: Any
    limits: Mapping[str, Any]

    def words(self) -> str:
        """What the field takes, in words."""
        if self.limits["choices"]:
            return "one of " + ", ".join(self.limits["choices"])
        kinds = {float: "a number", int: "a whole number", bool: "true or false", str: "a text"}
        plural = {float: "numbers", int: "whole numbers", bool: "truths", str: "texts"}
        unit = f" of {self.limits['unit']}" if self.limits["unit"] else ""
        low, high = self.limits["minimum"], self.limits["maximum"]
        bounds = f" from {low:g}" if low is not None else ""
        bounds += f" to {high:g}" if high is not None else ""
        return (f"a list of {plural[self.base]}" if self.several else kinds[self.base]) + unit + bounds


def _field_type(item: dataclasses.Field[Any], hint: Any) -> FieldType:  # noqa: ANN401 - a type
    several = typing.get_origin(hint) is tuple
    parts = typing.get_args(hint) if several or isinstance(hint, types.UnionType) else (hint,)
    base = next(part for part in parts if part not in (type(None), ...))
    required = item.default is MISSING
    return FieldType(item.name, base, several, required, None if required else item.default, item.metadata)


def fields_of(kind: type[Fault]) -> tuple[FieldType, ...]:
    """The fields of a kind: its own before those it shares with others."""
    hints = typing.get_type_hints(kind)
    shared = {name for base in kind.__mro__[1:] for name in vars(base).get("__annotations__", {})}
    found = [_field_type(item, hints[item.name]) for item in dataclasses.fields(kind)]
    return tuple(sorted(found, key=lambda item: (item.name in shared, not item.required)))


def _checked(kind: str, item: FieldType, value: object) -> object:
    """A value as the field's type. Raises UnknownFaultError."""
    taken: tuple[type, ...] = (int, float) if item.base is float else (item.base,)
    one = isinstance(value, taken) and (item.base is bool or not isinstance(value, bool))
    low, high, choices = (item.limits[name] for name in ("minimum", "maximum", "choices"))
    number = value if isinstance(value, int | float) else 0
    fits = one and not (low is not None and number < low) and not (high is not None and number > high)
    if not fits or (choices and value not in choices):
        raise UnknownFaultError(f"{item.name!r} of the fault {kind!r} is {item.words()}, not {value!r}")
    return float(number) if item.base is float else value


def _read_field(kind: str, item: FieldType, value: object) -> object:
    if value is None and item.default is None and not item.required:
        return None
    if not item.several:
        return _checked(kind, item, value)
    if not isinstance(value, list | tuple):
        raise UnknownFaultError(f"{item.name!r} of the fault {kind!r} is {item.words()}, not {value!r}")
    return tuple(_checked(kind, item, part) for part in value)


def read(kinds: Mapping[str, type[Fault]], document: object) -> Fault:
    """The fault a JSON document describes. Raises UnknownFaultError, which says what would be right."""
    if not isinstance(document, Mapping):
        raise UnknownFaultError("a fault is an object with a 'kind'")
    name = str(document.get("kind"))
    if name not in kinds:
        raise UnknownFaultError(f"there is no fault {name!r}; known are {', '.join(sorted(kinds))}")
    known = {item.name: item for item in fields_of(kinds[name])}
    given = {key: value for key, value in document.items() if key != "kind"}
    if unknown := sorted(set(given) - set(known)):
        raise UnknownFaultError(f"the fault {name!r} has no field {unknown[0]!r}; it has {', '.join(sorted(known))}")
    if missing := [item.name for item in known.values() if item.required and given.get(item.name) is None]:
        raise UnknownFaultError(f"the fault {name!r} needs {missing[0]!r}")
    return kinds[name](**{key: _read_field(name, known[key], value) for key, value in given.items()})


# ----------------------------------------------------------------- in force


@dataclass
class Active:
    """A fault in force. ``struck``: how often it did something."""

    id: int
    fault: Fault
    chance: Random
    struck: int = 0
    spared: int = 0
    """How many were left alone, of those that are to be before the first."""

    undo: Callable[[], None] | None = None

    @property
    def over(self) -> bool:
        """Whether it has struck as often as it was to."""
        times = getattr(self.fault, "times", None)
        return times is not None and self.struck >= times

    def strikes(self) -> bool:
        """Whether it strikes now; it is counted then."""
        if self.spared < getattr(self.fault, "after", 0):
            self.spared += 1
            return False
        struck = not self.over and self.chance.random() < getattr(self.fault, "probability", 1.0)
        self.struck += struck
        return struck

    def document(self) -> dict[str, Any]:
        """The fault as JSON, with its number and how often it struck."""
        return {"id": self.id, **self.fault.document(), "struck": self.struck}


T = TypeVar("T", bound=Fault)


class Faults:
    """The faults in force, in the order they came."""

    def __init__(self) -> None:
        """Start without one."""
        self._active: dict[int, Active] = {}
        self._numbers = itertools.count(1)
        # Those of requests and of connections: asked for every one of them, so nothing is to be looked for.
        self.of_requests: list[tuple[Active, RequestFault]] = []
        self.of_connections = False

    def __iter__(self) -> Iterator[Active]:
        """Every fault in force; a copy, so that one may be removed meanwhile."""
        return iter(list(self._active.values()))

    def add(self, fault: Fault) -> Active:
        """Put a fault in force."""
        seed = getattr(fault, "seed", 0)
        active = Active(next(self._numbers), fault, Random(seed))  # noqa: S311 - the same every time is what is wanted
        self._active[active.id] = active
        self._sort_out()
        return active

    def remove(self, number: int) -> Active:
        """End one. Raises UnknownFaultError."""
        if number not in self._active:
            known = ", ".join(map(str, self._active)) or "none"
            raise UnknownFaultError(f"there is no fault with the id {number}; in force are {known}")
        active = self._active.pop(number)
        self._sort_out()
        return active

    def clear(self) -> list[Active]:
        """End all of them, and return them, the last first."""
        ended = list(reversed(self._active.values()))
        self._active.clear()
        self._sort_out()
        return ended

    def _sort_out(self) -> None:
        pairs = [(active, active.fault) for active in self._active.values()]
        self.of_requests = [(active, fault) for active, fault in pairs if isinstance(fault, RequestFault)]
        self.of_connections = any(isinstance(fault, ConnectionFault) for _, fault in pairs)

    def of(self, kind: type[T]) -> Iterator[tuple[Active, T]]:
        """Those of a kind."""
        for active in self:
            if isinstance(active.fault, kind):
                yield active, active.fault

    def has(self, fault: Fault) -> bool:
        """Whether this very fault is in force."""
        return any(active.fault is fault for active in self)

    def striking(self, kind: type[T], concerns: Callable[[T], bool]) -> T | None:
        """The first of a kind that concerns something and strikes now; only that one is counted."""
        return next((fault for active, fault in self.of(kind) if concerns(fault) and active.strikes()), None)
