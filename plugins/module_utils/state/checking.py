# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with an entry, all of it and with its place, before anything is asked of the server.

First by the argument spec of the entry's module, then by the codecs of its fields. Both are what the module itself goes
by; here they are asked one option at a time, so that every mistake is found at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TypeAlias

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import DEFAULT_TYPE_VALIDATORS
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Codec, Json, Properties
from ansible_collections.homelab.pve.plugins.module_utils.engine import HIDDEN, Field, Options, Resource, Values, parsed
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.module import ENTRY_RULES
from ansible_collections.homelab.pve.plugins.module_utils.resources import guest_ha, storage_types, vzdump
from ansible_collections.homelab.pve.plugins.module_utils.resources.container import LXC
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Kind as GuestKind
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import HIGHEST_VMID, LOWEST_VMID
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage import FIELDS as STORAGE_FIELDS
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import QEMU
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Place
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind

Problem: TypeAlias = "tuple[Place, str]"
"""A place in an entry, and what is wrong there."""

MANY = 25
"""With more names than this, those that a misspelt one is like are listed only."""

WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
    "path": "a path",
}
"""Ansible's types in words."""

REFUSED: Mapping[str, tuple[type, ...]] = {
    "str": (list, dict),
    "path": (list, dict, bool),
    "int": (list, dict, bool),
    "float": (list, dict, bool),
    "bool": (list, dict),
    "list": (dict, bool),
    "dict": (list, bool),
}
"""What Ansible would make a value of a type of, though it can't be meant."""


@dataclass(frozen=True)
class Verdict:
    """What is wrong with an entry, or what its module is told."""

    problems: tuple[Problem, ...] = ()
    values: Values = field(default_factory=dict)


def check(kind: Kind, entry: Values) -> Verdict:
    """Judge an entry by its module's argument spec and codecs."""
    judge = _judge(kind.resource)
    wrong = tuple(problems(judge.spec, entry))
    spoilt = {place[0] for place, _message in wrong if place}
    given = {name: value for name, value in entry.items() if name not in spoilt}
    result = judge.validator(frozenset(given)).validate(given)
    values = {**judge.unset, **result.validated_parameters}
    # What options need each other for can be told only of an entry that is whole.
    between = () if wrong else tuple(((), f"{message}.") for message in result.error_messages)
    found = (*wrong, *between, *_unparsable(kind, judge, values, whole=not (wrong or between)))
    return Verdict(found, {} if found else values)


@dataclass(frozen=True)
class Judge:
    """The argument spec of a resource, with what is worked out from it once for all entries."""

    resource: Resource
    spec: Options
    rows: Mapping[str, Field]
    """The resource's fields by name."""

    validators: dict[frozenset[str], ArgumentSpecValidator] = field(default_factory=dict)

    @cached_property
    def unset(self) -> dict[str, Json]:
        """What the module is told of options that are not given."""
        return dict.fromkeys(self.spec)

    @cached_property
    def always(self) -> frozenset[str]:
        """Options that say something even where they are not given."""
        return frozenset(name for name, option in self.spec.items() if NEVER_SILENT & set(option))

    def validator(self, given: frozenset[str]) -> ArgumentSpecValidator:
        """Ansible's validator of entries with these options: it looks at every option it knows of, at each entry."""
        if given not in self.validators:
            spec = {name: option for name, option in self.spec.items() if name in given or name in self.always}
            rules = {rule: self.resource.rules[rule] for rule in ENTRY_RULES if rule in self.resource.rules}
            self.validators[given] = ArgumentSpecValidator(spec, **rules)
        return self.validators[given]


NEVER_SILENT = {"default", "required", "fallback", "apply_defaults"}
"""What makes of an option that isn't given more than None."""

_JUDGES: dict[int, Judge] = {}


def _judge(resource: Resource) -> Judge:
    found = _JUDGES.get(id(resource))
    if found is None:
        rows = {row.name: row for row in resource.fields}
        # The resource is kept with it, so that nothing else gets its id.
        found = _JUDGES[id(resource)] = Judge(resource, resource.argument_spec(), rows)
    return found


