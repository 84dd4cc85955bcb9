"""``./run.sh audit``: look at the audit log, or verify it."""

from __future__ import annotations

import json
import sys

import click

from scenarios import audit as log


@click.group()
def audit() -> None:
    """The log of every run: who did what to which host, when, and how it went."""


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="The entries as they are, one JSON object a line.")
@click.option("--host", help="Only entries about this host.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the last N entries.")
def show(as_json: bool, host: str | None, last: int | None) -> None:
    """List the entries, oldest first."""
    entries = [(line, _parsed(line)) for line in log.read(log.default_path())]
    chosen = [(line, entry) for line, entry in entries if not host or entry.get("host") == host]
    for line, entry in chosen[-(last or len(chosen)) :]:
        click.echo(line if as_json else described(entry))


def _parsed(line: str) -> log.Entry:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def described(entry: log.Entry) -> str:
    """An entry as one line of text."""
    if not entry:
        return "(unreadable entry: see './run.sh audit verify')"
    known = ("entry", "time", "event", "host", "scenario", "run_id", "previous")
    rest = " ".join(f"{name}={json.dumps(value)}" for name, value in entry.items() if name not in known and value != "")
    return " ".join(str(entry.get(name, "")) for name in known[:-1]) + (f" {rest}" if rest else "")


@audit.command()
def verify() -> None:
    """Check that no entry was changed, removed or moved. Exit code 1 if one was."""
    path = log.default_path()
    lines = log.read(path)
    problem = log.problem(lines, log.read_head(path))
    if problem:
        click.echo(f"The audit log {path} was tampered with or damaged: {problem}.")
        sys.exit(1)
    click.echo(f"{len(lines)} entries, none changed, removed or moved: {path}")
