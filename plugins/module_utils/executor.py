# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs commands and moves files, here or on a host reached by SSH, with the same results."""

from __future__ import annotations

import os
import secrets
import selectors
import shlex
import shutil
import signal
import socket
import stat
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from threading import RLock
from typing import IO, TYPE_CHECKING, cast

from ansible_collections.homelab.pve.plugins.module_utils.command_output import (
    CHUNK,
    GRACE,
    STREAMS,
    CommandResult,
    OnOutput,
    collect,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    CommandError,
    CommandTimeoutError,
    FileError,
    HomelabPveError,
    PVENotFoundError,
)
from ansible_collections.homelab.pve.plugins.module_utils.ssh_files import Place
from ansible_collections.homelab.pve.plugins.module_utils.whole_files import replacing

if TYPE_CHECKING:
    from ansible_collections.homelab.pve.plugins.module_utils.ssh_connection import SSHConnection

__all__ = ["NOT_FOUND", "CommandExecutor", "CommandResult", "LocalExecutor", "SSHExecutor", "reachable"]

NOT_FOUND = 127
"""Exit status with which a shell says that it found no such command (POSIX, 2.8.2)."""
NOT_EXECUTABLE = 126
"""... and that it found one it can't run."""
KNOWN_HOSTS = (Path("~/.ssh/known_hosts"),)
REMEDIES = {
    "Failure": "The host does not say why; often its disk is full: look at 'df -h' there.",
}
"""What SFTP says when it says nothing -> what to do."""


class CommandExecutor(ABC):
    """Where commands run. ``name`` is what error messages call the place."""

    name: str = "this machine"

    @abstractmethod
    def run(
        self,
        cmd: list[str],
        check: bool = True,
        stdin: str | None = None,
        timeout: float | None = None,
        on_output: OnOutput | None = None,
    ) -> CommandResult:
        """Run ``cmd`` (an argv, no shell).

        :param check: raise CommandError, or PVENotFoundError when there is no such command
        :param stdin: what it reads; nothing when not given
        :param timeout: seconds after which it is stopped, with what it started, and CommandTimeoutError raised
        :param on_output: called with the stream's name and new text while the command runs; the result keeps only the
            last 64 KiB of each stream then, whatever the command writes
        """

    @abstractmethod
    def push_file(self, local_path: Path, remote_path: Path, mode: int | None = None, owner: str | None = None) -> bool:
        """Copy a file there. Replaces an existing one in one step, after it has arrived whole. True when done.

        :param mode: permission bits; those of ``local_path`` when not given
        :param owner: ``user`` or ``user:group``; the replaced file's when not given
        :raises FileError: it can't be read here or written there; the old file is as it was
        """

    @abstractmethod
    def read_file(self, remote_path: Path) -> str:
        """Content of a file there; bytes that are no UTF-8 as surrogates. FileError when it can't be read."""

    def close(self) -> None:  # noqa: B027  only some executors hold something open
        """Let go of what is held open. The executor can be used again afterwards."""

    def _checked(
        self, cmd: list[str], result: CommandResult | None, check: bool, timeout: float | None
    ) -> CommandResult:
        if result is None:
            raise CommandTimeoutError(cmd, self.name, timeout or 0)
        if result.success or not check:
            return result
        if result.returncode == NOT_FOUND:
            raise PVENotFoundError(self.name, cmd[0])
        raise CommandError(cmd, self.name, result.returncode, result.stderr)

    @contextmanager
    def _file_errors(self, verb: str, path: Path) -> Iterator[None]:
        try:
            yield
        except HomelabPveError:  # some are an OSError as well
            raise
        except (OSError, LookupError) as error:  # the latter: no such user or group
            reason = getattr(error, "strerror", None) or str(error)
            raise FileError(verb, str(path), self.name, reason, REMEDIES.get(reason, "")) from error


