"""Questions to whoever sits at the terminal."""

from __future__ import annotations

import sys

import click

from scenarios.errors import DriverError


def interactive() -> bool:
    """Whether somebody can be asked: stdout may go elsewhere."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def agreed(text: str) -> bool:
    """Whether somebody says yes to what would happen."""
    return click.confirm(f"{text} Go on?", err=True)


def leave(text: str) -> None:
    """Go on only where somebody says so. Raises DriverError: nobody can be asked, or the answer is no."""
    if not interactive():
        raise DriverError(f"{text} Nobody can be asked here: give --yes for that. Nothing was done.")
    if not agreed(text):
        raise DriverError("Not confirmed; nothing was done.")
