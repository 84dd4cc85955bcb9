"""An apply between a checkpoint and, where it fails and that is wanted, the way back to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from scenarios import checkpoints
from scenarios.errors import DriverError
from scenarios.state_apply import ApplyAction
from scenarios.state_checkpoint_verbs import CHECKPOINT, ROLLBACK
from scenarios.state_front import Asked, conducted
from scenarios.verb import Verb

Kept = Mapping[str, Any]
"""What a checkpoint published."""


def wanted(asked: Asked) -> bool:
    """Whether a checkpoint is made: to roll back, there has to be one."""
    return bool(asked.own["checkpoint"] or asked.own["rollback_on_failure"])


def checkpoint(asked: Asked) -> Kept:
    """Make one of what the documents are about to change. Raises DriverError when that failed: nothing is applied."""
    report, told = conducted(_as(asked, CHECKPOINT))
    kept: Kept = told.get("state_checkpoint") or {}
    if kept:
        # Also one that broke off: its snapshots have to be removed.
        checkpoints.save(report.host, kept)
    if not report.success:
        raise DriverError("There is no checkpoint, so nothing was applied.")
    click.echo(f"Checkpoint {kept.get('name')}: go back to it with ./run.sh state rollback", err=True)
    return kept


def after_failure(asked: Asked, kept: Kept) -> None:
    """Go back, if that was asked for. Raises DriverError when that failed too."""
    if not asked.own["rollback_on_failure"]:
        return
    report, told = conducted(_as(asked, ROLLBACK).given(state_checkpoint=dict(kept)), ApplyAction)
    for line in told.get("state_rollback") or []:
        click.echo(line, err=True)
    if not report.success:
        raise DriverError(f"The rollback to checkpoint {kept.get('name')} failed as well.")
    click.echo("What had been done was rolled back.", err=True)


def _as(asked: Asked, verb: Verb) -> Asked:
    """Another verb with those of the inputs that it knows, and without a document of its own on stdout."""
    known = {each.name for each in verb.inputs}
    inputs = {name: value for name, value in asked.inputs.items() if name in known}
    return replace(asked, verb=verb, inputs=inputs, flags=replace(asked.flags, json_output=False, yes=True))
