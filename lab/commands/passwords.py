# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords asked for, or read from what is piped into a command (PVE/PTY.pm), and values read from files."""

from __future__ import annotations

import sys

from lab.commands.client import CommandError


def read(question: str) -> str:
    """A password: typed, or a line of standard input."""
    if sys.stdin.isatty():
        import getpass  # noqa: PLC0415 - only a terminal needs it

        return getpass.getpass(question)
    line = sys.stdin.readline()
    if not line:
        raise CommandError("EOF while reading password")
    return line.removesuffix("\n")


def confirmed(given: str) -> str:
    """The password given, or one that is typed twice."""
    if given:
        return given
    first, second = read("Enter new password: "), read("Retype new password: ")
    if first != second:
        raise CommandError("passwords do not match")
    return first


def once(given: str) -> str:
    """The password given, or one that is asked for."""
    return given or read("Enter Password: ")


def of_file(path: str) -> str:
    """The content of a file that an option names. Raises CommandError."""
    try:
        with open(path, encoding="utf-8") as stream:  # noqa: PTH123 - pathlib takes longer to import than to read
            return stream.read()
    except OSError as error:
        raise CommandError(f"can't open '{path}' - {error.strerror}", error.errno or 255) from error
