# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a firewall configuration has, as the other modules of the firewall would declare it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Reader, Values, decoded, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources import (
    firewall_alias,
    firewall_group,
    firewall_ipset,
    firewall_options,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_level import (
    LEVELS,
    Place,
    level_options,
    level_rules,
    place,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_rules import present

REF = ("type", "name", "ref", "scope", "comment")


def _options(read: Reader, where: Place, level: str) -> Json:
    return decoded(firewall_options.fields(level), read.get(f"{where.path}/options") or {})


def _rules(read: Reader, where: Place, _level: str) -> Json:
    return present(read.get(where.rules) or ())


def _aliases(read: Reader, where: Place, _level: str) -> Json:
    rows = read.get(f"{where.path}/aliases") or ()
    return _by("name", (firewall_alias.SECTION.shown(row)["alias"] for row in rows))


def _ipsets(read: Reader, where: Place, _level: str) -> Json:
    rows = [
        (row, read.get(where.path + url("/ipset/{}", row["name"]))) for row in read.get(f"{where.path}/ipset") or ()
    ]
    found = (firewall_ipset.Found(where, row, tuple(members or ())) for row, members in rows)
    return _by("name", (firewall_ipset.shown(item)["ipset"] for item in found))


def _groups(read: Reader, where: Place, _level: str) -> Json:
    rows = [(row, read.get(url(firewall_group.ITEM, row["group"]))) for row in read.get(f"{where.path}/groups") or ()]
    return _by("group", (firewall_group.as_options(row, rules or ()) for row, rules in rows))


def _refs(read: Reader, where: Place, _level: str) -> Json:
    rows = read.get(f"{where.path}/refs") or ()
    return _by("ref", ({name: row[name] for name in REF if name in row} for row in rows))


def _by(name: str, rows: Iterable[dict[str, Json]]) -> list[dict[str, Json]]:
    return sorted(rows, key=lambda row: str(row[name]))


PARTS: Mapping[str, tuple[tuple[str, ...], Callable[[Reader, Place, str], Json]]] = {
    "options": (firewall_options.LEVELS, _options),
    "rules": (tuple(LEVELS), _rules),
    "aliases": (firewall_alias.LEVELS, _aliases),
    "ipsets": (firewall_ipset.LEVELS, _ipsets),
    "groups": (("cluster",), _groups),
    "refs": (("cluster", "guest"), _refs),
}
"""By part: the levels that have it, and what reads it."""

INFO_OPTIONS: Options = {
    **level_options(list(LEVELS)),
    "gather": {"type": "list", "elements": "str", "choices": list(PARTS)},
}
RULES = level_rules(list(LEVELS))


def parts(wish: Values) -> list[str]:
    """What is asked for, without a wish all that the level has. Raises ConfigError for what it hasn't."""
    level = wish["level"]
    known = [name for name, (levels, _reading) in PARTS.items() if level in levels]
    for name in wish.get("gather") or ():
        if name not in known:
            raise ConfigError(f"Option 'gather': level {level} has no {name}; it has {', '.join(known)}.")
    return [name for name in known if name in (wish.get("gather") or known)]


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module firewall_info: the parts, by name."""
    wanted = parts(wish)
    where = place(read, wish)
    return {"changed": False, **{name: PARTS[name][1](read, where, wish["level"]) for name in wanted}}
