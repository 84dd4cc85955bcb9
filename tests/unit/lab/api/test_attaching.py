# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way into containers: requests with files over a Unix socket, answered by a container that pretends."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.api.attaching import AttachServer, socket_beside
from lab.commands import attach, containers
from lab.commands.client import SOCKET_VARIABLE, CommandError
from lab.guests.host import open_unix

from .conftest import Client
from .test_containers import LXC, make, node

__all__ = ["node"]
VMID = "200"


@pytest.fixture
def door(node: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A node with a running container, and a socket into it."""
    make(node, start=1)

    async def start() -> AttachServer:
        server = AttachServer(node.lab.api, "father")
        server.start(open_unix(socket_beside(tmp_path / "api.sock")))
        return server

    server = node.lab.call(start())
    monkeypatch.setenv(SOCKET_VARIABLE, str(tmp_path / "api.sock"))
    yield node
    node.lab.call(server.stop())


@pytest.fixture
def standard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Calls something with files of its own as input, output and errors; its exit code and what it wrote."""
    opened: list[int] = []

    def run(work: Callable[[dict[str, Any]], None], values: dict[str, Any], given: str = "") -> tuple[int, str, str]:
        paths = [tmp_path / name for name in ("in", "out", "err")]
        paths[0].write_text(given)
        files = tuple(os.open(path, os.O_RDWR | os.O_CREAT) for path in paths)
        opened.extend(files)
        for path in paths[1:]:
            path.write_text("")
        monkeypatch.setattr(attach, "STANDARD", files)
        try:
            work(values)
        except CommandError as error:
            return error.code, paths[1].read_text(), paths[2].read_text() + str(error)
        return 0, paths[1].read_text(), paths[2].read_text()

    yield run
    for descriptor in opened:
        os.close(descriptor)


def command(*words: str) -> dict[str, Any]:
    return {"vmid": VMID, "extra-args": list(words)}


def test_a_command_has_the_callers_files_and_its_exit_code(door: Client, standard: Any) -> None:
    script = "echo out; echo err >&2; exit 7"
    assert standard(containers.exec_command, command("sh", "-c", script)) == (7, "out\n", "err\n")
    assert standard(containers.exec_command, command("cat"), "given\n") == (0, "given\n", "")
    assert standard(containers.exec_command, command("hostname")) == (0, "CT200\n", "")


def test_a_program_that_is_not_there(door: Client, standard: Any) -> None:
    failed = 'lxc-attach: 200: No such file or directory - Failed to exec "nope"\n'
    assert standard(containers.exec_command, command("nope")) == (127, "", failed)
    assert standard(containers.exec_command, command()) == (255, "", "missing command")


@pytest.mark.parametrize(
    ("vmid", "code", "text"),
    [
        ("999", 2, "Configuration file 'nodes/father/lxc/999.conf' does not exist"),
        ("201", 255, "container '201' not running!"),
    ],
)
def test_containers_that_cannot_be_entered(door: Client, standard: Any, vmid: str, code: int, text: str) -> None:
    make(door, 201)
    values = {"vmid": vmid, "extra-args": ["true"]}
    assert standard(containers.exec_command, values) == (code, "", text)
    if vmid == "201":
        files = {"file": __file__, "destination": "/x", "path": "/x"}
        assert standard(containers.push, {**values, **files})[2] == "can only push files to a running CT"


def test_files_go_in_and_come_out(door: Client, standard: Any, tmp_path: Path, capfd: Any) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(range(256)) * 1000)
    given = {"vmid": VMID, "file": str(source), "destination": "/etc/blob", "perms": "640", "group": "www-data"}
    assert standard(containers.push, given)[0] == 0
    assert standard(containers.exec_command, command("stat", "-c", "x", "/etc/blob"))[1] == "640 root www-data\n"
    taken = {"vmid": VMID, "path": "/etc/blob", "destination": str(target), "perms": "600"}
    assert standard(containers.pull, taken)[0] == 0
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_copy_that_fails_says_so_and_ends_well_as_on_pve(door: Client, tmp_path: Path, capfd: Any) -> None:
    containers.pull({"vmid": VMID, "path": "/nope", "destination": str(tmp_path / "x")})
    containers.push({"vmid": VMID, "file": "/nope", "destination": "/x"})
    containers.push({"vmid": VMID, "file": __file__, "destination": "/etc/x", "user": "nobody-knows"})
    assert capfd.readouterr().err.splitlines() == [
        "failed to open /nope: No such file or directory",
        "failed to open /nope for reading",
        "invalid user 'nobody-knows'",
    ]


def test_pulling_from_a_stopped_container_makes_no_file(door: Client, tmp_path: Path) -> None:
    assert door.run("POST", f"{LXC}/200/status/stop") == "OK"
    with pytest.raises(CommandError, match="can only pull files from a running VM"):
        containers.pull({"vmid": VMID, "path": "/etc/x", "destination": str(tmp_path / "x")})
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "text", [b"no json\n", b"[]\n", b"", b'{"vmid": 200}\n'], ids=["text", "list", "empty", "poor"]
)
def test_a_request_that_is_none_harms_nobody(door: Client, standard: Any, tmp_path: Path, text: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(tmp_path / "attach.sock"))
        connection.settimeout(10)
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert standard(containers.exec_command, command("true"))[0] == 0


def test_a_request_without_what_it_needs_is_told_so(door: Client) -> None:
    with pytest.raises(CommandError, match="the request cannot be read: KeyError"):
        attach.request({"vmid": VMID}, (0, 1, 2))


def test_the_environment_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("SSL_CERT_FILE", "/x")
    monkeypatch.setenv("MINE", "kept")
    kept = containers.environment(keep=True)
    assert (kept["MINE"], kept["container"]) == ("kept", "lxc")
    assert "SSL_CERT_FILE" not in kept
    assert containers.environment(keep=False) == {"PATH": containers.PATH, "container": "lxc", "TERM": "dumb"}


def test_an_answer_that_is_missing_is_a_failure() -> None:
    assert attach.answer(b"") == attach.ENDED_EARLY
    assert attach.answer(json.dumps({"code": 3}).encode()) == 3
