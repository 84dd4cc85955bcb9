# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest as a resource of the HA manager: ``/cluster/ha/resources``. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, INTEGER, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Options,
    Reader,
    Step,
    Values,
    decoded,
    diff,
    encoded,
    parsed,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError

RESOURCES = "/cluster/ha/resources"
WRITES = (f"POST {RESOURCES}", f"PUT {RESOURCES}/{{}}", f"DELETE {RESOURCES}/{{}}")
MISSING = re.compile(r"no such resource")

FIELDS = (
    Field("state"),
    Field("max_restart", INTEGER, default=1),
    Field("max_relocate", INTEGER, default=1),
    Field("failback", BOOLEAN, default=True),
    Field("group"),
    Field("comment"),
)

OPTIONS: Options = {
    "ha": {
        "type": "dict",
        "options": {
            "state": {"type": "str", "choices": ["started", "stopped", "disabled", "ignored", "absent"]},
            "max_restart": {"type": "int"},
            "max_relocate": {"type": "int"},
            "failback": {"type": "bool"},
            "group": {"type": "str"},
            "comment": {"type": "str"},
        },
    }
}

RUNS, RESTS = frozenset({"started", "restarted", "reset", "paused"}), frozenset({"stopped", "suspended", "template"})
"""Wished states of a guest that runs then, and of one that doesn't."""

ADVICE: Values = {
    r"ha groups have been migrated": "Proxmox VE 9 has HA rules instead of groups: leave out group.",
    r"group '[^']*' does not exist|no such group": "Make the HA group first, or leave out group.",
}


@dataclass(frozen=True)
class Binding:
    """What has to be done about a guest's HA resource, and the two sides of the diff."""

    steps: tuple[Step, ...] = ()
    before: Values = field(default_factory=dict)
    after: Values = field(default_factory=dict)


def read_ha(read: Reader, wish: Values, sid: str) -> Values | None:
    """The HA resource of a guest, None when there is none, or when the user does not care."""
    if wish.get("ha") is None:
        return None
    try:
        found: Values = read.get(url(f"{RESOURCES}/{{}}", sid))
    except PveError as error:
        if MISSING.search(error.message):
            return None
        raise
    return found


def shown(have: Values | None) -> dict[str, Json]:
    """As the module returns it."""
    return decoded(FIELDS, have or {})


def check(wish: Values) -> None:
    """Raise ConfigError when the HA manager would undo what the state of the guest is wished to be."""
    wanted = (wish.get("ha") or {}).get("state")
    stops = wish["state"] in RUNS and wanted in {"stopped", "disabled"}
    if stops or (wish["state"] in RESTS and wanted == "started"):
        raise ConfigError(
            f"Option 'ha': the state {wanted} contradicts the state {wish['state']} of the guest: the HA manager would "
            "undo it. Leave one of the two out."
        )


def bind(wish: Values, have: Values | None, sid: Json, label: str, *, runs: bool) -> Binding:
    """Make, change or remove the HA resource ``sid`` (for a new guest a ``Bound`` vmid). ``runs``: whether it will."""
    wanted = wish.get("ha")
    if wanted is None:
        return Binding()
    check(wish)
    if wanted.get("state") == "absent":
        return _removal(have, sid, label)
    return _creation(wanted, sid, label, runs=runs) if have is None else _change(wanted, have, sid, label)


def _removal(have: Values | None, sid: Json, label: str) -> Binding:
    if have is None:
        return Binding()
    step = Step("DELETE", url(f"{RESOURCES}/{{}}", sid), {}, f"take {label} out of HA")
    return Binding((step,), before={"ha": shown(have)})


def _creation(wanted: Mapping[str, Json], sid: Json, label: str, *, runs: bool) -> Binding:
    """Unless told, the manager is to keep the guest as it is: PVE's own default would start it."""
    values = {"state": "started" if runs else "stopped", **parsed(FIELDS, wanted)}
    params = {item.key: item.codec.encode(values[item.name]) for item in FIELDS if values.get(item.name) is not None}
    step = Step("POST", RESOURCES, {"sid": sid, **params}, f"put {label} under HA", advice=ADVICE)
    return Binding((step,), after={"ha": values})


def _change(wanted: Mapping[str, Json], have: Values, sid: Json, label: str) -> Binding:
    current = shown(have)
    changes = diff(FIELDS, parsed(FIELDS, wanted), current)
    if not changes:
        return Binding()
    names = ", ".join(sorted(change.key for change in changes))
    params = {**encoded(changes), "digest": have.get("digest")}
    step = Step(
        "PUT", url(f"{RESOURCES}/{{}}", sid), params, f"set {names} of the HA resource of {label}", advice=ADVICE
    )
    after = {**current, **{change.key: change.after for change in changes}}
    return Binding((step,), {"ha": current}, {"ha": {key: value for key, value in after.items() if value is not None}})
