# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python3 -m lab.commands NAME ARGUMENTS``: one of PVE's commands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import cast

from lab.commands.client import CommandError

Run = Callable[[Sequence[str]], "str | None"]
# Command -> module and either its function or its table of verbs; imported only when it is called.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "qm": ("guests", "QM"),
    "pct": ("guests", "PCT"),
    "pvesm": ("storages", "PVESM"),
    "pveum": ("users", "PVEUM"),
    "pvesh": ("pvesh", "main"),
    "pvecm": ("node", "pvecm"),
    "pveversion": ("node", "pveversion"),
}


def runner(name: str) -> Run:
    """What runs a command. Raises CommandError for an unknown one."""
    if name not in COMMANDS:
        raise CommandError(f"unknown command {name!r}; known are {', '.join(sorted(COMMANDS))}", 127)
    module, attribute = COMMANDS[name]
    found = getattr(import_module(f"lab.commands.{module}"), attribute)
    if callable(found):
        return cast(Run, found)
    from lab.commands.verbs import main as run_verbs  # noqa: PLC0415

    return lambda arguments: run_verbs(name, found, arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if not words:
            raise CommandError(f"which command? One of {', '.join(sorted(COMMANDS))}")
        printed = runner(words[0])(words[1:])
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    if printed:
        sys.stdout.write(f"{printed}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
