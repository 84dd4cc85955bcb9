# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of firewall rules: from what is there to what is wished, in few steps. Pure.

Proxmox VE knows a rule by its position only, and a new one always comes first (POST takes no notice of ``pos``). Here
a rule is known by what it matches, or by its comment.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import TEXT, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Step,
    Values,
    decoded,
    diff,
    encoded,
    parsed,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_level import NOTE
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_options import ENABLE, LOG_LEVELS
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_syntax import faults

MATCH = ("type", "action", "macro", "iface", "source", "dest", "proto", "sport", "dport", "icmp_type")
"""What makes two rules the same one when they are known by their content."""


def _same_word(one: Json, other: Json) -> bool:
    return str(one or "").casefold() == str(other or "").casefold()


FIELDS: tuple[Field, ...] = (
    Field("type", spec={"choices": ["in", "out", "forward", "group"], "required": True}),
    Field("action", spec={"required": True}),
    # Proxmox VE switches a rule off that doesn't say; who declares one wants it.
    Field("enable", ENABLE, spec={"default": True}),
    # Proxmox VE puts a macro's name into its own upper and lower case.
    Field("macro", replace(TEXT, same=_same_word)),
    Field("iface"),
    Field("source"),
    Field("dest"),
    Field("proto"),
    Field("sport"),
    Field("dport"),
    Field("icmp_type", wire="icmp-type"),
    Field("log", default="nolog", spec={"choices": list(LOG_LEVELS)}),
    Field("comment", NOTE),
)

KEY_OPTION: Mapping[str, Json] = {
    "type": "str",
    "choices": ["content", "comment"],
    "default": "content",
    "no_log": False,
}
RULES_OPTION: Mapping[str, Json] = {
    "type": "list",
    "elements": "dict",
    "options": {item.name: item.argument() for item in FIELDS},
}
UNLOGGED = ("log", "nolog")


@dataclass(frozen=True)
class Planned:
    """The steps, and the rules there will be."""

    steps: tuple[Step, ...]
    rules: tuple[Values, ...]


def present(rows: Iterable[Values]) -> list[dict[str, Json]]:
    """The rules that PVE answered, by option in canonical form."""
    return [_normal(decoded(FIELDS, row)) for row in sorted(rows, key=lambda row: int(row["pos"]))]


def wished(rules: Sequence[Values], level: str, key: str) -> list[dict[str, Json]]:
    """The rules that the user wrote. Raises ConfigError for one that can't be, or can't be told from another."""
    found = [_written(index, rule, level) for index, rule in enumerate(rules)]
    known: dict[tuple[Json, ...], int] = {}
    for index, rule in enumerate(found):
        identity = _identity(rule, key)
        if identity == (None,):
            raise ConfigError(f"rules[{index}] has no comment, and rules are known by their comment (option 'key')")
        if identity in known:
            raise ConfigError(f"rules[{known[identity]}] and rules[{index}] have the same {key}: {_told(rule, key)}")
        known[identity] = index
    return found


def _written(index: int, rule: Values, level: str) -> dict[str, Json]:
    try:
        found = _normal(parsed(FIELDS, rule))
    except ConfigError as error:
        raise ConfigError(f"rules[{index}]: {error}") from error
    for fault in faults(found, level):
        raise ConfigError(f"rules[{index}]: {fault}")
    return found


def _normal(rule: Values) -> dict[str, Json]:
    """Without what is empty or Proxmox VE's default; a rule that doesn't say is off."""
    values = {name: value for name, value in rule.items() if value not in (None, "") and (name, value) != UNLOGGED}
    return {**values, "enable": bool(values.get("enable", False))}


def _told(rule: Values, key: str) -> str:
    return str(rule["comment"]) if key == "comment" else label(rule)


def label(rule: Values) -> str:
    """A rule in a sentence."""
    return " ".join(str(rule[name]) for name in MATCH if name in rule)


def _identity(rule: Values, key: str) -> tuple[Json, ...]:
    if key == "comment":
        return (rule.get("comment"),)
    return tuple(str(rule.get(name, "")).casefold() if name == "macro" else rule.get(name) for name in MATCH)


def planned(path: str, rows: Sequence[Values], wish: Sequence[Values], *, key: str, merge: bool = False) -> Planned:
    """What leads from PVE's ``rows`` to the ``wish``: changes, new rules, moves, and removals at last.

    So a rule that is there before and after is there all the time. Of several that are the same one the first is kept.
    ``merge`` keeps the other rules; a new rule then comes right after the one it follows in the wish, the first ones
    to the top. Otherwise a surplus rule is made a new one, as long as there are both: one write instead of a removal,
    an addition and a move.
    """
    have = present(rows)
    wanted = [_identity(rule, key) for rule in wish]
    places = _matched(have, wanted, key)
    places = places if merge else _reused(len(have), places)
    # A rule goes by a number: its place in what is there, and beyond that its place in the wish.
    numbers = [len(have) + index if place is None else place for index, place in enumerate(places)]
    now: dict[int, Values] = dict(enumerate(have))
    others = {place: rule for place, rule in now.items() if merge and _identity(rule, key) not in wanted}
    then = {**others, **dict(zip(numbers, wish, strict=True))}
    goal = [number for number in _merged(len(have), numbers) if number in then] if merge else numbers
    made = [step for number in goal if number in now for step in _change(path, number, now[number], then[number])]
    new = [number for number in goal if number not in now]
    made += [Step("POST", path, _params(then[number]), f"add rule {label(then[number])}") for number in reversed(new)]
    current = [*new, *range(len(have))]
    made += _moves(path, current, goal, then)
    surplus = [place for place, number in enumerate(current) if number not in then]
    made += [_removal(path, place, now[current[place]]) for place in reversed(surplus)]
    return Planned(_locked(made, rows), tuple(then[number] for number in goal))


