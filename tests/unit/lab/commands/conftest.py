# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines on the node father, against an API on a Unix socket."""

from __future__ import annotations

import io
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from lab.api.daemon import open_unix
from lab.api.serving import ServedLab
from lab.commands import __main__ as command
from lab.commands import client


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(
    lab_api: ServedLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Runs a command line on the node father; ``stdin`` is what is piped into it."""
    path = tmp_path / "api.sock"

    async def listen() -> web.AppRunner:
        runner = web.AppRunner(lab_api.api.application())
        await runner.setup()
        await web.SockSite(runner, open_unix(path)).start()
        return runner

    runner = lab_api.call(listen())
    monkeypatch.setenv(client.SOCKET_VARIABLE, str(path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setattr(socket, "gethostname", lambda: "father")

    def call(*words: str, stdin: str = "") -> Result:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = command.main(words)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    yield call
    lab_api.call(runner.cleanup())
