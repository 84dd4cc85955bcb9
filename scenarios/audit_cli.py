"""``./run.sh audit``: look at the audit log, sign it, or verify it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from scenarios import audit as log
from scenarios import audit_signing, state_journal
from scenarios.errors import UsageError

GUESTS = ("vms", "containers")
FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def audit() -> None:
    """The log of every run: who did what to which host, when, and how it went."""
    # What a killed run left behind belongs into the log before somebody looks at it.
    state_journal.recover()


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="The entries as they are, one JSON object a line.")
@click.option("--host", help="Only entries about this host.")
@click.option("--run", "run_id", metavar="ID", help="Only entries of this run.")
@click.option("--kind", help="Only changes of this kind of thing, such as storage.")
@click.option("--vmid", type=int, help="Only changes of this guest.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the last N entries.")
def show(as_json: bool, last: int | None, **wanted: Any) -> None:  # noqa: ANN401 - as click hands them over
    """List the entries, oldest first."""
    entries = [(line, _parsed(line)) for line in log.read(log.default_path())]
    chosen = [(line, entry) for line, entry in entries if matches(entry, wanted)]
    for line, entry in chosen[-(last or len(chosen)) :]:
        click.echo(line if as_json else described(entry))


def matches(entry: log.Entry, wanted: Mapping[str, Any]) -> bool:
    """Whether an entry is what was asked for: by host, run_id, kind and vmid, each if it is given."""
    same = all(entry.get(name) == wanted.get(name) for name in ("host", "run_id", "kind") if wanted.get(name))
    vmid = wanted.get("vmid")
    return same and (vmid is None or str(vmid) in guests_of(entry))


def guests_of(entry: log.Entry) -> set[str]:
    """The VMIDs a change was about: its own, and those its tasks name (UPID:node:pid:start:time:type:ID:user:)."""
    return set(_guests_of(entry))


def _guests_of(entry: log.Entry) -> Iterator[str]:
    name = str(entry.get("id", ""))
    kind, _, number = name.rpartition(":")
    if entry.get("kind") in GUESTS or kind in ("vm", "ct"):
        yield number
    for upid in entry.get("upids") or ():
        parts = str(upid).split(":")
        yield from parts[6:7]


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
@click.option("--public-key", type=FILE, help="Also check that all of it is signed by this key.")
def verify(public_key: Path | None) -> None:
    """Check that no entry was changed, removed or moved. Exit code 1 if one was."""
    path = log.default_path()
    lines = log.read(path)
    problem = log.problem(lines, log.read_head(path))
    if not problem and public_key:
        digests = [log.digest(line) for line in lines]
        key = audit_signing.read_public(public_key)
        problem = audit_signing.problem(digests, audit_signing.read_signature(path), key)
    if problem:
        click.echo(f"The audit log {path} was tampered with or damaged: {problem}.")
        sys.exit(1)
    signed = ", all signed" if public_key else ""
    click.echo(f"{len(lines)} entries, none changed, removed or moved{signed}: {path}")


@audit.command()
@click.option("--key", type=FILE, required=True, help="Private ed25519 key, PEM or OpenSSH's, without a passphrase.")
def sign(key: Path) -> None:
    """Sign the log as it is now. A log that doesn't verify is not signed."""
    path = log.default_path()
    lines = log.read(path)
    if not lines:
        raise UsageError(f"There is nothing to sign: {path} has no entries.")
    problem = log.problem(lines, log.read_head(path))
    if problem:
        raise UsageError(f"The audit log {path} was tampered with or damaged, so it is not signed: {problem}.")
    audit_signing.sign(path, {"entries": len(lines), "last": log.digest(lines[-1])}, key)
    click.echo(f"{len(lines)} entries signed: {audit_signing.signature_path(path)}")


@audit.command()
@click.option("--key", "file", type=FILE, required=True, help="The private key; the public one gets .pub.")
def keygen(file: Path) -> None:
    """Make a key pair. The setting audit.key in config.yaml signs every entry with it."""
    public = audit_signing.generate(file)
    click.echo(f"{audit_signing.fingerprint(public)}: {file}, and {file}.pub, which is all that verifying needs.")
