"""The command line's options about a run, typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import click


@dataclass(frozen=True)
class Flags:
    """What the user gave; the defaults are what it means not to give it.

    Attributes:
        start: the phase given with --from.
        timeout: seconds for the whole run.
        verbose: how many times -v was given.
        quiet: whether only what went wrong is told of the run itself; what it found is printed instead.
    """

    host: str = ""
    only: tuple[str, ...] = ()
    start: str | None = None
    skip: tuple[str, ...] = ()
    extra_vars: tuple[str, ...] = ()
    context_file: Path | None = None
    keep_on_failure: bool = False
    adopt: bool = False
    inventory: tuple[str, ...] = ()
    vault_password_file: str | None = None
    verbose: int = 0
    json_output: bool = False
    timeout: float | None = None
    yes: bool = False
    dry_run: bool = False
    quiet: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Flags:
        """Pick what concerns a run from click's options."""
        return cls(**{field.name: options[field.name] for field in fields(cls) if field.name in options})


Decorated = TypeVar("Decorated", Callable[..., None], click.Command)

LOOK_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--inventory", multiple=True, metavar="PATH", help="Ansible inventory; repeatable."),
    click.option("--vault-password-file", metavar="FILE", help="Opens what ansible-vault closed."),
    click.option("-v", "--verbose", count=True, help="Show Ansible's output; more v, more of it."),
    click.option("--json-output", is_flag=True, help="One JSON document on stdout, everything else on stderr."),
    click.option(
        "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="For the whole run."
    ),
)
CHANGE_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--yes", is_flag=True, help="Do not ask before guests are removed."),
    click.option("--dry-run", is_flag=True, help="Show what would run; touches no host."),
)


def look_options(command: Decorated) -> Decorated:
    """Add the options every command about a host has."""
    return _with(LOOK_OPTIONS, command)


def change_options(command: Decorated) -> Decorated:
    """Add the options of commands that may change something."""
    return _with(CHANGE_OPTIONS, command)


def _with(options: tuple[Callable[[Any], Any], ...], command: Decorated) -> Decorated:
    for option in reversed(options):
        command = option(command)
    return command