class LocalExecutor(CommandExecutor):
    """Runs commands on this machine."""

    def run(
        self,
        cmd: list[str],
        check: bool = True,
        stdin: str | None = None,
        timeout: float | None = None,
        on_output: OnOutput | None = None,
    ) -> CommandResult:
        """See CommandExecutor.run."""
        try:
            running = _LocalCommand(cmd, bool(stdin))
        except OSError as error:
            code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
            return self._checked(cmd, CommandResult(code, "", f"{cmd[0]}: {error.strerror}"), check, timeout)
        return self._checked(cmd, collect(running, _bytes(stdin), timeout, on_output), check, timeout)

    def push_file(self, local_path: Path, remote_path: Path, mode: int | None = None, owner: str | None = None) -> bool:
        """See CommandExecutor.push_file."""
        with self._file_errors("read", local_path), local_path.open("rb") as source:
            bits = stat.S_IMODE(os.fstat(source.fileno()).st_mode) if mode is None else mode
            with self._file_errors("write", remote_path), replacing(remote_path, bits, owner) as target:
                shutil.copyfileobj(source, target)
        return True

    def read_file(self, remote_path: Path) -> str:
        """See CommandExecutor.read_file."""
        with self._file_errors("read", remote_path):
            return remote_path.read_bytes().decode("utf-8", "surrogateescape")


class SSHExecutor(CommandExecutor):
    """Runs commands on a host reached by SSH. Connects when first needed; may be used by many threads at once.

    All commands and files of an executor share one connection, which is made anew when the host closed it.

    :param key_path: private keys; the agent's and the user's default keys are offered after them
    :param password: offered last
    :param passphrase: opens encrypted keys
    :param identities_only: offer no other keys than ``key_path``
    :param known_hosts: files that pin host keys, the user's ``~/.ssh/known_hosts`` by default
    :param strict: refuse a host that is in none of them; else it is pinned in the first of them
    :param host_key_alias: the name its keys are pinned under, instead of ``host`` and ``port``
    :param connect_timeout: seconds for each: the connection, the key exchange, the login
    :param timeout: seconds for one command, unless ``run`` says otherwise; None: no limit
    :param jump: executor on the host the connection goes through
    """

    def __init__(
        self,
        host: str,
        user: str = "root",
        port: int = 22,
        key_path: Path | Sequence[Path] | None = None,
        *,
        password: str | None = None,
        passphrase: str | None = None,
        identities_only: bool = False,
        known_hosts: Path | Sequence[Path] | None = None,
        strict: bool = True,
        host_key_alias: str | None = None,
        connect_timeout: float = 5.0,
        timeout: float | None = None,
        jump: SSHExecutor | None = None,
    ) -> None:
        self.host, self.user, self.port = host, user, port
        self.key_paths, self.known_hosts = _paths(key_path), _paths(known_hosts) or KNOWN_HOSTS
        self.identities_only, self.strict, self.host_key_alias = identities_only, strict, host_key_alias
        self.connect_timeout, self.timeout, self.jump = connect_timeout, timeout, jump
        self.name = host
        self._password, self._passphrase = password, passphrase
        self._lock = RLock()
        self._connection: SSHConnection | None = None

    def connect(self) -> SSHConnection:
        """Connect if there is no live connection, and return it."""
        with self._lock:
            if self._connection is None:
                self._connection = self._described()
        self._connection.transport()
        return self._connection

    def run(
        self,
        cmd: list[str],
        check: bool = True,
        stdin: str | None = None,
        timeout: float | None = None,
        on_output: OnOutput | None = None,
    ) -> CommandResult:
        """See CommandExecutor.run. A command is never repeated: it may have had its effect."""
        limit = self.timeout if timeout is None else timeout
        marker = secrets.token_hex(8)
        with self.connect().command(_command_line(cmd, marker, bool(stdin))) as running:
            result = collect(running, _bytes(stdin), limit, on_output, f"{marker} ".encode())
        return self._checked(cmd, result, check, limit)

    def push_file(self, local_path: Path, remote_path: Path, mode: int | None = None, owner: str | None = None) -> bool:
        """See CommandExecutor.push_file. A link there stays one: what it points to is replaced."""
        with self._file_errors("read", local_path):
            bits = stat.S_IMODE(local_path.stat().st_mode) if mode is None else mode
        target = PurePosixPath(remote_path)
        with self._file_errors("write", remote_path), self._place() as place:
            place.write(local_path, target, _beside(target.name), bits, owner)
        return True

    def read_file(self, remote_path: Path) -> str:
        """See CommandExecutor.read_file."""
        with self._file_errors("read", remote_path), self._place() as place:
            return place.read(PurePosixPath(remote_path)).decode("utf-8", "surrogateescape")

    def close(self) -> None:
        """Close the connection, and the ones it goes through."""
        if self._connection is not None:
            self._connection.close()
        if self.jump:
            self.jump.close()

    def way(self) -> Iterator[SSHExecutor]:
        """This executor, and those of the hosts the connection goes through."""
        yield self
        if self.jump:
            yield from self.jump.way()

    @property
    def newly_pinned(self) -> str | None:
        """Fingerprint of the host's key when it was pinned by this executor, because it was not known before."""
        return self._connection.host_keys.newly_pinned if self._connection else None

    @contextmanager
    def _place(self) -> Iterator[Place]:
        with self.connect().sftp(self.timeout) as sftp:
            yield Place(sftp, lambda cmd: self.run(cmd).stdout, self.name)

    def _described(self) -> SSHConnection:
        # Only this transport needs paramiko, which is slow to import.
        from ansible_collections.homelab.pve.plugins.module_utils import ssh_connection, ssh_host_keys, ssh_login  # noqa: PLC0415

        login = ssh_login.Login(self.user, self.key_paths, self._password, self._passphrase, self.identities_only)
        files = [path.expanduser() for path in self.known_hosts]
        host_keys = ssh_host_keys.HostKeyFiles(files, self.strict, self.host_key_alias)
        through = (lambda: jump.connect().forwarded(self.host, self.port)) if (jump := self.jump) else None
        return ssh_connection.SSHConnection(
            self.host, self.port, login, host_keys, timeout=self.connect_timeout, through=through
        )