def problems(spec: Options, entry: Values, place: Place = ()) -> Iterator[Problem]:
    """Options that there aren't, values that can't be meant, options that are needed."""
    for name, value in entry.items():
        if name not in spec:
            yield (*place, name), f"is no option here. {meant(name, spec)}"
        elif value is not None:
            yield from _of_value(spec[name], value, (*place, name))
    for name, option in spec.items():
        if option.get("required") and entry.get(name) is None:
            yield place, f"needs the option '{name}'."


def _of_value(option: Values, value: Json, place: Place) -> Iterator[Problem]:
    wanted = option.get("type") or "str"
    told = HIDDEN if option.get("no_log") else shown(value)
    typed = _typed(wanted, value)
    if typed is None:
        yield place, f"has to be {WORDS.get(wanted, wanted)}, not {told}."
    elif wanted == "list":
        inner = {**option, "type": option.get("elements") or "raw"}
        for index, item in enumerate(typed):
            at = (*place, index) if isinstance(value, list) else place
            yield from _of_value(inner, item, at)
    elif option.get("choices") and not _chosen(value, typed, option["choices"]):
        yield (
            place,
            f"{shown(value)} is none of {', '.join(map(str, option['choices']))}.{like(value, option['choices'])}",
        )
    elif wanted == "dict" and option.get("options"):
        yield from problems(option["options"], typed, place)


def _typed(wanted: str, value: Json) -> Json:
    """The value as Ansible would have it; None for one that can't be meant."""
    if isinstance(value, REFUSED.get(wanted, ())):
        return None
    checker: Callable[[Json], Json] | None = DEFAULT_TYPE_VALIDATORS.get(wanted)
    try:
        return checker(value) if checker else value
    except (TypeError, ValueError):
        return None


def _chosen(value: Json, typed: Json, choices: Iterable[Json]) -> bool:
    """Whether a value is one of the choices; YAML turns ``off`` and ``yes`` into what Ansible turns back."""
    spelled = {"on", "yes", "true"} if value is True else {"off", "no", "false"} if value is False else set()
    known = list(choices)
    return typed in known or value in known or bool(spelled & set(map(str, known)))


def meant(name: str, known: Iterable[str]) -> str:
    """What may stand in place of a name: those that are like it, and all where they aren't many."""
    names = sorted(map(str, known))
    near = like(name, names).strip()
    if near and len(names) > MANY:
        return near
    return " ".join(filter(None, (near, f"Known: {', '.join(names)}.")))


def like(value: Json, known: Iterable[Json]) -> str:
    """`` Did you mean 'memory'?``, or nothing."""
    near = difflib.get_close_matches(str(value), list(map(str, known)), n=1)
    return f" Did you mean '{near[0]}'?" if near else ""


def shown(value: Json) -> str:
    """A value for people: what kind of thing it is, and what it says where that is short."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "nothing" if value is None else f"'{str(value)[:60]}'"


def _unparsable(kind: Kind, judge: Judge, values: Values, *, whole: bool) -> Iterator[Problem]:
    """What the codecs don't understand, and of an entry that is whole what doesn't go together."""
    if values.get("state") == "absent":
        return
    found = list(_fields(judge, values)) + list(CHECKS.get(kind.name, _nothing)(values))
    yield from found
    if whole and not found:
        yield from _rules(kind.name, values)


def _fields(judge: Judge, values: Values) -> Iterator[Problem]:
    for name, value in values.items():
        if value is not None and name in judge.rows:
            found = _tried(partial(parsed, (judge.rows[name],), values), (name,), value, judge.rows[name].codec)
            yield from _masked(found, value) if judge.rows[name].secret else found


def _masked(found: Iterable[Problem], value: Json) -> Iterator[Problem]:
    """The same of a secret value, which is told to nobody."""
    for place, message in found:
        yield place, message.replace(str(value), HIDDEN)


def _tried(work: Callable[[], object], place: Place, value: Json, codec: Codec) -> Iterator[Problem]:
    """What a codec says about the value at a place."""
    # A property string would take a list for the text that Python makes of it.
    if isinstance(value, list) and isinstance(getattr(codec.same, "__self__", None), Properties):
        yield place, "has to be a mapping, or text as Proxmox VE writes it, not a list."
        return
    try:
        work()
    except ConfigError as error:
        yield _located(str(error), place, value)
    except (TypeError, ValueError, AttributeError, KeyError):
        yield place, f"can't be {shown(value)}."


PREFIX = re.compile(r"^Option '[^']*': (?:(?P<key>[a-z_]+\d*): )?(?P<rest>.*)$", re.DOTALL)
UNKNOWN = re.compile(r"^unknown property '(?P<name>[^']*)'; known are (?P<known>.*)$", re.DOTALL)
INSIDE = re.compile(r"^(?P<name>[\w-]+): (?P<rest>.*)$", re.DOTALL)


def _located(message: str, place: Place, value: Json) -> Problem:
    """A codec's words with the place they are about, as exactly as they tell."""
    found = PREFIX.match(message)
    rest = found["rest"] if found else message
    if found and found["key"] and found["key"] != place[-1]:
        rest = f"{found['key']}: {rest}"
    inside = value if isinstance(value, Mapping) else {}
    if unknown := UNKNOWN.match(rest):
        return _unknown_property(unknown["name"], unknown["known"].split(", "), place, inside)
    named = INSIDE.match(rest)
    name = _same_name(named["name"], inside) if named else None
    return ((*place, name), _sentence(named["rest"])) if named and name else (place, _sentence(rest))


