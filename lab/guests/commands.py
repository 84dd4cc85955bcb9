# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs programs from a guest's init, without the import time of :mod:`subprocess`."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Signals that Python ignores and programs expect at their default.
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)
_Action = tuple[int, int, str, int, int] | tuple[int, int, int]
ENVIRONMENT = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"}


class CommandFailedError(Exception):
    """A program of the boot ended with an error; the text names both."""


def start(argv: Sequence[str], environment: Mapping[str, str] = ENVIRONMENT, output: str | None = None) -> int:
    """Start a program with no input, in a session of its own; ``output`` is appended to. Returns its pid."""
    actions: list[_Action] = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)]
    if output is not None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        actions += [(os.POSIX_SPAWN_OPEN, number, output, flags, 0o640) for number in (1, 2)]
    return _spawn(argv, environment, actions, new_session=True)


def run(argv: Sequence[str], text: str = "") -> None:
    """Run a program to its end with ``text`` (less than a pipe holds) as input. Raises CommandFailedError."""
    reader, writer = os.pipe()
    os.write(writer, text.encode())
    os.close(writer)
    pid = _spawn(argv, ENVIRONMENT, [(os.POSIX_SPAWN_DUP2, reader, 0)])
    os.close(reader)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code != 0:
        raise CommandFailedError(f"{' '.join(argv)} ended with {code}")


def _spawn(
    argv: Sequence[str], environment: Mapping[str, str], actions: list[_Action], *, new_session: bool = False
) -> int:
    return os.posix_spawn(
        argv[0],
        list(argv),
        environment,
        file_actions=actions,
        setsid=new_session,
        setsigmask=[],
        setsigdef=_DEFAULT_SIGNALS,
    )
