# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs commands and moves files, here or on a host reached by SSH, with the same results."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import socket
import stat
import subprocess
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    CommandError,
    CommandTimeoutError,
    ConnectionError,
    PVENotFoundError,
)

if TYPE_CHECKING:
    import paramiko

NOT_FOUND = 127
"""Exit status with which a shell says that it found no such command (POSIX, 2.8.2)."""


@dataclass(frozen=True)
class CommandResult:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def success(self) -> bool:
        """True when the exit status was 0."""
        return self.returncode == 0


class CommandExecutor(ABC):
    """Where commands run. ``name`` is what error messages call the place."""

    name: str = "this machine"

    @abstractmethod
    def run(
        self, cmd: list[str], check: bool = True, stdin: str | None = None, timeout: float | None = None
    ) -> CommandResult:
        """Run ``cmd`` (an argv, no shell). ``check`` raises CommandError on failure; ``timeout`` is in seconds."""

    @abstractmethod
    def push_file(self, local_path: Path, remote_path: Path) -> bool:
        """Copy a file there. Replaces an existing one in one step; keeps the permission bits. True when done."""

    @abstractmethod
    def read_file(self, remote_path: Path) -> str:
        """Content of a text file there."""

    def close(self) -> None:  # noqa: B027  only some executors hold something open
        """Let go of what is held open. The executor can be used again afterwards."""

    def _checked(self, cmd: list[str], result: CommandResult, check: bool) -> CommandResult:
        if result.success or not check:
            return result
        if result.returncode == NOT_FOUND:
            raise PVENotFoundError(self.name, cmd[0])
        raise CommandError(cmd, self.name, result.returncode, result.stderr)


class LocalExecutor(CommandExecutor):
    """Runs commands on this machine."""

    def run(
        self, cmd: list[str], check: bool = True, stdin: str | None = None, timeout: float | None = None
    ) -> CommandResult:
        """See CommandExecutor.run."""
        try:
            done = subprocess.run(cmd, input=_bytes(stdin), capture_output=True, timeout=timeout, check=False)
        except FileNotFoundError:
            return self._checked(cmd, CommandResult(NOT_FOUND, "", f"{cmd[0]}: not found"), check)
        except subprocess.TimeoutExpired as error:
            raise CommandTimeoutError(cmd, self.name, error.timeout) from error
        return self._checked(cmd, CommandResult(done.returncode, _text(done.stdout), _text(done.stderr)), check)

    def push_file(self, local_path: Path, remote_path: Path) -> bool:
        """See CommandExecutor.push_file."""
        beside = remote_path.with_name(_beside(remote_path.name))
        try:
            shutil.copy(local_path, beside)
            beside.replace(remote_path)
        finally:
            beside.unlink(missing_ok=True)
        return True

    def read_file(self, remote_path: Path) -> str:
        """See CommandExecutor.read_file."""
        return remote_path.read_text(encoding="utf-8")


