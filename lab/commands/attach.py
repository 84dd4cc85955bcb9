# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way into a container: this process's files go with a request to the node's API, which answers with an exit code.

See :mod:`lab.api.attaching`. Where one of the files is a terminal the container gets one of its own, as lxc-attach(1)
gives it: its other end comes back, and this process carries between the two.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import termios
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lab.commands.client import SOCKET, SOCKET_VARIABLE, CommandError

NAME = "attach.sock"
BLOCK = 65536
STANDARD = (0, 1, 2)
ENDED_EARLY = 255


def request(document: Mapping[str, Any], files: tuple[int, int, int]) -> int:
    """Make a request with three files; the exit code. Raises CommandError with what the node says."""
    with _sent(document, files) as connection:
        return answer(_rest(connection))


def command(document: Mapping[str, Any]) -> int:
    """Run a command with this process's files, by way of a terminal of its own where one of them is one."""
    terminals = [number for number in STANDARD if os.isatty(number)]
    if not terminals:
        return request({**document, "terminals": []}, STANDARD)
    here, there = socket.socketpair()
    first, second, third = (there.fileno() if number in terminals else number for number in STANDARD)
    with here, _sent({**document, "terminals": terminals}, (first, second, third)) as connection:
        there.close()
        _, given, _, _ = socket.recv_fds(here, 1, 1)
        if not given:
            return answer(_rest(connection))
        with _following_size(terminals[0], given[0]), _raw(terminals):
            return answer(_carry(connection, given[0], terminals))


@contextmanager
def _sent(document: Mapping[str, Any], files: tuple[int, int, int]) -> Iterator[socket.socket]:
    path = os.path.join(os.path.dirname(os.environ.get(SOCKET_VARIABLE, SOCKET)), NAME)  # noqa: PTH118, PTH120 - quick
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(path)
        except OSError as error:
            raise CommandError(f"lxc-attach: the node's API does not answer: {error.strerror}") from error
        content = json.dumps(document).encode() + b"\n"
        sent = socket.send_fds(connection, [content[:BLOCK]], list(files))
        if content[sent:]:
            connection.sendall(content[sent:])
        yield connection


def _rest(connection: socket.socket) -> bytes:
    found = b""
    while part := connection.recv(BLOCK):
        found += part
    return found


def answer(text: bytes) -> int:
    """The exit code in an answer. Raises CommandError for a refusal."""
    document = json.loads(text or b"{}")
    if "error" in document:
        text_of_error = str(document["error"])
        raise CommandError(text_of_error, 2 if "does not exist" in text_of_error else ENDED_EARLY)
    return int(document.get("code", ENDED_EARLY))


# ---------------------------------------------------------------- terminal


def _copy_size(source: int, target: int) -> None:
    size = fcntl.ioctl(source, termios.TIOCGWINSZ, b"\0" * 8)
    fcntl.ioctl(target, termios.TIOCSWINSZ, size)


@contextmanager
def _following_size(source: int, target: int) -> Iterator[None]:
    _copy_size(source, target)
    before = signal.signal(signal.SIGWINCH, lambda *_: _copy_size(source, target))
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


@contextmanager
def _raw(terminals: list[int]) -> Iterator[None]:
    """Every key goes to the container; the terminal is as it was afterwards."""
    if 0 not in terminals:
        yield
        return
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


def _carry(connection: socket.socket, ours: int, terminals: list[int]) -> bytes:
    """Carry keys and output until the command has ended; the answer."""
    output = next((number for number in (1, 2) if number in terminals), 1)
    watched: list[Any] = [connection, ours, *([0] if 0 in terminals else [])]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if ours in ready and not _copy(ours, output):
            watched.remove(ours)
        if 0 in ready and not _copy(0, ours):
            watched.remove(0)
        if connection in ready:
            found = _rest(connection)
            while ours in watched and select.select([ours], [], [], 0)[0] and _copy(ours, output):
                pass
            return found


def _copy(source: int, target: int) -> bool:
    """Carry what there is; False at the end. A terminal that nobody holds any more cannot be read."""
    try:
        block = os.read(source, BLOCK)
    except OSError:
        return False
    while block:
        block = block[os.write(target, block) :]
        if not block:
            return True
    return False
