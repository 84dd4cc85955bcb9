# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Aliases of the firewall (API schema: ``/cluster/firewall/aliases``, and below guests).

``rename`` is left out: a declaration names what is to be there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import TEXT, Codec, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Plan, Reader, Values, decoded
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_level import (
    NOTE,
    Place,
    address,
    check_name,
    level_options,
    level_paths,
    level_rules,
    place,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_names import SCOPES, Name, refuse_used
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

LEVELS = ("cluster", "guest")

CIDR = Codec(address, address, TEXT.encode)

SECTION = Section(
    kind="alias",
    keys=("name",),
    collection="",
    item="",
    missing=r"no such alias",
    fields=(Field("cidr", CIDR), Field("comment", NOTE)),
    key_params={"name": "name"},
    required=("cidr",),
    options=level_options(LEVELS),
    result=lambda have: {"name": have["name"]},
)


@dataclass(frozen=True)
class Found:
    """Where the alias is wished, and what the list says of it."""

    place: Place
    row: Json


def describe(read: Reader, wish: Values) -> Found:
    """From the list: only that has the digest. Upper and lower case are the same (PVE::API2::Firewall::Aliases).

    Raises RefusedError for one that is to go but is used.
    """
    check_name("name", wish["name"], 64)
    where = place(read, wish)
    rows = read.get(f"{where.path}/aliases") or []
    name = str(wish["name"]).lower()
    found = next((row for row in rows if str(row["name"]).lower() == name), None)
    if found and wish["state"] == "absent":
        refuse_used(read, Name("alias", str(wish["name"]), SCOPES[wish["level"]]), where)
    return Found(where, found)


def plan(wish: Values, have: Found) -> Plan:
    """As any section; but a change has to say all: what it leaves out is removed, and the name is spelt as told."""
    path = f"{have.place.path}/aliases"
    spelt = {**wish, "name": have.row["name"]} if have.row else wish
    made = replace(SECTION, collection=path, item=path + "/{}").plan(spelt, have.row)
    if have.row is None or not made.changes:
        return made
    return replace(made, steps=tuple(replace(step, params=_whole(made, have.row)) for step in made.steps))


def _whole(made: Plan, row: Values) -> dict[str, Json]:
    values = {**decoded(SECTION.fields, row), **{change.key: change.after for change in made.changes}}
    return {**{name: value for name, value in values.items() if value is not None}, "digest": row["digest"]}


ALIAS = replace(
    SECTION.resource(),
    describe=describe,
    plan=plan,
    result=lambda have: SECTION.shown(have.row),
    rules=level_rules(LEVELS),
    writes=tuple(
        write
        for path in level_paths(LEVELS)
        for write in (f"POST {path}/aliases", f"PUT {path}/aliases/{{}}", f"DELETE {path}/aliases/{{}}")
    ),
)
