"""The commands of the table VERBS: each runs one playbook, a scenario of a single phase."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import click
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError

from scenarios.actions import AnsiblePlaybookAction
from scenarios.errors import UsageError, unknown
from scenarios.flags import Flags, change_options, look_options
from scenarios.launch import refusals_as_json, run_scenario
from scenarios.scenario import Phase, Scenario
from scenarios.tables import cell, print_table
from scenarios.values import KINDS, Json, read
from scenarios.verb import Input, Table, Verb
from scenarios.verbs import VERBS

if TYPE_CHECKING:
    from scenarios.report import RunReport


LISTS = ("list", "paths")
"""Kinds of inputs that may be given several times."""


class Typed(click.ParamType[Json]):
    """An input's declared kind as a click type."""

    def __init__(self, kind: str) -> None:
        """Take a key of KINDS."""
        self.kind = kind
        self.name = kind

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Json:
        """Read the text; a wrong one is a usage error."""
        try:
            return read(self.kind, value)
        except ValueError as error:
            return self.fail(str(error), param, ctx)


def groups() -> dict[str, list[Verb]]:
    """The verbs that stand below a command of their own, by that command."""
    found: dict[str, list[Verb]] = {}
    for verb in VERBS:
        if verb.group:
            found.setdefault(verb.group, []).append(verb)
    return found


def summary(verbs: Sequence[Verb]) -> str:
    """A group in one line: what can be done below it."""
    return f"{verbs[0].group.capitalize()}s: {', '.join(verb.command for verb in verbs if not verb.hidden)}."


def commands() -> list[click.Command]:
    """A command for each verb without a group, and one for each group."""
    single = [command(verb) for verb in VERBS if not verb.group]
    return [*single, *(_group(name, verbs) for name, verbs in groups().items())]


FRONTS = {"state": "scenarios.state_cli"}
"""Groups whose commands do more than run a playbook and print its result -> the file that makes them (``group``)."""


def _group(name: str, verbs: Sequence[Verb]) -> click.Group:
    if name in FRONTS:
        made: click.Group = import_module(FRONTS[name]).group(name, verbs)
        return made
    known = sorted((command(verb) for verb in verbs), key=lambda each: str(each.name))
    return VerbGroup(name, {str(each.name): each for each in known}, help=summary(verbs))


class KnownCommands(click.Group):
    """A group that offers the closest name for an unknown command."""

    def kind(self) -> str:
        """What its commands are called in a complaint."""
        return "command"

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a usage error with the known ones when there is none."""
        known = self.list_commands(ctx)
        if args[0] not in known:
            raise click.UsageError(str(unknown(self.kind(), args[0], known)), ctx)
        return super().resolve_command(ctx, args)


class VerbGroup(KnownCommands):
    """The verbs below a command of their own."""

    def kind(self) -> str:
        """See KnownCommands.kind."""
        return f"command of '{self.name}'"


def command(verb: Verb) -> click.Command:
    """The command that runs one playbook: a scenario of a single phase."""

    def run(**options: Any) -> None:  # noqa: ANN401 - as click hands them over
        given = taken(verb, options)
        as_json = bool(options.pop("rows_as_json", False))
        flags = replace(Flags.of(options), quiet=verb.table is not None)
        with refusals_as_json(verb.name, flags):
            inputs = with_settings(verb, given)
            sys.exit(run_scenario(scenario_of(verb, inputs), flags, shown(verb, as_json)))

    text = f"{verb.help}.\n\nRuns {verb.playbook}."
    made = click.Command(verb.command, callback=run, help=text, short_help=f"{verb.help}.", hidden=verb.hidden)
    made.params = [parameter(verb, each) for each in verb.inputs if not each.hidden]
    made.params.append(click.Option(["--host"], default="", metavar="HOST", help="The inventory host; see 'host'."))
    if verb.table:
        made.params.append(click.Option(["--json", "rows_as_json"], is_flag=True, help="The rows as JSON."))
    return look_options(change_options(made))


def taken(verb: Verb, options: dict[str, Any]) -> dict[str, Json]:
    """Take a verb's inputs, as far as they were given, out of what click hands over."""
    values = {each.name: options.pop(f"input_{each.name}", None) for each in verb.inputs}
    return {name: _json(value) for name, value in values.items() if value not in (None, ())}


