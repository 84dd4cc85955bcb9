# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a plan from being carried out: nothing is written before all of it is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.state.actions import DELETE, NONE, Action
from ansible_collections.homelab.pve.plugins.module_utils.state.planning import Planned

NAMED = 10
"""How many things a refusal names."""

COMPARED = ("action", "plan", "before", "after")
"""What of an action is held against the same action of a plan that was saved."""


@dataclass(frozen=True)
class Refusal:
    """Why the plan isn't carried out, and the option that would allow it."""

    option: str
    text: str


def refusals(planned: Planned, params: Values) -> list[Refusal]:
    """What keeps a plan from being carried out."""
    return [*_removals(planned, params), *_restarts(planned, params), *_shares(planned, params)]


def _removals(planned: Planned, params: Values) -> Iterator[Refusal]:
    doomed = [action for action in planned.actions if action.verb == DELETE]
    if doomed and not params["allow_delete"]:
        yield Refusal("allow_delete", f"It would delete {_listed(doomed)}. Set allow_delete if you mean it.")


def _restarts(planned: Planned, params: Values) -> Iterator[Refusal]:
    renewed = [action for action in planned.actions if action.restarts]
    if renewed and not params["allow_restart"]:
        yield Refusal("allow_restart", f"It would restart {_listed(renewed)}. Set allow_restart if you mean it.")


def _shares(planned: Planned, params: Values) -> Iterator[Refusal]:
    percent = params["max_delete_percent"]
    doomed = Counter(action.kind.name for action in planned.actions if action.verb == DELETE)
    for kind, count in doomed.items():
        there = planned.present.get(kind, count)
        allowed = max(1, there * percent // 100)
        if count > allowed and percent < WHOLE:
            yield Refusal(
                "max_delete_percent",
                f"It would delete {count} of {there} {kind}, which is more than {percent} percent of them. Set "
                "max_delete_percent to as much as you mean to lose.",
            )


WHOLE = 100


def _listed(actions: Sequence[Action]) -> str:
    names = [f"{action.kind.name} {action.identity}" for action in actions[:NAMED]]
    more = len(actions) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def moved(expected: Mapping[str, Json], found: Mapping[str, Json]) -> str | None:
    """What has moved since a plan was saved: the document, or the server and where. None where nothing has."""
    if expected.get("desired_hash") not in (None, found["desired_hash"]):
        return "The documents say something else than when the plan was made. Make a new plan."
    if expected.get("current_hash") in (None, found["current_hash"]):
        return None
    lines = list(_differences(expected.get("actions") or (), found["actions"]))
    more = len(lines) - NAMED
    told = "".join(f"\n  {line}" for line in [*lines[:NAMED], *([f"and {more} more"] if more > 0 else [])])
    return f"The server has moved since the plan was made. Make a new plan.{told}"


def _differences(saved: Sequence[Values], now: Sequence[Values]) -> Iterator[str]:
    """In words, what is planned now that was not, and the other way round; saved plans may leave out the no-ops."""
    old, new = ({(row["kind"], str(row["id"])): row for row in rows} for rows in (saved, now))
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if (before is None and after and after["action"] == NONE) or _same(before, after):
            continue
        yield f"{' '.join(key)}: it was '{_words(before)}', it is '{_words(after)}'"


def _same(one: Values | None, other: Values | None) -> bool:
    return bool(one and other) and all((one or {}).get(name) == (other or {}).get(name) for name in COMPARED)


def _words(row: Values | None) -> str:
    if row is None:
        return NONE
    sides = [f"{name} {row[name]}" for name in ("before", "after") if row.get(name)]
    return "; ".join([", ".join(map(str, row.get("plan") or [row["action"]])), *sides])
