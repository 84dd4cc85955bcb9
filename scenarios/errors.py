"""What ends a run early, each with the exit code the shell sees.

DriverError              1
├── UsageError           2    wrong usage: unknown scenario, host, phase or input; an unusable context file
├── NotReadyError        3    the host can't be used now: unreachable, preflight failed, another run holds it
└── RunInterruptedError  130  Ctrl-C or a request to end
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DriverError(Exception):
    """A run that can't go on; ``str(error)`` is the sentence for the user."""

    exit_code = 1


class UsageError(DriverError):
    """The command line, the inventory or a file it names is wrong; nothing was touched."""

    exit_code = 2


class NotReadyError(DriverError):
    """The host can't be worked on now; nothing was changed."""

    exit_code = 3


class RunInterruptedError(DriverError):
    """A signal asked the driver to end."""

    exit_code = 130


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name nobody knows: it lists the known ones and offers the closest.

    Args:
        kind: what is looked up, as in "scenario".
        name: what the user gave.
        known: every valid name.
    """
    return UsageError(f"Unknown {kind} '{name}'.{alternatives(name, known)}")


def alternatives(name: str, known: Iterable[str]) -> str:
    """What to say behind the complaint about a name nobody knows: the closest one, and all there are."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"{hint} Known: {', '.join(names) or 'none'}."
