"""The command line's options about a run, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Flags:
    """What the user gave; the defaults are what it means not to give it.

    Attributes:
        start: the phase given with --from.
        timeout: seconds for the whole run.
        verbose: how many times -v was given.
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

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Flags:
        """Pick what concerns a run from click's options."""
        return cls(**{field.name: options[field.name] for field in fields(cls) if field.name in options})
