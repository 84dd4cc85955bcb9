# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python3 -m lab.commands NAME ARGUMENTS``: one of PVE's commands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

from lab.commands.client import CommandError

if TYPE_CHECKING:
    from lab.commands.command import Tree

# Command -> module and its table of commands, its single command, or a function; imported only when it is called.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "ha-manager": ("ha_manager", "HA_MANAGER"),
    "pct": ("pct", "PCT"),
    "pve-firewall": ("small", "PVE_FIREWALL"),
    "pveam": ("small", "PVEAM"),
    "pvecm": ("pvecm", "PVECM"),
    "pvenode": ("pvenode", "PVENODE"),
    "pvesh": ("pvesh", "main"),
    "pvesm": ("pvesm", "PVESM"),
    "pvesubscription": ("small", "PVESUBSCRIPTION"),
    "pveum": ("pveum", "PVEUM"),
    "pveversion": ("pveversion", "pveversion"),
    "qm": ("qm", "QM"),
    "qmrestore": ("qm", "QMRESTORE"),
    "vzdump": ("small", "VZDUMP"),
}
UNKNOWN = 127
INTERRUPTED = 130
Run = Callable[[Sequence[str]], "str | int | None"]


def runner(name: str) -> Run:
    """What runs a command: it returns the exit code or what is to be printed. Raises CommandError for no command."""
    if name not in COMMANDS:
        raise CommandError(f"unknown command {name!r}; known are {', '.join(sorted(COMMANDS))}", UNKNOWN)
    module, attribute = COMMANDS[name]
    found = getattr(import_module(f"lab.commands.{module}"), attribute)
    if callable(found):
        return cast(Run, found)
    from lab.commands import command, tree  # noqa: PLC0415

    if isinstance(found, command.Command):
        return lambda words: tree.run_single(name, found, words)
    return lambda words: tree.run(name, cast("Tree", found), words)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if not words:
            raise CommandError(f"which command? One of {', '.join(sorted(COMMANDS))}")
        result = runner(words[0])(words[1:])
        sys.stdout.write(result if isinstance(result, str) else "")
        sys.stdout.flush()
    except CommandError as error:
        sys.stdout.flush()
        sys.stderr.write(f"{error}\n" if str(error) else "")
        return error.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; Python would complain when it closes it.
        sys.stdout = None
        return INTERRUPTED
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
