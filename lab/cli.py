# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``./run.sh lab ...``: the lab's own commands. Mounted by the scenario driver, so it imports the lab lazily."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from lab import faults_cli, saving_cli
from lab.faults_cli import failures

if TYPE_CHECKING:
    from lab.control import LabStatus

_PASS_THROUGH = {"ignore_unknown_options": True, "allow_interspersed_args": False}


def _log(message: str) -> None:
    click.echo(message, err=True)


def describe(status: LabStatus) -> dict[str, Any]:
    """The facts about a running lab that ``status --json`` prints."""
    return {
        "running": True,
        "pid": status.pid,
        "instance": status.instance,
        "rootless": status.rootless,
        "api_only": status.api_only,
        "state_dir": str(status.state_dir),
        "nodes": {name: vars(node) for name, node in status.nodes.items()},
    }


def _show(status: LabStatus) -> None:
    """Print where a running lab can be reached."""
    click.echo(f"The lab is up (pid {status.pid}, state in {status.state_dir}).")
    for name, node in status.nodes.items():
        ssh = f", SSH {node.ssh_forward}" if node.ssh_forward else ""
        click.echo(f"  {name}: address {node.address}; from here API https://{node.api_forward}{ssh}")


@click.group(name="lab")
def lab() -> None:
    """The embedded lab: a Proxmox VE node that stands in for hardware."""


@lab.command()
@click.option("--nodes", type=click.IntRange(1, 4), help="How many nodes a new lab has (default: one).")
@click.option("--standalone", is_flag=True, help="The nodes of a new lab are in no cluster yet.")
def up(nodes: int | None, standalone: bool) -> None:
    """Start the lab, with the nodes it was made with; does nothing when it is up."""
    from lab import control  # noqa: PLC0415

    if standalone and (nodes or 1) == 1:
        raise click.UsageError("--standalone is for several nodes; say how many with --nodes.")
    with failures():
        _show(control.ensure_up(_log, control.Plan(nodes, standalone) if nodes else None))


@lab.command()
def down() -> None:
    """Stop the lab; its state stays."""
    from lab import control  # noqa: PLC0415

    with failures():
        click.echo("The lab is down." if control.down() else "The lab was not up.")


@lab.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def status(as_json: bool) -> None:
    """Say whether the lab is up and how to reach it; exit code 1 when it is not."""
    from lab import control  # noqa: PLC0415

    present = control.status()
    if as_json:
        click.echo(json.dumps(describe(present) if present else {"running": False}, indent=2))
    elif present:
        _show(present)
    else:
        click.echo("The lab is down. Start it with: ./run.sh lab up")
    sys.exit(0 if present else 1)


@lab.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """Stop the lab and forget its state: nodes, guests, keys, tokens."""
    from lab import control  # noqa: PLC0415

    if not yes:
        click.confirm("Forget every guest and setting of the lab?", abort=True, err=True)
    with failures():
        control.reset()
    click.echo("The lab's state is gone; the next start makes a new one.")


@lab.command(context_settings=_PASS_THROUGH)
@click.argument("guest")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ssh(guest: str, command: tuple[str, ...]) -> None:
    """Log in to GUEST (a name, an address, or USER@NAME), or run COMMAND there."""
    from lab import control  # noqa: PLC0415

    with failures():
        sys.exit(control.ssh(guest, command))


@lab.command(context_settings=_PASS_THROUGH)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def shell(command: tuple[str, ...]) -> None:
    """Run COMMAND (without one, your shell) on this machine, in the lab's network."""
    from lab import control  # noqa: PLC0415

    with failures():
        sys.exit(control.shell(command or (os.environ.get("SHELL", "/bin/sh"),)))


@lab.command()
def image() -> None:
    """Build the root image of nodes and guests unless it is cached, and print where it is."""
    from lab import image as images  # noqa: PLC0415

    with failures():
        click.echo(images.ensure(_log).root.parent)


for command in (*faults_cli.COMMANDS, saving_cli.snapshot):
    lab.add_command(command)
