"""The command line: ``./run.sh``. Options run a scenario; commands run one playbook, or look at what runs left."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from scenarios import __version__, verb_cli
from scenarios.catalog import CATALOG, Catalog, find
from scenarios.errors import DriverError, RunInterruptedError, UsageError
from scenarios.flags import Flags, change_options, look_options
from scenarios.launch import refusals_as_json, run_scenario
from scenarios.scenario import Scenario
from scenarios.verbs import VERBS

# Commands with a file of their own, imported when they are asked for: command -> (module, attribute, help).
LAZY = {
    "audit": ("scenarios.audit_cli", "audit", "Show or verify the audit log."),
    "awx": ("scenarios.awx", "awx", "Print job templates for AWX, with surveys."),
    "bench": ("scenarios.bench_cli", "bench", "Measure the scenarios and the lab."),
    "discover": ("scenarios.state_cli", "discover", "Write a whole server as one document: state export."),
    "doctor": ("scenarios.doctor", "doctor", "Check that a host is ready for the scenarios."),
    "host": ("scenarios.hosts_cli", "host", "Proxmox VE hosts: add, list, test, remove, set-default, show."),
    "lab": ("lab.cli", "lab", "The embedded lab: up, down, status, reset, ssh, shell, requests."),
}


class Vocabulary(verb_cli.KnownCommands):
    """The commands of the table VERBS, and the ones that have a file of their own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, the table's last."""
        return [*sorted(LAZY), *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command's file only when that command is run."""
        if name not in LAZY:
            return super().get_command(ctx, name)
        module, attribute, _help = LAZY[name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """List the commands without importing their files."""
        with formatter.section("Commands"):
            lazy = {name: text for name, (_module, _attribute, text) in LAZY.items()}
            grouped = {name: verb_cli.summary(verbs) for name, verbs in verb_cli.groups().items()}
            formatter.write_dl(sorted((lazy | grouped).items()))
        with formatter.section("Playbooks by name (each: --host H, its inputs, --help)"):
            formatter.write_dl([(verb.name, verb.help) for verb in VERBS if not verb.group and not verb.hidden])


def build(catalog: Catalog) -> click.Group:
    """The command line over these scenarios."""

    @click.group(
        cls=Vocabulary,
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )
    @click.option("--scenario", metavar="NAME", help="The scenario to run.")
    @click.option(
        "--host",
        default="",
        metavar="HOST",
        help="The inventory host to run it on; the default or only one if not given.",
    )
    @click.option("--only", multiple=True, metavar="PHASE", help="Run just this phase; repeatable.")
    @click.option("--from", "start", metavar="PHASE", help="Run this phase and the later ones.")
    @click.option("--skip", multiple=True, metavar="PHASE", help="Leave this phase out; repeatable.")
    @click.option(
        "-e", "--extra-vars", multiple=True, metavar="INPUT=VALUE|@FILE", help="A playbook's input; repeatable."
    )
    @click.option("--context-file", type=click.Path(path_type=Path, dir_okay=False), help="Where the context is kept.")
    @click.option("--keep-on-failure", is_flag=True, help="Leave a failed roundtrip's guests standing.")
    @click.option("--adopt", is_flag=True, help="Destroy discovered guests without our tag too.")
    @click.option("--list-scenarios", is_flag=True, help="List the scenarios and how long they take.")
    @click.option("--list-phases", is_flag=True, help="List the phases of --scenario.")
    @look_options
    @change_options
    @click.version_option(__version__, prog_name="homelab.pve")
    @click.pass_context
    def main(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - as click hands them over
        """Declare, build, verify and remove Proxmox VE estates.

        ./run.sh --scenario nested-pve-roundtrip --host father
        """
        if ctx.invoked_subcommand is None:
            sys.exit(_scenario_command(ctx, catalog, options))
        if options["scenario"]:
            raise click.UsageError(f"--scenario and the command '{ctx.invoked_subcommand}' exclude each other.", ctx)

    for command in verb_cli.commands():
        main.add_command(command)
    return main


def _scenario_command(ctx: click.Context, catalog: Catalog, options: Mapping[str, Any]) -> int:
    if options["list_scenarios"]:
        return _print_scenarios(catalog)
    if options["list_phases"] and not options["scenario"]:
        raise UsageError(f"Whose phases? Give --scenario. Known: {', '.join(sorted(catalog))}.")
    if not options["scenario"]:
        click.echo(ctx.get_help())
        return UsageError.exit_code
    flags = Flags.of(options)
    with refusals_as_json(options["scenario"], flags):
        scenario = find(catalog, options["scenario"])
        return _print_phases(scenario) if options["list_phases"] else run_scenario(scenario, flags)


def _print_scenarios(catalog: Catalog) -> int:
    width = max(map(len, catalog))
    for scenario in catalog.values():
        click.echo(f"{scenario.name:{width}}  about {scenario.expected_seconds:3d} s  {scenario.description}")
    return 0


def _print_phases(scenario: Scenario) -> int:
    width = max(map(len, scenario.names()))
    for phase in scenario.phases:
        click.echo(f"{phase.name:{width}}  {phase.description}")
    return 0


def main(argv: Sequence[str] | None = None, catalog: Catalog = CATALOG) -> int:
    """Run the command line; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        build(catalog).main(arguments, prog_name="run.sh", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return UsageError.exit_code
    except (click.Abort, KeyboardInterrupt):
        return RunInterruptedError.exit_code
    except DriverError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    return 0
