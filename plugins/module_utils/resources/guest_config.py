# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's configuration as a table: single options, and families of numbered ones such as net0 ... net31. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    NAMESERVERS,
    TEXT,
    Codec,
    Json,
    Properties,
    matching,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Change,
    Field,
    Options,
    Values,
    compare,
    parsed,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError

Item = tuple[Field, str, Json]
"""A row, PVE's key and the wished value."""


STARTUP = Properties(default_key="order", kinds={"order": "str", "up": "int", "down": "int"})
"""Order and delays at the node's start and shutdown."""


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
DNS_NAME = matching(rf"{_LABEL}(?:\.{_LABEL})*", "a name of letters, digits, dashes and dots")
"""PVE's format dns-name."""

VERSIONS = {"ip": 4, "gw": 4, "ip6": 6, "gw6": 6}
"""Properties of a network card that are addresses, and of which version of IP."""


def with_addresses(given: dict[str, Json], words: Mapping[str, tuple[str, ...]]) -> dict[str, Json]:
    """Properties whose addresses are some, or one of the ``words`` that may stand for them. Raises ValueError."""
    for name in VERSIONS:
        text = given.get(name)
        if text and text not in words.get(name, ()):
            _check_address(name, str(text), words.get(name, ()))
    return given


def _check_address(name: str, text: str, words: tuple[str, ...]) -> None:
    wanted = "an address" if name.startswith("gw") else "an address with its prefix length"
    try:
        found = ipaddress.ip_interface(text)
    except ValueError:
        found = None
    if not found or found.version != VERSIONS[name] or ("/" in text) is name.startswith("gw"):
        others = "".join(f" or {word}" for word in words)
        raise ValueError(f"{name}: '{text}' is not {wanted} of IPv{VERSIONS[name]}{others}")


def _servers(value: Json) -> list[str]:
    servers: list[str] = NAMESERVERS.parse(value)
    for server in servers:
        try:
            ipaddress.ip_address(server)
        except ValueError:
            raise ValueError(f"'{server}' is not an IP address") from None
    return servers


SERVERS = replace(NAMESERVERS, parse=_servers)
"""Name servers, which have to be addresses."""


def at_boot(name: str, codec: Codec = TEXT, **row: Json) -> Field:
    """A row that a running guest follows at its next start."""
    return Field(name, codec, live=False, **row)


def choices(*values: str) -> dict[str, Json]:
    """The part of an option's spec that says which values there are."""
    return {"choices": list(values)}


@dataclass(frozen=True)
class Family:
    """Options with a number: ``net0`` ... ``net31``, given as one dictionary option."""

    option: str
    count: int
    codec: Codec
    live: bool = False
    prefix: str = ""
    """PVE's name without the number, where the option is called otherwise."""

    live_when_new: bool = False
    """A member that is added works at once, even if a change of one waits for a restart."""

    @property
    def stem(self) -> str:
        """PVE's name without the number."""
        return self.prefix or self.option

    def field(self, key: str) -> Field:
        """The row of one member."""
        return Field(key, self.codec, live=self.live, live_when_new=self.live_when_new)

    def owns(self, key: str) -> bool:
        """Whether ``key`` is one of them."""
        number = key.removeprefix(self.stem)
        return key.startswith(self.stem) and number.isdigit() and int(number) < self.count


def as_given(params: Values) -> Values:
    """Every option is one of PVE's."""
    return params


@dataclass(frozen=True)
class ConfigTable:
    """All options of one kind of guest, its volumes apart."""

    fields: tuple[Field, ...]
    families: tuple[Family, ...]
    compose: Callable[[Values], Values] = as_given
    """Puts options together that are one in PVE's configuration. Raises ConfigError."""

    @property
    def options(self) -> Options:
        """The families' part of the argument spec."""
        return {family.option: {"type": "dict"} for family in self.families}

    @cached_property
    def _by_key(self) -> Mapping[str, Field]:
        return {item.key: item for item in self.fields}

    @cached_property
    def _found(self) -> dict[str, Field | None]:
        """The rows that were looked for: thousands of guests have the same keys."""
        return {}

    def field_of(self, key: str) -> Field | None:
        """The row for a key of PVE's configuration."""
        if key not in self._found:
            family = next((family for family in self.families if family.owns(key)), None)
            self._found[key] = family.field(key) if family else self._by_key.get(key)
        return self._found[key]

    def wanted(self, params: Values) -> tuple[Item, ...]:
        """What the user set, in canonical form. Raises ConfigError naming the option."""
        params = self.compose(params)
        plain = parsed(self.fields, params)
        rows = [(item, item.key, plain[item.name]) for item in self.fields if item.name in plain]
        return (
            *rows,
            *(entry for family in self.families for entry in _members(family, params.get(family.option) or {})),
        )

    def current(self, config: Values) -> dict[str, Json]:
        """PVE's answer in canonical form, by key; what we don't manage is left out."""
        rows = ((key, self.field_of(key), value) for key, value in config.items())
        return {key: item.codec.decode(value) for key, item, value in rows if item}


def _members(family: Family, given: Mapping[str, Json]) -> list[Item]:
    for key in given:
        if not family.owns(key):
            raise ConfigError(
                f"Option '{family.option}': '{key}' is none of {family.stem}0 to {family.stem}{family.count - 1}."
            )
    return [(family.field(key), key, _member(family, key, value)) for key, value in given.items()]


def _member(family: Family, key: str, value: Json) -> Json:
    if value in (None, "", {}):
        return None
    try:
        return family.codec.parse(value)
    except ValueError as error:
        raise ConfigError(f"Option '{family.option}': {key}: {error}") from error


def changes(wish: tuple[Item, ...], have: Mapping[str, Json], *, renew_secrets: bool) -> tuple[Change, ...]:
    """What differs."""
    found = (compare(item, key, value, have.get(key), renew_secrets) for item, key, value in wish)
    return tuple(change for change in found if change)
