# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests ask of a lab, in the same process and over its socket; and the same on the command line."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from lab import faults_cli
from lab.api.faults_kinds import KINDS
from lab.cli import lab as command_line
from lab.control_client import Controlled
from lab.control_socket import SocketControl
from lab.errors import LabError

from .conftest import Client

HOUR = 3600


@pytest.fixture
def over_socket(client: Client, tmp_path: Path) -> Iterator[SocketControl]:
    """The control endpoint of ``client``'s lab, over a Unix socket."""
    path = tmp_path / "control.sock"

    async def listen() -> web.AppRunner:
        runner = web.AppRunner(client.lab.api.control_app())
        await runner.setup()
        await web.UnixSite(runner, str(path)).start()
        return runner

    runner = client.lab.call(listen())
    yield SocketControl(path)
    client.lab.call(runner.cleanup())


@pytest.fixture(params=["in process", "over its socket"])
def lab(request: pytest.FixtureRequest, client: Client, over_socket: SocketControl) -> Controlled:
    """A lab, asked in both ways."""
    return client.lab if request.param == "in process" else over_socket


def test_faults_are_added_listed_and_removed(client: Client, lab: Controlled) -> None:
    number = lab.faults.add("fail", status=503, path="/version")
    assert lab.faults.in_force() == [{"id": number, "kind": "fail", "path": "/version", "status": 503, "struck": 0}]
    assert client.ask("GET", "/version").status_code == 503
    assert number is not None
    lab.faults.remove(number)
    assert client.ask("GET", "/version").status_code == 200
    assert lab.faults.add("expire-tickets") is None
    lab.faults.add("drop")
    lab.faults.clear()
    assert lab.faults.in_force() == []


def test_a_fault_can_last_for_a_block(client: Client, lab: Controlled) -> None:
    with lab.fault("fail", status=503), pytest.raises(ZeroDivisionError), lab.fault("latency", seconds=0):
        assert client.ask("GET", "/version").status_code == 503
        raise ZeroDivisionError
    assert lab.faults.in_force() == []


@pytest.mark.parametrize(
    ("method", "path", "document", "complaint"),
    [
        ("POST", "/faults", {"kind": "latency"}, "the fault 'latency' needs 'seconds'"),
        ("POST", "/faults", None, "a fault is an object with a 'kind'"),
        ("DELETE", "/faults/7", None, "there is no fault with the id 7; in force are none"),
        ("DELETE", "/faults/x", None, "the id of a fault is a number, not 'x'"),
        ("GET", "/requests?colour=blue", None, "requests are not selected by 'colour'"),
        ("GET", "/requests?since=noon", None, "could not convert string to float: 'noon'"),
        ("GET", "/nope", None, "the control endpoint has no GET /nope"),
        ("PUT", "/clock", {"rate": -1}, "the clock's rate is 0 (it stands still) or more, not -1"),
        ("PUT", "/clock", {"speed": 1}, "the clock takes numbers for rate and forward, not {'speed': 1}"),
        ("PUT", "/clock", {}, "the clock takes numbers for rate and forward, not {}"),
    ],
)
def test_what_the_control_endpoint_refuses(
    lab: Controlled, method: str, path: str, document: Any, complaint: str
) -> None:
    with pytest.raises(LabError) as refused:
        lab.control(method, path, document)
    assert str(refused.value) == complaint


def test_requests_are_selected(client: Client, lab: Controlled) -> None:
    client.ask("GET", "/version")
    client.ask("GET", "/nope")
    client.ask("POST", "/pools", poolid="a")
    client.ask("POST", "/pools", poolid="a")

    def paths(**selection: Any) -> list[tuple[str, int]]:
        return [(item.path, item.status) for item in lab.requests(**selection)]

    assert len(paths()) == 4
    assert paths(method="GET", path="/v*") == [("/version", 200)]
    assert paths(method="POST", status="5*") == [("/pools", 500)]
    assert paths(writes=1) == [(item.path, item.status) for item in lab.writes()] == [("/pools", 200)]
    assert paths(user="joe@pve") == []
    assert paths(since=time.time() + HOUR) == []
    lab.clear_requests()
    assert lab.requests() == []


def test_requests_are_expected(client: Client, lab: Controlled) -> None:
    client.ask("GET", "/version")
    client.ask("POST", "/pools", poolid="a")
    lab.assert_requests(["GET /version", "POST /p*"])
    lab.assert_requests(["POST /pools"], writes=1)
    with pytest.raises(AssertionError) as failed:
        lab.assert_requests(["GET /version"])
    assert str(failed.value) == (
        "The lab was to be asked:\n  GET /version\nIt was asked:\n"
        "  GET    200       /version\n"
        "  POST   200 write /pools"
    )


