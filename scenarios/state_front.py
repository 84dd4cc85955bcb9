"""What a verb about a document is on the command line beside its playbook: its own options, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenarios.actions import AnsiblePlaybookAction
from scenarios.flags import Flags
from scenarios.scenario import Phase, Scenario
from scenarios.values import Json
from scenarios.verb import Verb

if TYPE_CHECKING:
    from scenarios.report import RunReport

SAME, FAILED, DIFFERENT = 0, 1, 2
"""Exit codes: nothing to do, or done; anything failed; there are differences."""

FILE = click.Path(path_type=Path, dir_okay=False)
"""Type of an option that names a file."""

LONGEST = 6 * 3600.0
"""Seconds a phase may take: an apply of a whole server copies disks."""


@dataclass(frozen=True)
class Asked:
    """What the command line said.

    Attributes:
        inputs: of the verb's playbook, as far as they were given.
        own: the options of the front, by name.
    """

    verb: Verb
    inputs: Mapping[str, Json]
    own: Mapping[str, Any]
    flags: Flags

    def given(self, **inputs: Json) -> Asked:
        """The same with other inputs beside or instead."""
        return replace(self, inputs={**self.inputs, **inputs})


@dataclass(frozen=True)
class Front:
    """How a verb is run from the command line.

    Attributes:
        run: does it; returns the exit code.
        options: those it has beside its playbook's inputs and the driver's.
        help: what is told of it beside the verb's own line.
    """

    run: Callable[[Asked], int]
    options: Sequence[click.Parameter] = ()
    help: str = ""


def conducted(
    asked: Asked, kind: type[AnsiblePlaybookAction] = AnsiblePlaybookAction
) -> tuple[RunReport, dict[str, Any]]:
    """Run a verb's playbook to its end, as a scenario of a single phase; what it published, also where it failed.

    Raises DriverError when nothing was started.
    """
    from scenarios import session  # noqa: PLC0415 - what a run needs, --help need not import

    verb = asked.verb
    action = kind(verb.name, verb, dict(asked.inputs), {each.name: each.name for each in verb.outputs}, timeout=LONGEST)
    what = Scenario(verb.name, verb.help, "", (Phase(verb.name, action, verb.help),))
    report = session.conduct(what, frozenset(what.names()), {}, replace(asked.flags, quiet=True))
    return report, next((dict(each.outputs) for each in report.phases if each.name == verb.name), {})
