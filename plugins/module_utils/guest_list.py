# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of guests in one task: what they share, which of them is meant, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Resource, Values, without
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    FindingsError,
    HomelabPveError,
    StepFailedError,
)
from ansible_collections.homelab.pve.plugins.module_utils.many import Verdict, carry_out_all, look_at_all
from ansible_collections.homelab.pve.plugins.module_utils.module import TASK_TIMEOUT, Work, details, result

IDENTITY = ("name", "hostname", "vmid")
"""Options that say which guest is meant: they can't be shared."""


def list_options(resource: Resource) -> Options:
    """The options of a module for a list of guests.

    The guests' options have no defaults there: those would hide what is shared.
    """
    plain = {name: _without_default(spec) for name, spec in resource.argument_spec().items()}
    return {
        "guests": {"type": "list", "elements": "dict", "required": True, "options": plain, **resource.rules},
        "defaults": {"type": "dict", "options": without(plain, *IDENTITY)},
        "max_parallel": {"type": "int", "default": 8},
    }


def _without_default(spec: Values) -> dict[str, Json]:
    return {key: value for key, value in spec.items() if key != "default"}


def converge(resource: Resource) -> Work:
    """The work of a module that declares a list of guests."""

    def work(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
        if params["max_parallel"] < 1:
            raise ConfigError(f"Option 'max_parallel': {params['max_parallel']} is too few. Give 1 or more.")
        defaults = {name: spec["default"] for name, spec in resource.argument_spec().items() if "default" in spec}
        wishes = [merged(defaults, params.get("defaults") or {}, entry) for entry in params["guests"]]
        refuse_twice(wishes)
        seen = look_at_all(resource, wishes, client, params["max_parallel"])
        _refuse_unclear(resource, wishes, seen)
        planned = list(zip(wishes, seen, strict=True))
        if not dry_run:
            seen = carry_out_all(resource, planned, client, params["max_parallel"], timeout=TASK_TIMEOUT)
        return _judged(resource, wishes, seen)

    return work


def merged(defaults: Values, shared: Values, entry: Values) -> dict[str, Json]:
    """The wish for one guest: its own options over those all share, over the module's defaults."""
    own = _given(entry)
    under = {name: value for name, value in _given(shared).items() if not (name == "vmid_range" and "vmid" in own)}
    return {**defaults, **combined(under, own)}


def _given(options: Values) -> dict[str, Json]:
    return {name: value for name, value in options.items() if value is not None}


def combined(under: Values, over: Values) -> dict[str, Json]:
    """Two dictionaries put together key by key; other values of ``over`` replace those of ``under``."""
    both = {
        key: combined(under[key], over[key])
        for key in under.keys() & over.keys()
        if isinstance(under[key], Mapping) and isinstance(over[key], Mapping)
    }
    return {**under, **over, **both}


def refuse_twice(wishes: Sequence[Values]) -> None:
    """Raise ConfigError when two entries mean the same guest, as far as can be told without asking."""
    first: dict[tuple[Json, ...], int] = {}
    for index, wish in enumerate(wishes):
        for key in ((wish.get("vmid"),), _searched(wish)):
            earlier = first.setdefault(key, index)
            problem = _clash(wishes[earlier], wish) if earlier != index else None
            if problem:
                raise ConfigError(f"Option 'guests': {label(wishes, earlier)} and {label(wishes, index)} {problem}")


def _clash(one: Values, other: Values) -> str | None:
    """Why two entries are the same guest, None when they are not."""
    vmids = one.get("vmid"), other.get("vmid")
    if vmids[0] and vmids[0] == vmids[1]:
        return f"have the same vmid {vmids[0]}. List each guest once."
    if all(vmids) or _searched(one) != _searched(other):
        return None
    return "have the same name. List each guest once, or give each its vmid, or another pool or vmid_range."


def _searched(wish: Values) -> tuple[Json, ...]:
    """What a guest is searched by when it isn't by its vmid."""
    return _name(wish), wish.get("pool"), tuple(wish.get("vmid_range") or ())


def _name(wish: Values) -> str | None:
    return wish.get("name") or wish.get("hostname")


def label(wishes: Sequence[Values], index: int) -> str:
    """An entry for messages: ``guests[3] (web)``."""
    return f"guests[{index}] ({_name(wishes[index]) or wishes[index].get('vmid')})"


def _refuse_unclear(resource: Resource, wishes: Sequence[Values], seen: Sequence[Verdict]) -> None:
    """Raise before the first write when an entry can't be right, or two turn out to be one guest."""
    if any(isinstance(verdict, ConfigError) for verdict in seen):
        raise FindingsError("Nothing was changed. " + _message(wishes, seen), _result(resource, wishes, seen))
    first: dict[Json, int] = {}
    for index, verdict in enumerate(seen):
        vmid = resource.result(verdict.state).get("vmid") if isinstance(verdict, Outcome) else None
        if vmid is not None and first.setdefault(vmid, index) != index:
            raise ConfigError(
                f"Option 'guests': {label(wishes, first[vmid])} and {label(wishes, index)} are the same guest, "
                f"vmid {vmid}. List each guest once."
            )


def _judged(resource: Resource, wishes: Sequence[Values], verdicts: Sequence[Verdict]) -> dict[str, Json]:
    """The module's result. Raises FindingsError with it when a guest could not be brought to its wish."""
    found = _result(resource, wishes, verdicts)
    if any(isinstance(verdict, HomelabPveError) for verdict in verdicts):
        raise FindingsError(_message(wishes, verdicts), found)
    return found


def _message(wishes: Sequence[Values], verdicts: Sequence[Verdict]) -> str:
    """Each guest that failed by name, those that failed alike together."""
    labels: dict[str, list[str]] = {}
    for index, verdict in enumerate(verdicts):
        if isinstance(verdict, HomelabPveError):
            labels.setdefault(str(verdict), []).append(label(wishes, index))
    count = sum(map(len, labels.values()))
    lines = "".join(f"\n- {', '.join(names)}: {text}" for text, names in labels.items())
    return f"{count} of {len(wishes)} guests could not be brought to their wish:{lines}"


def _result(resource: Resource, wishes: Sequence[Values], verdicts: Sequence[Verdict]) -> dict[str, Json]:
    guests = [_shown(resource, wish, verdict) for wish, verdict in zip(wishes, verdicts, strict=True)]
    names = [label(wishes, index) for index in range(len(wishes))]
    differing = [(name, guest["diff"]) for name, guest in zip(names, guests, strict=True) if guest["changed"]]
    return {
        "changed": any(guest["changed"] for guest in guests),
        "diff": {side: {name: diff[side] for name, diff in differing} for side in ("before", "after")},
        "plan": [step for guest in guests if guest["changed"] for step in guest["plan"]] or ["nothing to do"],
        "warnings": [
            f"{name}: {text}" for name, guest in zip(names, guests, strict=True) for text in guest.pop("warnings")
        ],
        "guests": guests,
    }


def _shown(resource: Resource, wish: Values, verdict: Verdict) -> dict[str, Json]:
    """What is returned about one guest."""
    known = {key: wish[key] for key in IDENTITY if wish.get(key)}
    if isinstance(verdict, Outcome):
        return {**known, **result(resource, verdict)}
    done = list(verdict.done) if isinstance(verdict, StepFailedError) else []
    trouble = {"msg": str(verdict), "error": details(verdict)}
    return {
        **known,
        "changed": bool(done),
        "plan": done,
        "diff": {"before": {}, "after": {}},
        "warnings": [],
        **trouble,
    }
