"""What ``./run.sh state checkpoint``, ``rollback`` and ``checkpoint-remove`` do beside running their playbooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from scenarios import asking, checkpoints
from scenarios.checkpoints import Checkpoint
from scenarios.flags import Flags
from scenarios.state_apply import ApplyAction
from scenarios.state_front import FAILED, SAME, Asked, Front, conducted
from scenarios.tables import print_table

if TYPE_CHECKING:
    from scenarios.report import RunReport

COLUMNS = ("name", "created", "guests", "removals", "not brought back")
NAMED = click.Option(
    ["--checkpoint"], default="", metavar="NAME|FILE", help="Which; the newest of the host if not given."
)


def host_of(flags: Flags) -> str:
    """The inventory's name of the host that is meant; UsageError when there is none."""
    from scenarios import session  # noqa: PLC0415 - what a run needs, --help need not import

    return session.prepare(frozenset(), {}, flags)[0].name


def checkpoint(asked: Asked) -> int:
    """Make a checkpoint and keep it: also one that broke off, whose snapshots have to be removed."""
    report, found = conducted(asked)
    made = found.get("state_checkpoint")
    if not made:
        return FAILED
    path = checkpoints.save(report.host, made)
    if asked.flags.json_output:
        return _code(report)
    click.echo(summary(made, str(path)))
    _warn(found)
    return _code(report)


def summary(made: Checkpoint, path: str) -> str:
    """A checkpoint in one line."""
    names = ", ".join(f"{guest['vmid']} ({guest['name']})" for guest in made["guests"]) or "none"
    return f"Checkpoint {made['name']}: snapshots of guests: {names}. It is kept in {path}."


def rollback(asked: Asked) -> int:
    """Go back to a checkpoint that was kept, or is in a file."""
    host = host_of(asked.flags)
    kept = checkpoints.find(host, asked.own["checkpoint"])
    _confirm(host, kept, asked.flags)
    report, found = conducted(asked.given(state_checkpoint=dict(kept)), ApplyAction)
    if not asked.flags.json_output:
        _list(found.get("state_rollback", ()))
        _warn(found)
    return _code(report)


def remove(asked: Asked) -> int:
    """Remove a checkpoint's snapshots, then what is kept of it."""
    host = host_of(asked.flags)
    kept = checkpoints.find(host, asked.own["checkpoint"])
    report, found = conducted(asked.given(state_checkpoint=dict(kept)))
    if report.success:
        checkpoints.forget(host, str(kept["name"]))
    if not asked.flags.json_output:
        _list(found.get("state_removal", ()))
    return _code(report)


def _confirm(host: str, kept: Checkpoint, flags: Flags) -> None:
    """Ask before what was written since is thrown away. Raises DriverError when nobody agrees."""
    if flags.yes:
        return
    text = f"{host} goes back to checkpoint {kept['name']} of {kept['created']}; what was written since is lost."
    asking.leave(text)


def _code(report: RunReport) -> int:
    if report.success:
        return SAME
    return report.exit_code or FAILED


def _list(texts: Any) -> None:  # noqa: ANN401 - as a playbook published it
    for text in texts:
        click.echo(f"  {text}")


def _warn(found: Mapping[str, Any]) -> None:
    for text in found.get("state_warnings", ()):
        click.echo(f"Warning: {text}", err=True)


@click.command(name="checkpoints", short_help="List the checkpoints that are kept of a host.")
@click.option("--host", default="", metavar="HOST", help="The inventory host; see 'host'.")
@click.option("--json", "as_json", is_flag=True, help="The whole checkpoints as JSON.")
def checkpoints_command(host: str, as_json: bool) -> None:
    """List the checkpoints that are kept of a host, the newest first."""
    found = checkpoints.listing(host_of(Flags(host=host)))
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif found:
        print_table(COLUMNS, [row(each) for each in found])
    else:
        click.echo("No checkpoint is kept.")


def row(each: Checkpoint) -> list[str]:
    """A checkpoint in a table."""
    vmids = [", ".join(str(guest["vmid"]) for guest in each.get(name, ())) for name in ("guests", "removals")]
    return [str(each["name"]), str(each["created"]), *vmids, "; ".join(each.get("lost", ()))]


CHECKPOINT_FRONTS: Mapping[str, Front] = {
    "state-checkpoint": Front(checkpoint, help="Snapshots are taken of the guests that would be changed."),
    "state-rollback": Front(
        rollback, (NAMED,), "What can't be brought back is said, and refused, before anything is done."
    ),
    "state-checkpoint-remove": Front(remove, (NAMED,)),
}
"""By the verb's name."""
