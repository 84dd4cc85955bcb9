# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxmox VE's wire forms and our values: the only place that knows that 32768M is 32G and that 1 is true. Pure.

Each codec has five functions: ``parse`` (what a user wrote -> canonical value, ValueError if it can't be right),
``decode`` (what PVE answered -> canonical), ``encode`` (canonical -> what PVE takes), ``merge`` (what PVE will hold
after the wish is applied) and ``same``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from urllib.parse import quote, unquote

Json: TypeAlias = Any
"""A JSON value, as the API gives and takes it."""

UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40, "P": 50}
SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*([KMGTP]?)(?:I?B)?$", re.IGNORECASE)
TRUE, FALSE = frozenset({"1", "on", "yes", "true", "enabled"}), frozenset({"0", "off", "no", "false", "disabled", ""})


def size_bytes(text: object, unit: str = "") -> int:
    """Bytes of "32G", "512M" or a bare number of ``unit``s."""
    found = SIZE.match(str(text).strip())
    if not found:
        raise ValueError(f"'{text}' is not a size such as 512M or 32G")
    number, suffix = found.groups()
    return round(float(number) * (1 << UNITS[suffix.upper() or unit]))


def size_text(number: int) -> str:
    """Bytes in the largest unit that divides them, as PVE writes sizes: 32G, 1536M."""
    for suffix, power in sorted(UNITS.items(), key=lambda item: -item[1]):
        if number and number % 2**power == 0:
            return f"{number >> power}{suffix}"
    return "0"


def truth(value: object) -> bool:
    """A boolean in any of the spellings people and PVE use."""
    text = str(value).strip().lower()
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise ValueError(f"'{value}' is neither true nor false")


def _identity(value: Json) -> Json:
    return value


def _replace(_before: Json, wish: Json) -> Json:
    return wish


def _equal(one: Json, other: Json) -> bool:
    return bool(one == other)


def _is_empty(value: Json) -> bool:
    return value is None or value in ("", [], {}, (), frozenset())


@dataclass(frozen=True)
class Codec:
    """How one kind of value is read, written, combined and compared."""

    parse: Callable[[Any], Any] = _identity
    decode: Callable[[Any], Any] = _identity
    encode: Callable[[Any], Any] = _identity
    merge: Callable[[Any, Any], Any] = _replace
    same: Callable[[Any, Any], bool] = _equal
    empty: Callable[[Any], bool] = _is_empty
    ansible_type: str = "str"
    ansible_spec: Mapping[str, Any] = field(default_factory=dict)


def _text(value: object) -> str:
    return str(value)


TEXT = Codec(_text, _text, _text)


def _description(value: object) -> str:
    # Containers' descriptions come back with a newline at the end, VMs' don't.
    return str(value).rstrip("\n")


DESCRIPTION = Codec(_description, _description, _text)

INTEGER = Codec(int, int, _identity, ansible_type="int")


def within(codec: Codec, low: float | None = None, high: float | None = None) -> Codec:
    """The same for numbers from ``low`` to ``high`` only, None for no limit."""

    def parse(value: Json) -> Json:
        return bounded(codec.parse(value), low, high, told=value)

    return replace(codec, parse=parse)


def bounded(number: Json, low: float | None, high: float | None, told: Json = None) -> Json:
    """The number itself. Raises ValueError, in the words it was ``told`` in, beyond a limit; None is no limit."""
    if (low is not None and number < low) or (high is not None and number > high):
        raise ValueError(f"{number if told is None else told} is not {span(low, high)}")
    return number


def span(low: float | None, high: float | None) -> str:
    """Limits in words."""
    if low is None or high is None:
        return f"{low:.12g} or more" if high is None else f"{high:.12g} or less"
    return f"from {low:.12g} to {high:.12g}"


def matching(pattern: str, what: str, codec: Codec | None = None) -> Codec:
    """The same for values only whose text matches a pattern, as a whole; ``what`` completes "... is not"."""
    inner = codec or TEXT

    def parse(value: Json) -> Json:
        text = inner.parse(value)
        if text and not re.fullmatch(pattern, str(text)):
            raise ValueError(f"'{value}' is not {what}")
        return text

    return replace(inner, parse=parse)


