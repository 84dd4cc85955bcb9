# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines on the nodes of a served API, run in this process over a Unix socket of each node."""

from __future__ import annotations

import io
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.api.doors import Door
from lab.api.serving import ServedLab
from lab.commands import __main__ as command
from lab.commands import client
from lab.guests.host import open_unix


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str


def listening(path: Path) -> socket.socket:
    """A Unix socket that listens."""
    opened = open_unix(path)
    opened.listen()
    return opened


@dataclass
class NodeCommands:
    """Runs command lines on a node; ``at`` is the API of a node."""

    at: Callable[[str], ServedLab]
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    doors: dict[str, Path] = field(default_factory=dict)

    def __call__(self, *words: str, node: str = "father", stdin: str = "") -> Result:
        """Run a command line on a node; ``stdin`` is what is piped into it."""
        self.monkeypatch.setenv(client.SOCKET_VARIABLE, str(self._door(node)))
        self.monkeypatch.setenv("LC_ALL", "C.UTF-8")
        self.monkeypatch.setattr(socket, "gethostname", lambda: node)
        self.monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = command.main(words)
        printed = self.capsys.readouterr()
        return Result(code, printed.out, printed.err)

    def _door(self, node: str) -> Path:
        """The socket of a node's commands; opened when the first one is run, and closed with the API's other doors."""
        if node not in self.doors:
            path = self.folder / f"{node}.sock"
            lab = self.at(node)

            async def open_door() -> None:
                await Door(node, lambda: listening(path)).attach(lab.api)

            lab.call(open_door())
            self.doors[node] = path
        return self.doors[node]
