"""A plan, or what became of it, as lines for people. Pure, but for ``show``.

A line begins with what it means: ``+`` is made, ``-`` is removed, ``~`` is changed, ``!`` failed, ``=`` is left alone.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, TypeAlias

from scenarios.values import Json

Action: TypeAlias = "Mapping[str, Any]"
"""What the module tells about one thing."""

Difference: TypeAlias = "tuple[str, str, Json, Json]"
"""The mark, place, former and later value."""

CREATE, MODIFY, DELETE, NONE, FAILED = "create", "modify", "delete", "no-op", "failed"
MARKS = {CREATE: "+", MODIFY: "~", DELETE: "-", NONE: "=", FAILED: "!"}
STYLES = {"+": "green", "-": "red", "~": "yellow", "!": "bright_red", "=": "bright_black"}
COUNTED = ((CREATE, "to create"), (MODIFY, "to change"), (DELETE, "to remove"), (FAILED, "failed"))
ENDED = {
    CREATE: "created",
    MODIFY: "changed",
    DELETE: "removed",
    NONE: "left alone",
    FAILED: "failed",
}
OUTCOMES = {"failed": "FAILED", "skipped": "skipped", "unknown": "outcome unknown"}


@dataclass(frozen=True)
class Line:
    """One line: its mark, which is also its colour, how far in it stands, and its text."""

    mark: str
    text: str
    depth: int = 0

    def __str__(self) -> str:
        # What a server says must not steer a terminal.
        text = "".join(char if char.isprintable() else "?" for char in self.text)
        return f"{'  ' * self.depth}{self.mark} {text}" if self.mark else f"{'  ' * self.depth}{text}"


def show(lines: Iterable[Line], stream: IO[str] | None = None) -> None:
    """Print lines, in colours where a terminal wants them (https://no-color.org)."""
    import click  # noqa: PLC0415 - all else here is pure

    to = stream or sys.stdout
    colours = to.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    for line in lines:
        text = click.style(str(line), fg=STYLES.get(line.mark)) if colours and line.mark else str(line)
        click.echo(text, file=to, color=colours)


def plan(host: str, told: Mapping[str, Any], everything: bool = False) -> list[Line]:
    """A plan: what would be done, in order, with its differences; what is left alone only with ``everything``."""
    actions: Sequence[Action] = told.get("state_actions") or []
    planned = [action for action in actions if action["action"] != NONE]
    lines = [line for number, action in enumerate(planned, 1) for line in described(action, number)]
    if everything:
        lines += [_untouched(action) for action in actions if action["action"] == NONE]
    gap = [Line("", "")] if lines else []
    return [*lines, *gap, *warnings(told), Line("", summary(host, told.get("state_summary") or {}))]


def warnings(told: Mapping[str, Any]) -> list[Line]:
    """What else is worth knowing."""
    return [Line("!", f"Warning: {text}") for text in told.get("state_warnings") or []]


def summary(host: str, counts: Mapping[str, int]) -> str:
    """A plan in one line."""
    said = [f"{counts[action]} {words}" for action, words in COUNTED if counts.get(action)]
    restarts = counts.get("restart", 0)
    said += [f"{restarts} to restart"] if restarts else []
    alone = f"{counts.get(NONE, 0)} left alone"
    return f"{host}: {', '.join(said)}; {alone}." if said else f"{host}: nothing to do; {alone}."


def described(action: Action, number: int) -> list[Line]:
    """One action: what, why or what not, and the differences."""
    mark = MARKS[action["action"]]
    lines = [Line(mark, f"{number}. {headline(action)}")]
    if action.get("error"):
        return [*lines, *(Line("!", text, 2) for text in action["error"]["text"].splitlines())]
    lines += [Line("", f"{step}", 2) for step in action.get("plan") or []]
    return [*lines, *(_difference(*each) for each in differences(action))]


def headline(action: Action) -> str:
    """What is done to what, where the documents say so."""
    where = f" on {action['node']}" if action.get("node") else ""
    notes = ["pruned: no document has it"] if action.get("pruned") else []
    notes += ["restarts"] if action.get("restart") else []
    notes += [action["origin"]] if action.get("origin") else []
    return f"{name(action)}: {action['action']}{where}" + (f" ({'; '.join(notes)})" if notes else "")


def name(action: Action) -> str:
    """A thing: its kind and its name."""
    return f"{action['kind']} {action['id']}"


def _untouched(action: Action) -> Line:
    return Line("=", f"{name(action)}: {'; '.join(action.get('plan') or ['as wished'])}")


def differences(action: Action) -> Iterator[Difference]:
    """What an action changes, value by value."""
    yield from _compared("", action.get("before") or {}, action.get("after") or {})


def _compared(
    place: str, before: Mapping[str, Json], after: Mapping[str, Json]
) -> Iterator[tuple[str, str, Json, Json]]:
    for key in sorted({*before, *after}):
        here, old, new = f"{place}.{key}" if place else key, before.get(key), after.get(key)
        if _nested(old, new):
            yield from _compared(here, _mapping(old), _mapping(new))
        elif old != new:
            yield "+" if old is None else "-" if new is None else "~", here, old, new


def _nested(*values: Json) -> bool:
    """Whether all that is there are filled mappings; an empty one is a value, whose difference must be seen."""
    return any(values) and all(value is None or (isinstance(value, dict) and value) for value in values)


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _difference(mark: str, place: str, old: Json, new: Json) -> Line:
    if mark == "+":
        return Line(mark, f"{place}: {spelled(new)}", 3)
    if mark == "-":
        return Line(mark, f"{place}: {spelled(old)}", 3)
    return Line(mark, f"{place}: {spelled(old)} -> {spelled(new)}", 3)


def spelled(value: Json) -> str:
    """A value as text of one line."""
    if isinstance(value, str) and value and value.isprintable() and value == value.strip():
        return value
    return json.dumps(value, ensure_ascii=False)


def ended(action: Action) -> Line:
    """One thing as its change ended, for those who watch."""
    status = str(action.get("status") or "done")
    if status == "done":
        return Line(MARKS[action["action"]], f"{name(action)} {ENDED[action['action']]}")
    error = action.get("error") or ""
    text = error["text"] if isinstance(error, Mapping) else str(error)
    return Line("!", f"{name(action)}: {OUTCOMES.get(status, status)}" + (f": {text}" if text else ""))


def result(host: str, told: Mapping[str, Any]) -> list[Line]:
    """What an apply did: the counts, then everything that failed."""
    actions: Sequence[Action] = told.get("state_actions") or []
    done = [action["action"] for action in actions if action.get("status") == "done"]
    said = [f"{done.count(verb)} {ENDED[verb]}" for verb in (CREATE, MODIFY, DELETE) if verb in done]
    skipped = sum(action.get("status") == "skipped" for action in actions)
    errors: Sequence[str] = told.get("state_errors") or []
    said += [f"{len(errors)} failed"] if errors else []
    said += [f"{skipped} skipped"] if skipped else []
    return [
        *warnings(told),
        Line("", f"{host}: {', '.join(said) or 'nothing was changed'}."),
        *(Line("!", text) for text in errors),
    ]
