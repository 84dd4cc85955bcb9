# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IP sets of the firewall with their members (API schema: ``/cluster/firewall/ipset``, and below guests).

Proxmox VE's ``rename`` serves to change a set's comment; a new name is a new set, as a declaration names what is to be
there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_interface

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json, truth
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Plan, Reader, Step, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_level import (
    NAME,
    NOTE,
    Place,
    address,
    check_name,
    level_options,
    level_paths,
    level_rules,
    once,
    place,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_names import SCOPES, Name, refuse_used
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

LEVELS = ("cluster", "guest")

ALIAS = re.compile(rf"(?:dc/|guest/)?{NAME.pattern}")
"""A member that is an alias, with its scope or without (API schema: format IPorCIDRorAlias)."""

SECTION = Section(
    kind="ipset",
    keys=("name",),
    collection="",
    item="",
    missing=r"no such IPSet",
    fields=(Field("comment", NOTE),),
    key_params={"name": "name"},
    options={
        **level_options(LEVELS),
        "members": {
            "type": "list",
            "elements": "dict",
            "options": {
                "cidr": {"type": "str", "required": True},
                "nomatch": {"type": "bool"},
                "comment": {"type": "str"},
            },
        },
    },
    result=lambda have: {"name": have["name"]},
)


@dataclass(frozen=True)
class Found:
    """Where the set is wished, what the list says of it, and its members."""

    place: Place
    row: Json
    members: Sequence[Values] = field(default_factory=tuple)


def describe(read: Reader, wish: Values) -> Found:
    """The list has comment and digest of a set, the set its members. Raises RefusedError for one to go that is used."""
    check_name("name", wish["name"], 64)
    where = place(read, wish)
    row = next((row for row in read.get(f"{where.path}/ipset") or [] if row["name"] == wish["name"]), None)
    if row and wish["state"] == "absent":
        refuse_used(read, Name("ipset", str(wish["name"]), SCOPES[wish["level"]]), where)
    members = read.get(f"{where.path}{url('/ipset/{}', wish['name'])}") if row else ()
    return Found(where, row, tuple(members or ()))


def plan(wish: Values, have: Found) -> Plan:
    """The set, then its members. New members come first and surplus ones go last, so that none is missing meanwhile."""
    members = None if wish.get("members") is None else wished(wish["members"])
    path = f"{have.place.path}/ipset"
    item = path + url("/{}", wish["name"])
    made = replace(SECTION, collection=path, item=path + "/{}").plan(wish, have.row)
    if wish["state"] == "absent":
        return replace(made, steps=tuple(_forced(step) for step in made.steps)) if have.members else made
    steps = tuple(_commented(step, path, wish) if step.verb == "PUT" else step for step in made.steps)
    there = {str(row["cidr"]): _member(row) for row in have.members}
    if members is None:
        return replace(made, steps=steps)
    found = (*steps, *member_steps(item, str(wish["name"]), members, there, have.members))
    then = {cidr: {**there.get(cidr, {}), **given} for cidr, given in members.items()}
    if len(found) == len(steps):
        return replace(made, steps=steps)
    return replace(
        made,
        steps=found,
        reason="",
        before={**made.before, **({"members": _listed(there)} if have.row else {})},
        after={**made.after, "members": _listed(then)},
    )


def wished(members: Sequence[Values]) -> dict[str, dict[str, Json]]:
    """The members by address in Proxmox VE's form. Raises ConfigError."""
    try:
        pairs = [(_cidr(row["cidr"]), _given(row)) for row in members]
    except ValueError as error:
        raise ConfigError(f"Option 'members': {error}") from error
    once("members", [cidr for cidr, _member in pairs])
    return dict(pairs)


def member_steps(
    item: str,
    name: str,
    wish: Mapping[str, Values],
    there: Mapping[str, Values],
    rows: Sequence[Values],
) -> tuple[Step, ...]:
    """What makes the members of a set those that are wished. The digest is that of all of them: it fits one change."""
    added = [
        Step("POST", item, _wire(cidr, values), f"add {cidr} to ipset {name}")
        for cidr, values in wish.items()
        if cidr not in there
    ]
    # A change has to say all: what it leaves out is removed (PVE::API2::Firewall::IPSet, update_ip).
    changed = [
        Step("PUT", item + url("/{}", cidr), _wire("", {**there[cidr], **values}), f"change {cidr} of ipset {name}")
        for cidr, values in wish.items()
        if cidr in there and {**there[cidr], **values} != there[cidr]
    ]
    gone = [
        Step("DELETE", item + url("/{}", cidr), {}, f"remove {cidr} from ipset {name}")
        for cidr in there
        if cidr not in wish
    ]
    steps = (*added, *changed, *gone)
    if not steps or steps[0].verb == "POST":
        return steps
    first, *others = steps
    return (replace(first, params={**first.params, **_digest(rows)}), *others)


def shown(have: Found) -> dict[str, Json]:
    """The module's return value: the set with its members."""
    if have.row is None:
        return {}
    members = {str(row["cidr"]): _member(row) for row in have.members}
    return {"ipset": {**SECTION.shown(have.row)["ipset"], "members": _listed(members)}}


def _cidr(value: object) -> str:
    """A member as Proxmox VE keeps it: host bits are dropped, and a prefix of nothing (PVE::Firewall, clean_cidr)."""
    text = str(value).strip()
    if ALIAS.fullmatch(text):
        return text
    try:
        found = ip_interface(address(text))
    except ValueError as error:
        raise ConfigError(f"Option 'members': {error}, nor an alias") from error
    if not found.network.prefixlen:
        raise ConfigError(
            f"Option 'members': '{text}' is everything; Proxmox VE takes no /0 in an IP set. Take two /1."
        )
    return address(found.network)


def _given(row: Values) -> dict[str, Json]:
    given = {name: value for name, value in row.items() if name != "cidr" and value is not None}
    return {**given, "comment": NOTE.parse(given["comment"])} if "comment" in given else given


def _member(row: Values) -> dict[str, Json]:
    return {"nomatch": truth(row.get("nomatch") or 0), "comment": NOTE.decode(row.get("comment") or "")}


def _wire(cidr: str, values: Values) -> dict[str, Json]:
    named = {"cidr": cidr} if cidr else {}
    nomatch = {"nomatch": 1} if values.get("nomatch") else {}
    return {**named, **nomatch, **({"comment": values["comment"]} if values.get("comment") else {})}


def _listed(members: Mapping[str, Values]) -> list[dict[str, Json]]:
    whole = {cidr: {"nomatch": False, "comment": "", **values} for cidr, values in members.items()}
    return [{"cidr": cidr, **whole[cidr]} for cidr in sorted(whole)]


def _digest(rows: Sequence[Values]) -> dict[str, Json]:
    return {"digest": rows[0]["digest"]} if rows and rows[0].get("digest") else {}


def _forced(step: Step) -> Step:
    """A set with members is removed with them."""
    return replace(step, params={"force": 1})


def _commented(step: Step, path: str, wish: Values) -> Step:
    """A set's comment is changed by renaming it to the name it has; an empty one removes it."""
    params = {"name": wish["name"], "rename": wish["name"], "comment": step.params.get("comment", "")}
    digest = {"digest": step.params["digest"]} if "digest" in step.params else {}
    return replace(step, verb="POST", path=path, params={**params, **digest})


IPSET = replace(
    SECTION.resource(),
    describe=describe,
    plan=plan,
    result=shown,
    rules=level_rules(LEVELS),
    writes=tuple(
        f"{verb} {path}/ipset{item}"
        for path in level_paths(LEVELS)
        for verb, item in (("POST", ""), ("DELETE", "/{}"), ("POST", "/{}"), ("PUT", "/{}/{}"), ("DELETE", "/{}/{}"))
    ),
)