def _number(value: Json) -> float:
    return float(value)


NUMBER = Codec(_number, _number, lambda value: f"{value:g}", ansible_type="float")


BOOLEAN = Codec(truth, truth, int, ansible_type="bool", empty=lambda value: value is None)


def _mebibytes(value: Json) -> int:
    """Memory in MiB; a bare number already is. PVE answers a property string from version 8.1 on."""
    number, rest = divmod(size_bytes(str(value).removeprefix("current="), "M"), 2**20)
    if rest:
        raise ValueError(f"'{value}' is not a whole number of MiB")
    return number


MEMORY = Codec(_mebibytes, _mebibytes, _identity)


def _items(value: Json, separators: str) -> list[str]:
    parts = re.split(f"[{re.escape(separators)}\\s]+", value) if isinstance(value, str) else [str(i) for i in value]
    return [part.strip() for part in parts if part.strip()]


def set_of(separator: str, *, normal: Callable[[str], str] = _text, elements: str = "str") -> Codec:
    """A list whose order means nothing, written with ``separator``."""

    def parse(value: Json) -> list[str]:
        return sorted({normal(item) for item in _items(value, ",;")})

    return Codec(parse, parse, separator.join, ansible_type="list", ansible_spec={"elements": elements}, same=_equal)


def _vmid(value: object) -> int:
    if not re.fullmatch(r"[1-9][0-9]{2,8}", str(value).strip()):
        raise ValueError(f"'{value}' is not a vmid; vmids go from 100 to 999999999")
    return int(str(value))


def _vmids(value: Json) -> list[int]:
    return sorted({_vmid(item) for item in _items(value, ",;")})


VMIDS = Codec(
    _vmids,
    _vmids,
    lambda value: ",".join(map(str, value)),
    ansible_type="list",
    ansible_spec={"elements": "int"},
)
"""A set of guests' ids (``pve-vmid-list``)."""


def list_of(separator: str) -> Codec:
    """A list whose order matters, written with ``separator``."""

    def parse(value: Json) -> list[str]:
        return _items(value, ",;")

    return Codec(parse, parse, separator.join, ansible_type="list", ansible_spec={"elements": "str"})


TAGS = set_of(";", normal=str.lower)
"""PVE lower-cases and sorts tags."""

CONTENT = set_of(",")


def _content(value: Json) -> list[str]:
    # A storage for nothing reads "none", and PVE then refuses to list its content.
    return [item for item in CONTENT.parse(value) if item != "none"]


STORAGE_CONTENT = replace(
    CONTENT,
    parse=_content,
    decode=_content,
    encode=lambda value: ",".join(value) or "none",
    empty=lambda value: value is None,
)
"""Content types of a storage."""

NAMESERVERS = list_of(" ")


def _key_lines(value: Json) -> list[str]:
    text = value if isinstance(value, str) else "\n".join(value)
    return [line.strip() for line in text.splitlines() if line.strip()]


def _encoded_keys(lines: Iterable[str]) -> str:
    # The value itself is URL-encoded, once more than any parameter is (PVE::QemuServer, "sshkeys": urlencoded).
    return quote("\n".join(lines) + "\n", safe="")


def _same_lines(one: Json, other: Json) -> bool:
    return sorted(one or ()) == sorted(other or ())


SSH_KEYS = Codec(
    _key_lines,
    lambda wire: _key_lines(unquote(wire)),
    _encoded_keys,
    same=_same_lines,
    ansible_type="list",
    ansible_spec={"elements": "str", "no_log": False},
)


def _mac(value: object) -> str:
    text = str(value).upper().replace("-", ":")
    if not re.fullmatch(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}", text):
        raise ValueError(f"'{value}' is not a MAC address")
    return text


def _lower(value: object) -> str:
    return str(value).strip().lower()


def _size(value: object) -> str:
    return size_text(size_bytes(value))


