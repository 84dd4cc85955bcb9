# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files and the few programs of a guest that only pretends: enough for its agent to be asked for real work.

Everything happens in memory; nothing of the machine is read, written or run. A program that isn't in the table
doesn't exist, as in a guest that hasn't installed it.
"""

from __future__ import annotations

import base64
import binascii
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, takewhile

from lab.guests.agent import DIRECTORY, MAX_OUTPUT, NEW_FILE_MODE, file_error, not_executed
from lab.guests.driver import GuestError

MISSING = "No such file or directory"
INSTALLED_MODE = 0o755
"""What ``install`` gives a file unless told."""

FOLDERS = ("/etc", "/root", "/srv", "/tmp", "/var", "/var/lib")  # noqa: S108 - in the guest
NOT_FOUND = 127


@dataclass(frozen=True)
class File:
    """A file of the guest."""

    content: bytes = b""
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"


@dataclass(frozen=True)
class Ended:
    """How a program ends, ``after`` seconds from its start."""

    code: int = 0
    out: bytes = b""
    err: bytes = b""
    after: float = 0.0

    def then(self, later: Ended) -> Ended:
        """This one, and ``later`` after it."""
        return Ended(later.code, self.out + later.out, self.err + later.err, self.after + later.after)


class ProgramError(Exception):
    """A program complains and ends with status 1."""


@dataclass
class Userland:
    """One guest's files, and its programs."""

    hostname: str
    files: dict[str, File] = field(default_factory=dict)

    def read(self, path: str) -> bytes:
        """The agent's ``file-read``. Raises GuestError with its words."""
        if path not in self.files:
            raise GuestError(file_error(path, "r", DIRECTORY if self.is_folder(path) else MISSING))
        return self.files[path].content

    def write(self, path: str, content: bytes) -> None:
        """The agent's ``file-write``: a file keeps its mode, everybody may write to a new one."""
        try:
            self.store(path, replace(self.files.get(path) or File(mode=NEW_FILE_MODE), content=content))
        except ProgramError as error:
            raise GuestError(file_error(path, "wb", str(error))) from error

    def is_folder(self, path: str) -> bool:
        """Whether the path is a folder of every guest, or one with a file below it."""
        return path.rstrip("/") in ("", *FOLDERS) or any(
            known.startswith(path.rstrip("/") + "/") for known in self.files
        )

    def store(self, path: str, file: File) -> None:
        """Make or replace a file. Raises ProgramError with the system's reason."""
        if self.is_folder(path):
            raise ProgramError(DIRECTORY)
        if not self.is_folder(path.rpartition("/")[0] or "/"):
            raise ProgramError(MISSING)
        self.files[path] = file

    def put(self, path: str, content: bytes, mode: str | None, user: str | None, group: str | None) -> None:
        """``pct push``: a file keeps what it has of mode and owners unless told. Raises ProgramError in pct's words."""
        old = self.files.get(path, File())
        new = replace(
            old,
            content=content,
            mode=old.mode if mode is None else int(mode, 8),
            owner=_account("user", user) if user else old.owner,
            group=_account("group", group) if group else old.group,
        )
        try:
            self.store(path, new)
        except ProgramError as error:
            raise ProgramError(f"failed to create file: {path}: {error}") from error

    def content(self, path: str) -> bytes:
        """``pct pull``. Raises ProgramError with pct's words."""
        if path not in self.files:
            raise ProgramError(f"failed to open {path}: {DIRECTORY if self.is_folder(path) else MISSING}")
        return self.files[path].content

    def run(self, argv: Sequence[str], stdin: bytes = b"") -> Ended:
        """Run a program. Raises GuestError with the agent's words when there is none of that name."""
        program = PROGRAMS.get(argv[0].rpartition("/")[2])
        if program is None:
            raise not_executed(argv[0])
        try:
            return program(self, list(argv[1:]), stdin)
        except ProgramError as error:
            return Ended(1, err=f"{argv[0]}: {error}\n".encode())

    def file(self, path: str) -> File:
        """A file for a program that reads it."""
        if path == "/dev/null":
            return File()
        if path not in self.files:
            raise ProgramError(f"{path}: {DIRECTORY if self.is_folder(path) else MISSING}")
        return self.files[path]


Program = Callable[[Userland, list[str], bytes], Ended]


def _cat(system: Userland, words: list[str], stdin: bytes) -> Ended:
    return Ended(out=b"".join(system.file(word).content for word in words) if words else stdin)


def _cp(system: Userland, words: list[str], _stdin: bytes) -> Ended:
    """An existing target keeps its owner and mode."""
    source, target = words
    new = system.file(source)
    system.store(target, replace(system.files.get(target, new), content=new.content))
    return Ended()


def _base64(_system: Userland, _words: list[str], stdin: bytes) -> Ended:
    """Only ``-d``."""
    try:
        return Ended(out=base64.b64decode(stdin, validate=True))
    except binascii.Error:
        raise ProgramError("invalid input") from None


