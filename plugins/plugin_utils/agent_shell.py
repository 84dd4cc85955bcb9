# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shell in a VM through its guest agent, with input and files of any size.

Content goes in pieces that fit into one request each. A lot of pieces waits in files of the guest's, written by the
agent, one request a piece; the last piece of a lot is the input of the command that takes them all. So a lot costs one
command, and what an agent has to hold in memory at a time is little.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import itertools
import math
import posixpath
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial

from ansible_collections.homelab.pve.plugins.module_utils.agent import (
    NO_FILE,
    NOT_YET,
    READ_LIMIT,
    WRITE_LIMIT,
    Ended,
    FileView,
    Watch,
    asked,
    ended,
    exec_step,
    file_step,
    machine,
    place,
    read_file,
    succeeded,
)
from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import ATTEMPTS, perform
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Follow, Reader, Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    CommandError,
    ConfigError,
    FileError,
    HomelabPveError,
    OutcomeUnknownError,
    PveError,
    StepFailedError,
    WaitTimeoutError,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import GONE, Guest
from ansible_collections.homelab.pve.plugins.module_utils.tasks import looks
from ansible_collections.homelab.pve.plugins.plugin_utils import root_login

SPOOL = "/run/homelab-pve"
"""Folder in the guest for pieces: root's alone, in memory on Linux, so that what was secret is not on its disk."""

LOT = 32
"""Pieces a command takes at once: 1.3 MiB."""

GIVEN_LIMIT = 40_000
"""Bytes of a piece that goes with a command: beside it, there has to be room for the command (see WRITE_LIMIT)."""

BLOCK = 1024 * 1024
"""Bytes in a block of a file that is read by a command."""

BLOCKS = 8
"""Blocks that are read at once: well below what the agent keeps of a command's output."""

SILENCE = 300.0
"""Seconds without a word of the agent after which a running command is given up."""

PAUSE = 0.25
"""Share of the time a command has run after which it is looked at again: each look is a request."""

HELP_TIMEOUT = 300.0
"""Seconds the commands may take that move content about."""

CLEAR_TIMEOUT = 10.0
"""... and the one that removes what was left when something went wrong."""

SHELL = "/bin/sh"
LOGGED_IN = f"command=$1\nshift{root_login.ENTERED}exec {root_login.COMMAND}\n"
"""Runs the command $1 as a login of root's would: the agent itself has no HOME, and / for its working directory."""

MADE = f"mkdir -p -m 0700 {SPOOL}"
PART_TAKEN = 'set -C; : > "$1" && set +C && '
"""Makes a file that must be new: in a folder of others', somebody might have put a link there."""

DIFFERENT = 65
"""Exit status of a command that found something else than was sent (sysexits.h, EX_DATAERR)."""

CHECKED = (
    ' && case "$(sha256sum < "$1")" in "$3"*) ;; *) echo "what has arrived is not what was sent" >&2; '
    f'exit {DIFFERENT} ;; esac && if [ -d "$2" ]; then echo "it is a folder" >&2; exit {DIFFERENT}; fi '
    '&& mv -f -- "$1" "$2"'
)
"""Ends a transfer: the file $1 becomes $2 when it has the SHA-256 $3."""

SOME_BLOCKS = f'dd if="$1" bs={BLOCK} skip="$2" count={BLOCKS} 2>/dev/null'
DIGEST = 'sha256sum < "$1"'


def unpacked(content: bytes) -> tuple[bytes, str]:
    """What is sent for some input, and the command that makes the input of it: packed if that saves a request."""
    packed = gzip.compress(content, 6, mtime=0) if len(content) > WRITE_LIMIT else content
    if _requests(packed) < _requests(content):
        return packed, "gzip -dc"
    return content, "cat"


def _requests(content: bytes) -> int:
    return math.ceil(len(content) / WRITE_LIMIT)


def pieces(content: bytes) -> Iterator[bytes]:
    """The content in pieces of one request each."""
    return (content[start : start + WRITE_LIMIT] for start in range(0, len(content), WRITE_LIMIT))


def lots(content: Iterable[bytes]) -> Iterator[tuple[list[bytes], bool]]:
    """Pieces in lots, and whether it is the last one; of no content a lot of one empty piece."""
    source = iter(content)
    lot = list(itertools.islice(source, LOT)) or [b""]
    while following := list(itertools.islice(source, LOT)):
        yield lot, False
        lot = following
    yield lot, True


def appending(waiting: Sequence[str], *, new: bool) -> str:
    """The shell's command that adds the waiting files and its input to the file $1."""
    names = " ".join(waiting)
    made, removed = PART_TAKEN if new else "", f" && rm -f {names}" if waiting else ""
    return f'umask 077; {made}base64 -d | cat {names} - >> "$1"{removed}'


def fed(waiting: Sequence[str], unpack: str) -> str:
    """The shell's command that runs the command $1 with the waiting files and its own input for input.

    They are removed as soon as they are read, or the command wants no more of them.
    """
    names = " ".join(waiting)
    given = f"{{ base64 -d | cat {names} -; rm -f {names}; }}" if waiting else "base64 -d"
    return f"{given} | {unpack} | {{\n{LOGGED_IN}}}"


