# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``./run.sh lab snapshot ...``: a whole lab kept under a name, and brought back."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import click

from lab.faults_cli import failures


@click.group()
def snapshot() -> None:
    """Keep the whole lab under a name, and bring it back: disks, volumes, states, keys."""


@snapshot.command()
@click.argument("name")
def save(name: str) -> None:
    """Keep the lab as it is. One that runs stands still for the moment of the copy."""
    from lab import saving  # noqa: PLC0415 - keeps `--help` fast

    with failures():
        saving.save(name)
    click.echo(f"The lab is kept as {name!r}.")


@snapshot.command()
@click.argument("name")
def restore(name: str) -> None:
    """Make the lab what it was. What runs now is cut off; a lab that is up comes up again, as after a power loss."""
    from lab import saving  # noqa: PLC0415

    with failures():
        present = saving.restore(name, lambda message: click.echo(message, err=True))
    click.echo(f"The lab is {name!r} again, and {'up' if present else 'down'}.")


@snapshot.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_snapshots(as_json: bool) -> None:
    """Show what was kept, the oldest first."""
    from lab import saving  # noqa: PLC0415

    with failures():
        found = saving.listing()
    if as_json:
        click.echo(json.dumps([asdict(item) for item in found], indent=2))
        return
    for item in found:
        when = datetime.fromtimestamp(item.time).astimezone().isoformat(sep=" ", timespec="seconds")
        click.echo(f"{item.name}  {when}  {'of a running lab' if item.running else 'of a lab that was down'}")


@snapshot.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def delete(names: tuple[str, ...]) -> None:
    """Forget snapshots."""
    from lab import saving  # noqa: PLC0415

    with failures():
        for name in names:
            saving.delete(name)
