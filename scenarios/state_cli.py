"""``./run.sh state``: the verbs of the table, each with what it shows, asks and writes beside running its playbook.

Exit codes: 0 nothing to do, or done; 2 there are differences; 1 anything failed, a wrong command line included, which
must not look like a difference. 3 and 130 are the driver's own (scenarios.errors).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from scenarios import paths
from scenarios.checkpoint_fronts import checkpoints_command
from scenarios.errors import DriverError, UsageError
from scenarios.flags import Flags, change_options, look_options
from scenarios.launch import refusals_as_json
from scenarios.state_export import DISCOVER
from scenarios.state_front import FAILED, Asked, Front
from scenarios.state_fronts import FRONTS
from scenarios.state_verbs import EXPORT
from scenarios.verb import Input, Verb
from scenarios.verb_cli import VerbGroup, command, parameter, scenario_of, taken, with_settings

SCHEMA = paths.repository() / "docs" / "state.schema.json"


class StateGroup(VerbGroup):
    """The group, whose exit code 2 means differences and nothing else."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; a wrong command line is a failure as any other."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            error.show()
            sys.exit(FAILED)
        except UsageError as error:
            raise DriverError(str(error)) from error


def group(name: str, verbs: Sequence[Verb]) -> click.Group:
    """The group of these verbs, and what needs no playbook."""
    made = [*(_command(verb) for verb in verbs), checkpoints_command, schema]
    shown = ", ".join(sorted(str(each.name) for each in made))
    text = f"A whole server as one document: {shown}."
    return StateGroup(name, {str(each.name): each for each in sorted(made, key=lambda each: str(each.name))}, help=text)


def _command(verb: Verb) -> click.Command:
    return fronted(verb, FRONTS[verb.name]) if verb.name in FRONTS else command(verb)


def fronted(verb: Verb, front: Front) -> click.Command:
    """The command of a verb that has a front."""

    def run(**options: Any) -> None:  # noqa: ANN401 - as click hands them over
        given = taken(verb, options)
        flags = Flags.of(options)
        own = {str(each.name): options[str(each.name)] for each in front.options}
        with refusals_as_json(verb.name, flags):
            asked = Asked(verb, with_settings(verb, given), own, flags)
            sys.exit(_foretold(asked) if flags.dry_run else front.run(asked))

    text = "\n\n".join(part for part in (f"{verb.help}.", front.help, f"Runs {verb.playbook}.") if part)
    made = click.Command(verb.command, callback=run, help=text, short_help=f"{verb.help}.", hidden=verb.hidden)
    made.params = [parameter(verb, each) for each in verb.inputs if not each.hidden]
    made.params += front.options
    made.params.append(click.Option(["--host"], default="", metavar="HOST", help="The inventory host; see 'host'."))
    return look_options(change_options(made))


def _foretold(asked: Asked) -> int:
    from scenarios import session  # noqa: PLC0415 - what a run needs, --help need not import

    return session.foretell(scenario_of(asked.verb, asked.inputs), frozenset([asked.verb.name]), {}, asked.flags)


def _as_discover(each: Input) -> Input:
    return replace(each, flag=EXPORT.flag(each))


discover = fronted(
    replace(EXPORT, name="discover", group="", file=EXPORT.playbook, inputs=tuple(map(_as_discover, EXPORT.inputs))),
    DISCOVER,
)
"""``./run.sh discover --export``: an export by the name that the predecessor had for it."""


@click.command(short_help="Print the JSON Schema of documents.")
def schema() -> None:
    """Print the JSON Schema of documents, which editors complete and check with."""
    try:
        click.echo(SCHEMA.read_text(encoding="utf-8"), nl=False)
    except OSError as error:
        raise DriverError(f"The schema can't be read: {error}.") from error