def divided(lot: Sequence[bytes]) -> tuple[Sequence[bytes], bytes]:
    """The pieces of a lot that go into files, and the one that goes with the command, empty if none is small enough."""
    return (lot[:-1], lot[-1]) if len(lot[-1]) <= GIVEN_LIMIT else (lot, b"")


def carried(text: str, what: str) -> str:
    """A command or a path as the API can carry it. Raises ConfigError for bytes that are no characters."""
    if "\0" in text:
        raise ConfigError(f"The {what} has a NUL byte in it, which no program can be given.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"The {what} is not UTF-8. Proxmox VE's API carries characters, not bytes.") from None
    return text


def absolute(path: str) -> str:
    """The path of a file in the guest. Raises ConfigError for one that isn't absolute."""
    if not path.startswith("/"):
        raise ConfigError(f"'{path}' is not an absolute path in the guest, as /etc/motd is.")
    return carried(path, "path")


def beside(path: str, token: str) -> str:
    """A file in the same folder, so that one can become the other at once."""
    return posixpath.join(posixpath.dirname(path), f".{token}.part")


def watched(guest: Guest, limit: float, read: Reader, answer: Values, _timeout: float) -> Ended:
    """Wait for a command's end: ``limit`` seconds, 0 for as long as it takes. Raises WaitTimeoutError."""
    watch = Watch(guest, [SHELL], int(answer["pid"]))
    heard = 0.0
    for passed in looks(limit or math.inf, share=PAUSE):
        status = watch.look(read)
        if status is not None:
            return ended(watch.pid, status)
        heard = heard if watch.trouble else passed
        if passed - heard > SILENCE:
            raise WaitTimeoutError(f"{watch.described} has not been heard of for {SILENCE:g} s{watch.trouble}.")
    raise WaitTimeoutError(
        f"{watch.described} has not ended after {limit:g} s{watch.trouble}. It is not stopped. Raise command_timeout, "
        f"or stop it in the guest: kill {watch.pid}"
    )


class AgentShell:
    """A shell in one VM. ``params`` name it (vmid or name); times are in seconds."""

    def __init__(self, client: Client, params: Values, agent_timeout: float = 0, command_timeout: float = 0) -> None:
        self.client, self._params = client, params
        self._patience, self._limit = agent_timeout, command_timeout
        self.guest = machine(client, params)

    # ------------------------------------------------------------------------------------------------ commands

    def run(self, command: str, given: bytes = b"") -> Ended:
        """A command for the shell, and how it ended. It is not run twice, whatever happens."""
        words = [carried(command, "command")]
        reason = "run a command in {}"
        if not given:
            return self._exec(LOGGED_IN, words, reason, follow=self._until_its_end)
        content, unpack = unpacked(given)
        with self._spool() as spool:
            waiting, last = spool.filled(pieces(content))
            return self._exec(fed(waiting, unpack), words, reason, last, self._until_its_end)

    def help(self, script: str, words: Sequence[str], reason: str, given: bytes = b"") -> Ended:
        """A command of our own. Raises StepFailedError with a CommandError when it fails."""
        return self._exec(script, words, reason, given, lambda guest: partial(succeeded, guest, [SHELL]))

    def _until_its_end(self, guest: Guest) -> Follow:
        return partial(watched, guest, self._limit)

    def _exec(
        self,
        script: str,
        words: Sequence[str],
        reason: str,
        given: bytes = b"",
        follow: Callable[[Guest], Follow] | None = None,
    ) -> Ended:
        argv, stdin = [SHELL, "-c", script, "sh", *words], base64.b64encode(given)
        found: Ended = self.carry(
            lambda guest: exec_step(
                guest, argv, reason.format(place(guest)), stdin=stdin, follow=follow(guest) if follow else None
            )
        )
        return found

    # ------------------------------------------------------------------------------------------------- requests

    def carry(self, made: Callable[[Guest], Step]) -> Json:
        """Carry out a step; again only where it is known that nothing was done, or that it may be done twice."""
        for _attempt in range(ATTEMPTS - 1):
            try:
                return perform(self.client, [made(self.guest)], HELP_TIMEOUT)[0]
            except StepFailedError as error:
                if error.final or not self._mended(error.cause):
                    raise
        return perform(self.client, [made(self.guest)], HELP_TIMEOUT)[0]

    def _mended(self, cause: HomelabPveError) -> bool:
        """Whether the step may be carried out again, after the reason why it failed was dealt with."""
        if isinstance(cause, OutcomeUnknownError):
            return True
        if not isinstance(cause, PveError):
            return False
        if GONE.search(cause.message):  # it has moved to another node
            self.guest = machine(self.client, self._params)
            return True
        if NO_FILE.search(cause.message):
            self.help(MADE, (), f"make the folder {SPOOL} in {{}}")
            return True
        return self._patience > 0 and NOT_YET.search(cause.message) is not None and self._awaited()

    def _awaited(self) -> bool:
        """Wait for the agent. Raises StepFailedError when it doesn't answer in time."""
        path = self.guest.path("agent", "info")
        asked(lambda: self.client.get(path), f"ask the agent of {place(self.guest)}", self._patience)
        return True

    # ---------------------------------------------------------------------------------------------------- files

    def write_file(self, content: Iterable[bytes], path: str) -> None:
        """Write a file: a private one beside it, which then takes its place. Raises FileError."""
        absolute(path)
        digest = hashlib.sha256()
        with self._spool(beside(path, secrets.token_hex(8))) as spool, self._told("write", path):
            for index, (lot, last) in enumerate(lots(_summed(content, digest.update))):
                waiting, given = spool.sent(lot)
                script = appending(waiting, new=index == 0) + (CHECKED if last else "")
                words = [spool.part, path, digest.hexdigest()]
                self.help(script, words, f"write {path} in {{}}", given)

    def fetch_file(self, path: str) -> Iterator[bytes]:
        """A file's content in pieces. Raises FileNotFoundError, or FileError."""
        view = asked(lambda: self._view(absolute(path)), f"read {path} in {place(self.guest)}", self._patience)
        if view.content is None:
            raise FileNotFoundError(f"There is no file {path} in {place(self.guest)}. Check the path.")
        if view.complete and len(view.content) < READ_LIMIT:
            yield view.content
            return
        digest = hashlib.sha256()
        yield from _summed(self._long(path, view.content), digest.update)
        with self._told("read", path):
            self._same(path, digest.hexdigest())

    def _view(self, path: str) -> FileView:
        try:
            return read_file(self.client, self.guest, path)
        except PveError as error:
            if not GONE.search(error.message):
                raise
            self.guest = machine(self.client, self._params)
            return read_file(self.client, self.guest, path)

    def _long(self, path: str, begun: bytes) -> Iterator[bytes]:
        """A file that is larger than one answer, of which the first whole blocks are known."""
        block = len(begun) // BLOCK
        yield begun[: block * BLOCK]
        while True:
            with self._told("read", path):
                part = self.help(SOME_BLOCKS, [path, str(block)], f"read {path} in {{}}").stdout
            yield part
            block += BLOCKS
            if len(part) < BLOCKS * BLOCK:
                return

    def _same(self, path: str, digest: str) -> None:
        if not self.help(DIGEST, [path], f"read {path} in {{}}").stdout.startswith(digest.encode()):
            raise FileError("read", path, place(self.guest), "it has changed meanwhile", "Fetch it again.")

    @contextmanager
    def _told(self, verb: str, path: str) -> Iterator[None]:
        """A command that failed, as what became of the file."""
        try:
            yield
        except StepFailedError as error:
            if not isinstance(error.cause, CommandError):
                raise
            said = error.cause.stderr.strip() or f"exit status {error.cause.returncode}"
            remedy = "Check the folder, and that its file system has room."
            raise FileError(verb, path, place(self.guest), said, remedy) from error

    @contextmanager
    def _spool(self, part: str = "") -> Iterator[Spool]:
        """A place for pieces; what is left when something goes wrong is removed."""
        spool = Spool(self, part)
        try:
            yield spool
        except BaseException:
            with suppress(HomelabPveError):
                spool.clear()
            raise


def _summed(content: Iterable[bytes], add: Callable[[bytes], None]) -> Iterator[bytes]:
    """The same pieces, after each was added to a digest."""
    for piece in content:
        add(piece)
        yield piece


class Spool:
    """The files of one transfer in a guest: pieces in the folder SPOOL, and ``part``, which they are added to."""

    def __init__(self, shell: AgentShell, part: str = "") -> None:
        self._shell = shell
        self._stem = f"{SPOOL}/{secrets.token_hex(8)}"
        self._numbers = itertools.count()
        self.part = part or f"{self._stem}.part"

    def sent(self, lot: Sequence[bytes]) -> tuple[list[str], bytes]:
        """Write what has to wait; a pattern for the files, if there are any, and what the command is to read itself."""
        waiting, given = divided(lot)
        for piece in waiting:
            self._write(piece)
        return [f"{self._stem}.[0-9]*"] if waiting else [], given

    def filled(self, content: Iterable[bytes]) -> tuple[list[str], bytes]:
        """Send content for a command; what waits, in its order, and what the command is to read itself."""
        begun: list[str] = []
        for lot, last in lots(content):
            waiting, given = self.sent(lot)
            if last:
                break
            self._shell.help(appending(waiting, new=not begun), [self.part], "pass input to a command in {}", given)
            begun = [self.part]
        return [*begun, *waiting], given

    def clear(self) -> None:
        """Remove what there is of it, without patience."""
        argv = [SHELL, "-c", f'rm -f -- {self._stem}.* "$1"', "sh", self.part]
        perform(self._shell.client, [exec_step(self._shell.guest, argv, "remove temporary files")], CLEAR_TIMEOUT)

    def _write(self, piece: bytes) -> None:
        path = f"{self._stem}.{next(self._numbers):09}"
        self._shell.carry(lambda guest: file_step(guest, path, piece, f"pass {len(piece)} bytes to {place(guest)}"))