class _LocalCommand:
    """A child process in a process group of its own."""

    def __init__(self, cmd: list[str], fed: bool) -> None:
        pipe = subprocess.PIPE
        stdin = pipe if fed else subprocess.DEVNULL
        self._process = subprocess.Popen(cmd, stdin=stdin, stdout=pipe, stderr=pipe, bufsize=0, start_new_session=True)
        self._open = selectors.PollSelector()
        for stream in STREAMS:
            self._open.register(getattr(self._process, stream), selectors.EVENT_READ, stream)

    def arrived(self, timeout: float | None) -> list[tuple[str, bytes]] | None:
        """See Running.arrived."""
        while self._open.get_map():
            ready = [(key.data, cast(IO[bytes], key.fileobj)) for key, _events in self._open.select(timeout)]
            if not ready:
                return None
            if found := [(stream, data) for stream, pipe in ready if (data := self._read(pipe))]:
                return found
        return []

    def _read(self, pipe: IO[bytes]) -> bytes:
        data = pipe.read(CHUNK)
        if not data:
            self._open.unregister(pipe)
            pipe.close()
        return data

    def feed(self, data: bytes) -> None:
        """See Running.feed."""
        left = memoryview(data)
        with suppress(BrokenPipeError), cast(IO[bytes], self._process.stdin) as stdin:
            while left:
                left = left[stdin.write(left) :]

    def wait(self, timeout: float | None) -> int | None:
        """See Running.wait."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        return code if code >= 0 else 128 - code

    def stop(self, pid: str) -> None:  # noqa: ARG002  its own pid is known
        """See Running.stop."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            if self.wait(GRACE) is not None:
                return


def _command_line(cmd: list[str], marker: str, fed: bool) -> bytes:
    """What the login shell is told.

    The marker ends what its start-up files print, and tells the process group. The shell stays until the end, so that
    death by a signal becomes an exit status; SSH would only say "by a signal". It reads what the command left of its
    input: sshd ends the whole connection over input for a channel that is closed, which paramiko may send when a
    command ends meanwhile. For the same reason a command without input has none from the channel.
    """
    mark = f"printf '{marker} %s\\n' $$"
    end = "; status=$?; cat >/dev/null; exit $status" if fed else " </dev/null; exit $?"
    return _bytes(f"{mark}; {mark} >&2; {shlex.join(cmd)}{end}")


def _paths(given: Path | Sequence[Path] | None) -> list[Path]:
    if given is None:
        return []
    return [given] if isinstance(given, Path) else list(given)


def _bytes(text: str | None) -> bytes:
    return (text or "").encode("utf-8", "surrogateescape")


def _beside(name: str) -> str:
    """An unused name in the same directory, so that a rename can replace the target in one step."""
    return f".{name}.{secrets.token_hex(6)}"


def reachable(host: str, port: int, timeout: float) -> str | None:
    """None when a TCP connection can be made within ``timeout`` seconds, else the reason why not."""
    try:
        socket.create_connection((host, port), timeout).close()
    except TimeoutError:
        return f"no answer within {timeout:g} s"
    except OSError as error:
        return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
    return None