def _same_name(name: str, inside: Mapping[str, Json]) -> str | None:
    """The key as it was written: a dash may be an underscore."""
    return next((str(key) for key in inside if str(key).replace("_", "-") == name.replace("_", "-")), None)


def _unknown_property(name: str, known: Iterable[str], place: Place, inside: Mapping[str, Json]) -> Problem:
    if name in inside:
        return (*place, name), f"is no option here. {meant(name, known)}"
    return place, f"'{name}' is no option here. {meant(name, known)}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def _nothing(_values: Values) -> Iterator[Problem]:
    return iter(())


def _of_guest(kind: GuestKind, volumes: tuple[str, ...]) -> Callable[[Values], Iterator[Problem]]:
    """What is in a guest's numbered options and its volumes, one member at a time."""

    def checked(values: Values) -> Iterator[Problem]:
        vmid = values.get("vmid")
        if vmid is not None and not LOWEST_VMID <= vmid <= HIGHEST_VMID:
            yield ("vmid",), f"{vmid} is no vmid; vmids go from {LOWEST_VMID} to {HIGHEST_VMID}."
        for family in kind.config.families:
            for key, item in (values.get(family.option) or {}).items():
                one = {family.option: {key: item}}
                yield from _tried(partial(kind.config.wanted, one), (family.option, key), item, family.codec)
        for option in volumes:
            for place, alone, item in _volumes(option, values.get(option)):
                yield from _tried(partial(kind.volumes.wanted, alone), place, item, kind.volumes.codec)

    return checked


def _volumes(option: str, given: Json) -> Iterator[tuple[Place, Values, Json]]:
    """Each volume of an option by itself: its place, the option with nothing else, and the volume."""
    if option == "rootfs":
        yield (option,), {option: given}, given
        return
    for key, item in (given or {}).items():
        yield (option, key), {option: {key: item}}, item


CHECKS: Mapping[str, Callable[[Values], Iterator[Problem]]] = {
    "vms": _of_guest(QEMU, ("disks",)),
    "containers": _of_guest(LXC, ("rootfs", "mp")),
}
"""Kind -> what else there is to parse."""


def _storage(values: Values) -> None:
    if values.get("type"):
        storage_types.check(str(values["type"]), parsed(STORAGE_FIELDS, values))


RULES: Mapping[str, Callable[[Values], None]] = {
    "vms": guest_ha.check,
    "containers": guest_ha.check,
    "storage": _storage,
    "backups": lambda values: vzdump.check_selection(values, "a backup job"),
}
"""Kind -> what has to hold between options. Raises ConfigError."""


def _rules(kind: str, values: Values) -> Iterator[Problem]:
    rule = RULES.get(kind)
    if rule is None:
        return
    try:
        rule(values)
    except ConfigError as error:
        option = re.match(r"Options? '(\w+)'", str(error))
        place = (option[1],) if option and values.get(option[1]) is not None else ()
        yield place, str(error)