def _matched(have: Sequence[Values], wanted: Iterable[tuple[Json, ...]], key: str) -> list[int | None]:
    """For each rule of the wish, the place of the first one that is the same; the wish has none twice."""
    known: dict[tuple[Json, ...], int] = {}
    for place, rule in enumerate(have):
        known.setdefault(_identity(rule, key), place)
    return [known.get(identity) for identity in wanted]


def _reused(count: int, places: Sequence[int | None]) -> list[int | None]:
    """The places, with surplus ones of ``count`` given to rules that have none."""
    surplus = iter([place for place in range(count) if place not in places])
    return [next(surplus, None) if place is None else place for place in places]


def _merged(count: int, numbers: Sequence[int]) -> list[int]:
    """The order of ``count`` rules that are there with those of the wish among them."""
    kept = iter([number for number in numbers if number < count])
    goal = [next(kept) if number in numbers else number for number in range(count)]
    after = 0
    for number in numbers:
        if number < count:
            after = goal.index(number) + 1
        else:
            goal.insert(after, number)
            after += 1
    return goal


def _change(path: str, position: int, now: Values, then: Values) -> list[Step]:
    """Setting what differs of the rule at a position."""
    changes = diff(FIELDS, {item.name: then.get(item.name, "") for item in FIELDS}, now)
    names = ", ".join(sorted(change.key for change in changes))
    same = _identity(now, "content") == _identity(then, "content")
    reason = f"set {names} of rule {label(now)}" if same else f"replace rule {label(now)} by {label(then)}"
    return [Step("PUT", f"{path}/{position}", encoded(changes), reason, late=_still(now))] if changes else []


def _moves(path: str, current: list[int], goal: Sequence[int], then: Mapping[int, Values]) -> list[Step]:
    """The fewest moves that bring ``current`` into the order of ``goal``; it is left in that order.

    ``moveto`` counts before the move: the rule goes in front of the one that is there (PVE::API2::Firewall::Rules).
    """
    resting = {current[place] for place in _longest_rising([current.index(number) for number in goal])}
    made, target = [], 0
    for number in goal:
        place = current.index(number)
        if number not in resting and place != target:
            landing = target - 1 if place < target else target
            reason = f"move rule {label(then[number])} to position {landing}"
            made.append(Step("PUT", f"{path}/{place}", {"moveto": target}, reason, late=_still(then[number])))
            current.insert(landing, current.pop(place))
        target = current.index(number) + 1
    return made


def _longest_rising(places: Sequence[int]) -> set[int]:
    """As many of the places as stand in rising order (patience sorting, each pile's top with what is below it)."""
    tops: list[int] = []
    piles: list[tuple[int, ...]] = []
    for place in places:
        at = bisect_left(tops, place)
        pile = (*(piles[at - 1] if at else ()), place)
        tops[at : at + 1], piles[at : at + 1] = [place], [pile]
    return set(piles[-1]) if piles else set()


def _removal(path: str, position: int, rule: Values) -> Step:
    return Step("DELETE", f"{path}/{position}", {}, f"remove rule {label(rule)}", late=_still(rule))


def _locked(steps: Sequence[Step], rows: Sequence[Values]) -> tuple[Step, ...]:
    """The steps, the first with the digest of what they were made from: it fits one change.

    When somebody else was faster, Proxmox VE refuses that one, and a new plan is made. An addition takes no digest.
    """
    if not steps or steps[0].verb == "POST" or not rows or not rows[0].get("digest"):
        return tuple(steps)
    first, *others = steps
    return (replace(first, params={**first.params, "digest": rows[0]["digest"]}, late=None), *others)


def _params(rule: Values) -> dict[str, Json]:
    return encoded(diff([item.explicit() for item in FIELDS], rule, {}))


def _still(rule: Values) -> Callable[[Values], Values]:
    """Looks whether a rule is still at its position, right before it is changed; the digest of that look."""

    def late(row: Values) -> Values:
        (found,) = present([row])
        if _identity(found, "content") != _identity(rule, "content"):
            raise RefusedError(
                f"The rule {label(rule)} is no longer where it was: there is {label(found)} now. Somebody else changes "
                "the rules at the same time; run it again."
            )
        return {"digest": row["digest"]} if row.get("digest") else {}

    return late
