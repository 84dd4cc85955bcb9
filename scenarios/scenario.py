"""A scenario is data: name, description, phases (name, action, description). Pure functions choose what runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scenarios.actions import AnsiblePlaybookAction, missing
from scenarios.errors import UsageError, unknown
from scenarios.values import Json

PREFLIGHT = "preflight"


class Phase(NamedTuple):
    """One step of a scenario, independently runnable."""

    name: str
    action: AnsiblePlaybookAction
    description: str


@dataclass(frozen=True)
class Scenario:
    """What a scenario is made of.

    Attributes:
        estate: what it builds or removes; scenarios of one estate share a context.
        phases: in order.
        preflight: checks made before the first phase touches anything.
        always: phases that run also after another phase failed.
        tolerated: phases whose failure does not keep the later ones from running.
        expected_seconds: usual duration on the embedded lab.
        removal: the scenario that removes what this one leaves standing.
        destructive: whether it removes what it did not build itself.
        lab_only: whether it loses the whole node, which only one of the lab may be used for.
    """

    name: str
    description: str
    estate: str
    phases: tuple[Phase, ...]
    preflight: Phase | None = None
    always: frozenset[str] = frozenset()
    tolerated: frozenset[str] = frozenset()
    expected_seconds: int = 0
    removal: str = ""
    destructive: bool = False
    lab_only: bool = False

    @property
    def steps(self) -> tuple[Phase, ...]:
        """Every phase, the preflight first."""
        return (self.preflight, *self.phases) if self.preflight else self.phases

    def names(self) -> list[str]:
        """Names of the phases."""
        return [phase.name for phase in self.phases]

    def context_kinds(self) -> dict[str, str]:
        """Context key -> kind of its value, for every key the phases read or write."""
        return {key: kind for phase in self.steps for key, kind in _written(phase.action)}

    def producer(self, key: str) -> str | None:
        """The phase that puts ``key`` into the context."""
        return next((phase.name for phase in self.steps if key in dict(_written(phase.action))), None)

    def input_kinds(self) -> dict[str, str]:
        """Input -> kind, for every input some phase's playbook declares."""
        return {each.name: each.kind for phase in self.steps for each in phase.action.verb.inputs}


def _written(action: AnsiblePlaybookAction) -> Iterator[tuple[str, str]]:
    kinds = {each.name: each.kind for each in action.verb.inputs}
    kinds |= {each.name: each.kind for each in action.verb.outputs}
    for name, key in (*action.outputs.items(), *action.remembers.items()):
        yield key, kinds[name]


def select(scenario: Scenario, only: Sequence[str], start: str | None, skip: Sequence[str]) -> frozenset[str]:
    """The names of the phases that shall run.

    The preflight runs before whatever is chosen, unless it is skipped by name.

    Args:
        only: run just these.
        start: run this one and the later ones.
        skip: leave these out, whatever else says.

    Raises:
        UsageError: a phase nobody knows, or nothing is left to run.
    """
    names = scenario.names()
    for given in (*only, *([start] if start else []), *skip):
        if given not in names and given != PREFLIGHT:
            raise unknown(f"phase of {scenario.name}", given, [phase.name for phase in scenario.steps])
    later = names[names.index(start) :] if start in names else names
    chosen = [name for name in later if (not only or name in only) and name not in skip]
    if not chosen and PREFLIGHT not in only:
        raise UsageError(f"No phase of {scenario.name} is left to run. Its phases: {', '.join(names)}.")
    return frozenset(chosen if PREFLIGHT in skip else [PREFLIGHT, *chosen])


def obstacle(scenario: Scenario, name: str, failed: Iterable[str], keep: bool) -> str | None:
    """The failed phase that keeps the phase ``name`` from running, if any.

    Args:
        failed: the phases that failed so far.
        keep: whether a failure leaves the estate standing (--keep-on-failure).
    """
    for failure in failed:
        if failure == PREFLIGHT:
            return failure
        rescued = name in scenario.always and failure not in scenario.always and not keep
        if not rescued and failure not in scenario.tolerated:
            return failure
    return None


def check_inputs(scenario: Scenario, selected: frozenset[str], given: Mapping[str, Json], known: Iterable[str]) -> None:
    """See to it that every chosen phase can get its inputs, before anything is touched.

    Args:
        given: inputs from the command line.
        known: keys the context holds already.

    Raises:
        UsageError: one can't; the message names the phase that produces it.
    """
    available = set(known)
    for phase in (phase for phase in scenario.phases if phase.name in selected):
        for name, key in missing(phase.action.needs, given, frozenset(available)):
            raise UsageError(_missing_input(scenario, phase.name, name, key))
        available.update(key for key, _kind in _written(phase.action))


def _missing_input(scenario: Scenario, phase: str, name: str, key: str) -> str:
    producer = scenario.producer(key)
    remedy = (
        f"phase '{producer}' produces it: run that first (--from {producer})" if producer else "no phase produces it"
    )
    return f"Phase '{phase}' needs '{key}', which the context does not hold; {remedy}, or give it with -e {name}=VALUE."