def _whole(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise ValueError(f"'{value}' is not a whole number") from None


def _fraction(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise ValueError(f"'{value}' is not a number") from None


KINDS: Mapping[str, Callable[[Any], Any]] = {
    "bool": truth,
    "int": _whole,
    "float": _fraction,
    "str": _text,
    "mac": _mac,
    "lower": _lower,
    "size": _size,
    "set": lambda value: ";".join(sorted(set(_items(value, ",;")))),
    "list": lambda value: ";".join(_items(value, ",;")),
}
"""Kinds of the values inside property strings: from any spelling to the canonical one."""


@dataclass(frozen=True)
class Properties:
    """PVE's property strings: ``virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1`` <-> a dict.

    ``default_key`` is the property that is written without its name. ``kinds`` names the properties there are and
    their kinds; ``aliases`` maps other spellings. Unset properties of a wish keep what is there; empty ones remove it.
    """

    kinds: Mapping[str, str]
    default_key: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    separator: str = ","
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Properties that have one of a few values."""

    limits: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """Lowest and highest value of properties that are numbers."""

    def parse(self, value: Json) -> dict[str, Json]:
        """A string or dict of the user's."""
        if isinstance(value, bool | int):
            value = str(int(value))
        pairs = value.items() if isinstance(value, Mapping) else self._pairs(str(value))
        return dict(self._known(str(name), item) for name, item in pairs)

    def decode(self, wire: Json) -> dict[str, Json]:
        """A string of PVE's, or an object of its jobs; properties we don't know are kept as they are."""
        pairs = wire.items() if isinstance(wire, Mapping) else self._pairs(str(wire))
        known = ((self.aliases.get(name, name), item) for name, item in pairs)
        return {name: KINDS[self.kinds.get(name, "str")](item) for name, item in known}

    def encode(self, value: Mapping[str, Json]) -> str:
        """In PVE's order: the default property first, the others sorted."""
        first = [_scalar(value[self.default_key])] if value.get(self.default_key) not in (None, "") else []
        rest = [
            f"{name}={_scalar(item)}"
            for name, item in sorted(value.items())
            if name != self.default_key and item not in (None, "")
        ]
        return self.separator.join(first + rest)

    def merge(self, before: Json, wish: Mapping[str, Json]) -> dict[str, Json]:
        """What will be there: the wish over what is there, without what the wish empties."""
        return {name: item for name, item in {**(before or {}), **wish}.items() if item not in (None, "")}

    def same(self, one: Json, other: Json) -> bool:
        """Equal, with PVE's defaults filled in."""
        return {**self.defaults, **(one or {})} == {**self.defaults, **(other or {})}

    def codec(self, ansible_type: str = "raw") -> Codec:
        """As a codec."""
        return Codec(self.parse, self.decode, self.encode, self.merge, self.same, ansible_type=ansible_type)

    def _pairs(self, text: str) -> list[tuple[str, str]]:
        parts = [part.strip() for part in text.split(self.separator) if part.strip()]
        return [self._pair(part) for part in parts]

    def _pair(self, part: str) -> tuple[str, str]:
        name, equals, item = part.partition("=")
        if equals:
            return name.strip(), item.strip()
        if not self.default_key:
            raise ValueError(f"'{part}' is not of the form name=value")
        return self.default_key, part

    def _known(self, name: str, item: Json) -> tuple[str, Json]:
        name = self.aliases.get(name, self.aliases.get(name.replace("_", "-"), name))
        kind = self.kinds.get(name) or self.kinds.get(name.replace("_", "-"))
        if kind is None:
            raise ValueError(f"unknown property '{name}'; known are {', '.join(sorted(self.kinds))}")
        name = name if name in self.kinds else name.replace("_", "-")
        if item is None or item == "":
            return name, ""
        try:
            return name, self._allowed(name, KINDS[kind](item))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{name}: {error}") from error

    def _allowed(self, name: str, value: Json) -> Json:
        choices = self.choices.get(name)
        if choices and value not in choices:
            raise ValueError(f"'{value}' is none of {', '.join(choices)}")
        return bounded(value, *self.limits.get(name, (None, None)))


def _scalar(value: Json) -> str:
    return str(int(value)) if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