def _chmod(system: Userland, words: list[str], _stdin: bytes) -> Ended:
    mode, path = words
    system.store(path, replace(system.file(path), mode=int(mode, 8)))
    return Ended()


def _chown(system: Userland, words: list[str], _stdin: bytes) -> Ended:
    """``OWNER``, ``OWNER:GROUP`` or ``:GROUP``."""
    (owner, _, group), path = words[0].partition(":"), words[1]
    old = system.file(path)
    owner, group = _account("user", owner or old.owner), _account("group", group or old.group)
    system.store(path, replace(old, owner=owner, group=group))
    return Ended()


def _echo(_system: Userland, words: list[str], _stdin: bytes) -> Ended:
    return Ended(out=(" ".join(words) + "\n").encode())


def _head(_system: Userland, words: list[str], _stdin: bytes) -> Ended:
    """Only ``-c N /dev/zero``."""
    return Ended(out=bytes(min(int(words[1]), MAX_OUTPUT + 1)))


def _hostname(system: Userland, _words: list[str], _stdin: bytes) -> Ended:
    return Ended(out=f"{system.hostname}\n".encode())


def _install(system: Userland, words: list[str], _stdin: bytes) -> Ended:
    """``[-m MODE] [-o OWNER] [-g GROUP] SOURCE TARGET``: the target is a new file."""
    *given, source, target = words
    options = dict(zip(given[::2], given[1::2], strict=True))
    new = File(
        system.file(source).content,
        int(options.get("-m", f"{INSTALLED_MODE:o}"), 8),
        _account("user", options.get("-o", "root")),
        _account("group", options.get("-g", "root")),
    )
    system.store(target, new)
    return Ended()


def _account(kind: str, name: str) -> str:
    if name not in ("root", "www-data", "daemon"):
        raise ProgramError(f"invalid {kind} '{name}'")
    return name


def _rm(system: Userland, words: list[str], _stdin: bytes) -> Ended:
    """``-f -- FILE``."""
    path = words[-1]
    if system.is_folder(path):
        raise ProgramError(f"cannot remove '{path}': {DIRECTORY}")
    system.files.pop(path, None)
    return Ended()


def _sleep(_system: Userland, words: list[str], _stdin: bytes) -> Ended:
    return Ended(after=float(words[0]))


def _stat(system: Userland, words: list[str], _stdin: bytes) -> Ended:
    """``-c FORMAT FILE``; whatever the format, it tells mode, owner and group."""
    file = system.file(words[-1])
    return Ended(out=f"{file.mode:o} {file.owner} {file.group}\n".encode())


def _touch(system: Userland, words: list[str], _stdin: bytes) -> Ended:
    system.store(words[0], system.files.get(words[0], File()))
    return Ended()


def _sh(system: Userland, words: list[str], stdin: bytes) -> Ended:
    """``-c SCRIPT NAME ARGUMENT``: programs one after another, ``exit N``, ``>&2``, ``>> FILE`` and ``$1``."""
    ended, argument = Ended(), words[3] if len(words) > 3 else ""  # noqa: PLR2004
    for line in _lines(words[1]):
        if line[0] == "exit":
            return replace(ended, code=int(line[1]))
        ended = ended.then(_line(system, [argument if word == "$1" else word for word in line], stdin))
    return ended


def reads_input(argv: Sequence[str]) -> bool:
    """Whether a command would wait for its input."""
    program = argv[0].rpartition("/")[2]
    if program == "sh":
        return any(reads_input([word for word in line if word[0] != ">"]) for line in _lines(" ".join(argv[2:3])))
    return program == "base64" or (program == "cat" and len(argv) == 1)


def _lines(script: str) -> Iterator[list[str]]:
    """The words of each command of a script."""
    words = shlex.shlex(script, posix=True, punctuation_chars=";")
    words.whitespace_split = True
    for is_end, line in groupby(words, lambda word: set(word) == {";"}):
        if not is_end:
            yield list(line)


def _line(system: Userland, line: list[str], stdin: bytes) -> Ended:
    """One command, with its output where it is sent."""
    argv = list(takewhile(lambda word: not word.startswith(">"), line))
    try:
        ended = system.run(argv, stdin)
    except GuestError:
        return Ended(NOT_FOUND, err=f"sh: 1: {argv[0]}: not found\n".encode())
    if line[len(argv) :] == [">&2"]:
        return replace(ended, out=b"", err=ended.err + ended.out)
    if ">>" in line:
        old = system.files.get(line[-1], File())
        system.store(line[-1], replace(old, content=old.content + ended.out))
        return replace(ended, out=b"")
    return ended


PROGRAMS: dict[str, Program] = {
    "base64": _base64,
    "cat": _cat,
    "chmod": _chmod,
    "chown": _chown,
    "cp": _cp,
    "echo": _echo,
    "false": lambda *_: Ended(1),
    "head": _head,
    "hostname": _hostname,
    "install": _install,
    "rm": _rm,
    "sh": _sh,
    "sleep": _sleep,
    "stat": _stat,
    "touch": _touch,
    "true": lambda *_: Ended(),
}
