"""From what the command line said to a run, with a refusal in the form that was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from scenarios import given
from scenarios.errors import DriverError
from scenarios.flags import Flags
from scenarios.scenario import Scenario, select

if TYPE_CHECKING:
    from scenarios.report import RunReport


@contextmanager
def refusals_as_json(name: str, flags: Flags) -> Iterator[None]:
    """Where a JSON document was asked for, stdout gets one also when nothing was started."""
    try:
        yield
    except DriverError as error:
        if flags.json_output:
            from scenarios import report  # noqa: PLC0415 - slow to import

            click.echo(json.dumps(report.document(report.refused(name, flags.host, error)), indent=2))
        raise


def run_scenario(scenario: Scenario, flags: Flags, show: Callable[[RunReport], None] | None = None) -> int:
    """Run a scenario as the flags say; returns the exit code.

    Args:
        show: tells a person what came out of a run that passed.
    """
    from scenarios import session  # noqa: PLC0415 - what a run needs, --help need not import

    selected = select(scenario, flags.only, flags.start, flags.skip)
    inputs = given.collect(scenario, flags.extra_vars)
    inputs |= {"adopt": True} if flags.adopt else {}
    return session.start(scenario, selected, inputs, flags, show)