class SSHExecutor(CommandExecutor):
    """Runs commands on a host reached by SSH. Connects when first needed.

    The host's key must be known: from ``known_hosts`` when given, else from the user's ``~/.ssh/known_hosts``.
    ``connect_timeout`` and ``timeout`` (of one command, unless ``run`` says otherwise; None: no limit) are in seconds.
    """

    def __init__(
        self,
        host: str,
        user: str = "root",
        port: int = 22,
        *,
        key_path: Path | None = None,
        known_hosts: Path | None = None,
        connect_timeout: float = 5.0,
        timeout: float | None = None,
    ) -> None:
        self.host, self.user, self.port = host, user, port
        self.key_path, self.known_hosts = key_path, known_hosts
        self.connect_timeout, self.timeout = connect_timeout, timeout
        self.name = host
        self._client: paramiko.SSHClient | None = None

    def connect(self) -> paramiko.SSHClient:
        """Connect if there is no live connection, and return it."""
        if self._client is None or not _alive(self._client):
            self._client = self._connected()
        return self._client

    def run(
        self, cmd: list[str], check: bool = True, stdin: str | None = None, timeout: float | None = None
    ) -> CommandResult:
        """See CommandExecutor.run. A command is never repeated: it may have had its effect."""
        limit = self.timeout if timeout is None else timeout
        channel = self._channel()
        try:
            channel.exec_command(shlex.join(cmd))
            result = _drain(channel, stdin, limit)
        finally:
            channel.close()
        if result is None:
            raise CommandTimeoutError(cmd, self.name, limit or 0)
        return self._checked(cmd, result, check)

    def push_file(self, local_path: Path, remote_path: Path) -> bool:
        """See CommandExecutor.push_file."""
        target = PurePosixPath(remote_path)
        beside = str(target.with_name(_beside(target.name)))
        with self.connect().open_sftp() as sftp:
            try:
                sftp.put(str(local_path), beside, confirm=True)
                sftp.chmod(beside, stat.S_IMODE(local_path.stat().st_mode))
                # Plain rename fails onto an existing file (SFTP version 3); this extension replaces it.
                sftp.posix_rename(beside, str(target))
            except BaseException:
                _remove_quietly(sftp, beside)
                raise
        return True

    def read_file(self, remote_path: Path) -> str:
        """See CommandExecutor.read_file."""
        with self.connect().open_sftp() as sftp, sftp.open(str(PurePosixPath(remote_path)), "rb") as file:
            file.prefetch()
            return file.read().decode("utf-8")

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _channel(self) -> paramiko.Channel:
        transport = self.connect().get_transport()
        if transport is None:
            raise ConnectionError(self.host, self.port, "the SSH connection was closed")
        return transport.open_session(timeout=self.connect_timeout)

    def _connected(self) -> paramiko.SSHClient:
        import paramiko  # noqa: PLC0415  only the SSH transport needs it, and it is slow to import

        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        self._load_host_keys(client)
        try:
            client.connect(
                self.host,
                self.port,
                self.user,
                key_filename=str(self.key_path) if self.key_path else None,
                timeout=self.connect_timeout,
                banner_timeout=self.connect_timeout,
                auth_timeout=self.connect_timeout,
                allow_agent=self.key_path is None,
                look_for_keys=self.key_path is None,
            )
        except paramiko.AuthenticationException as error:
            raise self._not_accepted(error) from error
        except paramiko.SSHException as error:
            raise self._not_trusted(error) from error
        except OSError as error:
            raise ConnectionError(self.host, self.port, error.strerror or str(error) or "timed out") from error
        return client

    def _load_host_keys(self, client: paramiko.SSHClient) -> None:
        if self.known_hosts is None:
            client.load_system_host_keys()
        elif self.known_hosts.exists():
            client.load_host_keys(str(self.known_hosts))

    def _not_accepted(self, error: Exception) -> AuthenticationError:
        offered = f"the key {self.key_path}" if self.key_path else "the SSH agent's and the default keys"
        return AuthenticationError(
            f"{self.host} port {self.port} does not accept {self.user} with {offered}: {error} "
            "Add the public key to the user's authorized_keys, or give another ssh_key_path."
        )

    def _not_trusted(self, error: Exception) -> ConnectionError:
        source = self.known_hosts or Path("~/.ssh/known_hosts")
        return ConnectionError(
            self.host, self.port, str(error).rstrip("."), f"Check the host's key and its entry in {source}."
        )


def _alive(client: paramiko.SSHClient) -> bool:
    transport = client.get_transport()
    return transport is not None and transport.is_active()


def _drain(channel: paramiko.Channel, stdin: str | None, timeout: float | None) -> CommandResult | None:
    """Feed and read a running command until it ends; None when it did not end in time.

    Both streams are read while the command runs: a full window would block it before it can end.
    """
    with ThreadPoolExecutor(3) as pool:
        out = pool.submit(channel.makefile("rb").read)
        err = pool.submit(channel.makefile_stderr("rb").read)
        fed = pool.submit(_feed, channel, _bytes(stdin))
        if not channel.status_event.wait(timeout):
            channel.close()  # ends the readers as well
            return None
        fed.result()
        code = channel.recv_exit_status()
        return CommandResult(code, _text(out.result()), _text(err.result()))


def _feed(channel: paramiko.Channel, data: bytes) -> None:
    try:
        channel.sendall(data)
        channel.shutdown_write()
    except OSError:
        return  # the command ended without reading all of its input, as a local one may


def _bytes(text: str | None) -> bytes:
    return (text or "").encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    """Output as text without a loss: line ends as they are, and bytes that are no UTF-8 come back in ``_bytes``."""
    return data.decode("utf-8", "surrogateescape")


def _beside(name: str) -> str:
    """An unused name in the same directory, so that a rename can replace the target in one step."""
    return f".{name}.{secrets.token_hex(6)}"


def _remove_quietly(sftp: paramiko.SFTPClient, path: str) -> None:
    try:
        sftp.remove(path)
    except OSError:
        return  # nothing was written, or the connection is gone


def reachable(host: str, port: int, timeout: float) -> str | None:
    """None when a TCP connection can be made within ``timeout`` seconds, else the reason why not."""
    try:
        socket.create_connection((host, port), timeout).close()
    except TimeoutError:
        return f"no answer within {timeout:g} s"
    except OSError as error:
        return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
    return None