def test_no_writes_are_expected(client: Client, lab: Controlled) -> None:
    client.ask("POST", "/pools", poolid="before")
    with lab.no_writes():
        client.ask("GET", "/version")
    with pytest.raises(AssertionError) as failed, lab.no_writes():
        client.ask("POST", "/pools", poolid="a")
    assert str(failed.value) == "Nothing was to be changed, but the lab was asked:\n  POST   200 write /pools"


def test_the_clock_is_set(client: Client, lab: Controlled) -> None:
    assert (lab.clock.rate, lab.clock.shift) == (1, 0)
    before = lab.clock.now()
    lab.clock.forward(HOUR)
    lab.clock.forward(HOUR)
    lab.clock.rate = 0
    assert (lab.clock.rate, lab.clock.shift) == (0, 2 * HOUR)
    now = lab.clock.now()
    assert 2 * HOUR <= now - before < 2 * HOUR + 60
    assert int(client.lab.api.clock.now()) == int(now)


# ------------------------------------------------------------- command line


@pytest.fixture
def run(over_socket: SocketControl, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs ``lab ...`` against the lab of ``client``."""
    monkeypatch.setattr(faults_cli, "_lab", lambda: over_socket)

    def command(*words: str) -> Result:
        return CliRunner().invoke(command_line, words)

    return command


def test_faults_on_the_command_line(client: Client, run: Any) -> None:
    words = ("--status", "503", "--path", "/version", "--errors", "a=b", "--errors", "c=d")
    assert run("faults", "add", "fail", *words).output == "Fault 1 is in force.\n"
    assert client.ask("GET", "/version").json()["errors"] == {"a": "b", "c": "d"}
    assert run("faults", "list").output == (
        "   1  fail  path=/version status=503 errors=['a=b', 'c=d']  (struck 1 times)\n"
    )
    assert json.loads(run("faults", "list", "--json").output)[0]["struck"] == 1
    assert run("faults", "remove", "1").output == ""
    assert run("faults", "add", "garbage", "--form", "html", "--before").output == "Fault 2 is in force.\n"
    assert run("faults", "clear").output == run("faults", "list").output == ""
    assert run("faults", "add", "expire-tickets").output == "Done.\n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("faults", "add", "nope"), "No such command 'nope'"),
        (("faults", "add", "latency"), "Missing option '--seconds'"),
        (("faults", "add", "deaf", "--vmid", "7"), "Error: there is no VM 7"),
        (("faults", "remove", "7"), "Error: there is no fault with the id 7; in force are none"),
        (("clock", "--shift", "soon"), "'soon' is no duration; write 90, 90s, 15m, 3h or 1d"),
    ],
)
def test_what_the_command_line_refuses(run: Any, words: tuple[str, ...], complaint: str) -> None:
    result = run(*words)
    assert result.exit_code != 0
    assert complaint in result.output


def test_the_kinds_are_told(run: Any) -> None:
    told = json.loads(run("faults", "kinds", "--json").output)
    assert [entry["kind"] for entry in told] == list(KINDS)
    latency = told[0]
    assert latency["example"] == "lab faults add latency --seconds 0.2 --jitter 0.1 --path '/nodes/*/qemu/*'"
    assert latency["fields"]["seconds"] == {
        "help": "before the request is worked on",
        "takes": "a number of seconds from 0",
        "required": True,
    }
    text = run("faults", "kinds").output
    assert all(f"\n    ./run.sh {entry['example']}\n" in text for entry in told)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_example_is_a_command(run: Any, kind: str) -> None:
    help_text = run("faults", "add", kind, "--help")
    assert help_text.exit_code == 0
    assert f"Example: ./run.sh lab faults add {kind}" in " ".join(help_text.output.split())


def test_the_clock_on_the_command_line(client: Client, run: Any) -> None:
    told = run("clock", "--shift", "3h", "--rate", "60").output
    assert told.endswith("in the lab: 60 seconds a second, 10800 s put forward.\n")
    assert json.loads(run("clock", "--json").output)["shift"] == 3 * HOUR
    assert client.lab.api.clock.rate == 60


def test_requests_on_the_command_line(client: Client, run: Any) -> None:
    client.ask("GET", "/version")
    assert run("requests", "--fail-on-writes").exit_code == 0
    client.ask("POST", "/pools", poolid="a")
    result = run("requests", "--method", "POST", "--since", "1h", "--fail-on-writes", "--reset")
    assert (result.exit_code, result.output) == (3, "POST   200 write /pools\n")
    assert run("requests", "--json").output == "[]\n"
