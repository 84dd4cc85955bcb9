"""From a command to a finished run: the host is looked up, the run shown, its reports written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import click
from ansible_collections.homelab.pve.plugins.module_utils.errors import HomelabPveError

from scenarios import asking, dry_run, inventory, paths, report
from scenarios.display import Display, choose
from scenarios.errors import NotReadyError, UsageError
from scenarios.flags import Flags
from scenarios.report import RunReport
from scenarios.run import Options, execute, run_directory
from scenarios.scenario import Scenario
from scenarios.values import Json


def start(
    scenario: Scenario,
    selected: frozenset[str],
    given: Mapping[str, Json],
    flags: Flags,
    show: Callable[[RunReport], None] | None = None,
) -> int:
    """Run a scenario, show it, report it.

    Args:
        selected: the phases that shall run.
        given: inputs from the command line.
        flags: the command line's other options.
        show: tells a person what came out of a run that passed.

    Returns:
        The exit code.

    Raises:
        DriverError: nothing was started.
    """
    if flags.dry_run:
        return foretell(scenario, selected, given, flags)
    outcome = conduct(scenario, selected, given, flags)
    if show and outcome.success and not flags.json_output:
        show(outcome)
    return outcome.exit_code


def foretell(scenario: Scenario, selected: frozenset[str], given: Mapping[str, Json], flags: Flags) -> int:
    """Show what would run, without touching a host; returns the exit code."""
    host, options = prepare(selected, given, flags)
    return _show_plan(scenario, host, options, flags.json_output)


def conduct(scenario: Scenario, selected: frozenset[str], given: Mapping[str, Json], flags: Flags) -> RunReport:
    """Run a scenario to its end, show it and write its reports; returns what it did.

    Raises:
        DriverError: nothing was started.
    """
    host, options = prepare(selected, given, flags)
    if scenario.lab_only and not host.lab_node:
        raise UsageError(
            f"{scenario.name} loses its node for good, so it runs on a node of the lab only, and {host.name} is none. "
            "Nothing was done."
        )
    _confirm(scenario, host, flags)
    display = choose(flags.verbose > 0, flags.json_output, flags.quiet)
    outcome = execute(scenario, host, options, display, bring_up_lab)
    _finish(scenario, outcome, display, flags)
    return outcome


def prepare(selected: frozenset[str], given: Mapping[str, Json], flags: Flags) -> tuple[inventory.Host, Options]:
    """Look the host up and put the options of a run together; UsageError when there is no such host."""
    sources = flags.inventory or (str(paths.repository() / "inventory"),)
    host = inventory.find(flags.host or default_host() or "", sources, flags.vault_password_file)
    sources = (*sources, host.source) if host.source else sources
    return host, _options(selected, given, sources, flags)


def default_host() -> str | None:
    """The host the user made the default with ``host set-default``."""
    from scenarios.hosts import HostManager  # noqa: PLC0415 - only needed where no host is named

    try:
        return HostManager().default()
    except HomelabPveError as error:
        raise UsageError(str(error)) from error


def _options(selected: frozenset[str], given: Mapping[str, Json], sources: tuple[str, ...], flags: Flags) -> Options:
    return Options(
        selected=selected,
        given=given,
        inventory=tuple(str(Path(source).resolve()) for source in sources),
        context_file=flags.context_file,
        keep_on_failure=flags.keep_on_failure,
        timeout=flags.timeout,
        verbosity=max(flags.verbose - 1, 0),
        vault_password_file=flags.vault_password_file,
    )


def _show_plan(scenario: Scenario, host: inventory.Host, options: Options, json_output: bool) -> int:
    plan = dry_run.plan(scenario, host.name, options)
    if json_output:
        print_json(plan)
    else:
        click.echo(dry_run.text(plan))
    return 0


def _confirm(scenario: Scenario, host: inventory.Host, flags: Flags) -> None:
    if not scenario.destructive or host.lab_node or flags.yes or not asking.interactive():
        return
    if not asking.agreed(f"{scenario.name} removes guests from {host.name}."):
        raise UsageError("Not confirmed; nothing was done.")


def bring_up_lab(note: Callable[[str], None]) -> None:
    """Make the embedded lab run, and this process live in its network."""
    from lab import control  # noqa: PLC0415 - only a lab node needs it

    try:
        control.ensure_up(note)
        control.enter_network()
    except (control.LabError, OSError) as error:
        raise NotReadyError(f"The embedded lab can't be used: {error}") from error


def lose_lab(host: str, note: Callable[[str], None]) -> None:
    """Forget the lab with its one node, and make this process live in the network of a new one.

    Raises:
        NotReadyError: the lab has other nodes, or this process can't leave its network: that takes root.
    """
    from lab import control  # noqa: PLC0415 - only a lab node needs it

    try:
        present = control.status()
        nodes = sorted(present.nodes) if present else []
        if nodes != [host]:
            raise NotReadyError(f"The lab has the nodes {', '.join(nodes)}; only one of a single node is lost.")
        control.leave_network()
        control.reset()
        control.ensure_up(note)
        control.enter_network()
    except (control.LabError, OSError) as error:
        raise NotReadyError(f"The lab's node can't be lost: {error}") from error


def _finish(scenario: Scenario, outcome: RunReport, display: Display, flags: Flags) -> None:
    if outcome.began:
        _conclude(scenario, outcome, display, flags)
    if outcome.error:
        click.echo(f"Error: {outcome.error}", err=True)
    if flags.json_output:
        print_json(outcome)


def _conclude(scenario: Scenario, outcome: RunReport, display: Display, flags: Flags) -> None:
    directory = run_directory(outcome.run_id)
    report.write(directory, outcome)
    display.end(outcome)
    if not outcome.success:
        display.note(f"Reports and Ansible's output: {directory}")
    if not outcome.success and outcome.standing and scenario.removal:
        display.note(
            f"What was built may be left standing. Remove it: {removal_command(scenario, outcome.host, flags)}"
        )


def removal_command(scenario: Scenario, host: str, flags: Flags) -> str:
    """The command that removes what a scenario left."""
    context_file = f" --context-file {flags.context_file}" if flags.context_file else ""
    return f"./run.sh --scenario {scenario.removal} --host {host}{context_file}"


def print_json(outcome: RunReport) -> None:
    """Print the document of --json-output."""
    click.echo(json.dumps(report.document(outcome), indent=2))