def _json(value: Any) -> Json:  # noqa: ANN401 - as click hands it over
    """What was given several times is one list."""
    if not isinstance(value, tuple):
        return cast("Json", value)
    return [item for each in value for item in (each if isinstance(each, list) else [each])]


def scenario_of(verb: Verb, inputs: Mapping[str, Json]) -> Scenario:
    """A playbook as a scenario of a single phase."""
    outputs = {output.name: output.name for output in verb.outputs}
    action = AnsiblePlaybookAction(verb.name, verb, inputs, outputs)
    return Scenario(verb.name, verb.help, "", (Phase(verb.name, action, verb.help),), destructive=verb.destructive)


def parameter(verb: Verb, each: Input) -> click.Parameter:
    """An input on the command line."""
    variable, flag = f"input_{each.name}", verb.flag(each)
    kind = click.Choice(each.choices) if each.choices else Typed(each.kind)
    if each.positional and each.kind == "paths":
        many = Typed("path")
        return click.Argument([variable], type=many, nargs=-1, required=each.required, metavar=f"{flag.upper()}...")
    if each.positional:
        return click.Argument([variable], type=kind, required=each.required, metavar=flag.upper())
    if each.kind == "bool":
        return click.Option([f"--{flag}/--no-{flag}", variable], default=None, help=f"{each.help}{_default(each)}")
    return click.Option(
        [f"--{flag}", variable],
        type=kind,
        required=each.required,
        multiple=each.kind in LISTS,
        metavar=each.kind.upper(),
        help=f"{each.help}, {KINDS[each.kind].phrase}{_default(each)}",
    )


def _default(each: Input) -> str:
    known = [] if each.default is None else [f"default: {json.dumps(each.default)}"]
    known += [f"setting: {each.setting}"] if each.setting else []
    return f" [{'; '.join(known)}]" if known else ""


def with_settings(verb: Verb, given: Mapping[str, Json]) -> dict[str, Json]:
    """The inputs, those from the user's config.yaml where the command line has none."""
    wanted = {each.setting: each.name for each in verb.inputs if each.setting}
    if not wanted:
        return dict(given)
    from scenarios.settings import Settings  # noqa: PLC0415 - only these verbs need it

    kinds = {each.setting: each.kind for other in VERBS for each in other.inputs if "." in each.setting}
    try:
        settings = Settings().typed(kinds)
    except ConfigError as error:
        raise UsageError(str(error)) from error
    return placed({key: value for key, value in settings.items() if key in wanted}, wanted) | dict(given)


def placed(settings: Mapping[str, Json], wanted: Mapping[str, str]) -> dict[str, Json]:
    """Settings as inputs: each its own, or all of a section in the one that takes it."""
    placed: dict[str, Json] = {}
    for key, value in settings.items():
        section, _, name = key.partition(".")
        if section in wanted:
            placed[wanted[section]] = {**cast("dict[str, Json]", placed.get(wanted[section], {})), name: value}
        else:
            placed[wanted[key]] = value
    return placed


def shown(verb: Verb, as_json: bool) -> Callable[[RunReport], None]:
    """Tells what a verb found, or did."""

    def show(report: RunReport) -> None:
        outputs = report.phases[0].outputs
        if verb.table:
            _print_rows(verb.table, cast("list[dict[str, Json]]", outputs[verb.table.output]), as_json)
        elif verb.result:
            click.echo(
                verb.result.format_map({name: cell(value, ", ") for name, value in outputs.items()}).rstrip(" ,")
            )

    return show


def _print_rows(table: Table, rows: Sequence[Mapping[str, Json]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif rows:
        told = [name for name in table.columns if any(row.get(name) not in (None, "", []) for row in rows)]
        print_table(told, [[cell(row.get(name), ", ") for name in told] for row in rows])
    else:
        click.echo(table.empty)
