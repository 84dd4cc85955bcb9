# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One SSH connection and its channels: the host shows the key it is known by, then we show who we are."""

from __future__ import annotations

import logging
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import BoundedSemaphore, RLock

from ansible_collections.homelab.pve.plugins.module_utils.command_output import CHUNK, GRACE
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConnectionError,
    HomelabPveError,
    OutcomeUnknownError,
)
from ansible_collections.homelab.pve.plugins.module_utils.ssh_host_keys import HostKeyFiles
from ansible_collections.homelab.pve.plugins.module_utils.ssh_login import Login, log_in

MISSING: ImportError | None = None
try:
    import paramiko
except ImportError as error:
    MISSING = error
# It logs what it raises, with a traceback, and Python prints that where nobody set up logging.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

KEEPALIVE = 15
"""Seconds of silence after which something is sent, so that neither the host nor a firewall takes us for gone."""
UNANSWERED = 30_000
"""Milliseconds after which the kernel gives up on what the host does not acknowledge (tcp(7), TCP_USER_TIMEOUT)."""
COMMANDS, TRANSFERS = 6, 3
"""How many run at once on a connection; more have to wait. sshd opens ten sessions (sshd_config(5), MaxSessions);
one is left for stopping a command. A transfer runs commands of its own, so the two must not wait for each other."""
BROKEN = frozenset({"Socket is closed", "Channel closed.", "Server connection dropped"})
"""What paramiko says in an OSError or SSHException of a connection that broke."""
END_GROUP = (
    "kill -TERM -- -{pid}; n={tries}; while [ $n -gt 0 ] && kill -0 -- -{pid}; do n=$((n-1)); sleep 0.1; done; "
    "kill -KILL -- -{pid}"
)
"""Ends a process group, at once when it goes at once: its number may belong to somebody else a little later."""
NO_SSHD = "something accepts connections there, but does not speak as sshd does"
FEW_SESSIONS = "Its sshd_config has to allow more of them: MaxSessions is 10 by default, and a transfer takes 2."

OpenSocket = Callable[[], "socket.socket | paramiko.Channel"]


class SSHConnection:
    """One connection to a host and its many channels; made when first needed, and anew when the host closed it.

    :param timeout: seconds for each: the connection, the key exchange, the login, the opening of a channel
    :param through: opens the way to the host when that is not a plain TCP connection
    """

    def __init__(
        self,
        host: str,
        port: int,
        login: Login,
        host_keys: HostKeyFiles,
        *,
        timeout: float,
        through: OpenSocket | None = None,
    ) -> None:
        if MISSING:
            raise MISSING
        self.host, self.port, self.login, self.host_keys, self.timeout = host, port, login, host_keys, timeout
        self._through = through or (lambda: open_socket(host, port, timeout))
        self._transport: paramiko.Transport | None = None
        self._lock = RLock()
        self._commands, self._transfers = BoundedSemaphore(COMMANDS), BoundedSemaphore(TRANSFERS)

    def transport(self) -> paramiko.Transport:
        """The live connection."""
        with self._lock:
            if self._transport is None or not self._transport.is_active():
                self._transport = self._opened()
            return self._transport

    @contextmanager
    def command(self, line: bytes) -> Iterator[SSHCommand]:
        """Run a command line of the login shell; its channel is closed at the end of the block."""
        with self._commands, self._session() as channel:
            self._start(channel, line)
            yield SSHCommand(channel, self.host, self.port)

    def _start(self, channel: paramiko.Channel, line: bytes) -> None:
        try:
            with translated(self.host, self.port):
                channel.exec_command(line)
        except ConnectionError as error:
            if channel.get_transport().is_active():  # it refused
                raise
            raise _outcome_unknown(self.host, self.port) from error

    @contextmanager
    def sftp(self, timeout: float | None) -> Iterator[paramiko.SFTPClient]:
        """Transfer files; ``timeout`` seconds without any progress are too many. A broken connection is told from a
        refused operation, which stays an OSError."""
        with self._transfers, self._session() as channel, self._broken_transfers():
            channel.settimeout(timeout)
            self._ask_for_sftp(channel)
            yield paramiko.SFTPClient(channel)

    def _ask_for_sftp(self, channel: paramiko.Channel) -> None:
        try:
            channel.invoke_subsystem("sftp")
        except paramiko.SSHException as error:
            if channel.get_transport().is_active():
                remedy = "Its sshd_config needs the line 'Subsystem sftp internal-sftp'."
                raise ConnectionError(self.host, self.port, "it has no SFTP", remedy) from error
            raise

    def forwarded(self, host: str, port: int) -> paramiko.Channel:
        """A way to another host through this one."""
        with translated(self.host, self.port):
            transport = self.transport()
        try:
            return transport.open_channel("direct-tcpip", (host, port), ("", 0), timeout=self.timeout)
        except (paramiko.SSHException, EOFError) as error:
            why = getattr(error, "text", "") or str(error).rstrip(".")
            raise ConnectionError(host, port, f"{why}, says the jump host {self.host}") from error

    def close(self) -> None:
        """End the connection. It is made anew when it is needed again."""
        with self._lock:
            if self._transport is not None:
                self._transport.close()
                self._transport = None

    def _opened(self) -> paramiko.Transport:
        """A new connection that is logged in.

        :raises ConnectionError: nothing answers there, or not as sshd does
        :raises HostKeyError: the host's key is not the one it is known by
        :raises AuthenticationError: the host does not accept us
        """
        with translated(self.host, self.port):
            transport = paramiko.Transport(self._through())
        try:
            known = self.host_keys.known(self.host, self.port)
            _prepare(transport, [pin.key.get_name() for pin in known if not pin.revoked], self.timeout)
            with translated(self.host, self.port):
                transport.start_client()  # bounded by what _prepare sets; its own bound would return unfinished
                key = transport.get_remote_server_key()
            self.host_keys.check(self.host, self.port, key)
            log_in(transport, f"{self.host} port {self.port}", self.login)
        except BaseException:
            transport.close()
            raise
        return transport

    def _session(self) -> paramiko.Channel:
        """A new channel. Nothing has run yet, so it may be asked for again.

        A connection the host closed meanwhile is made anew. A live one refuses for as long as sshd still counts
        sessions whose end we have seen already.
        """
        deadline, pause = time.monotonic() + self.timeout, 0.001
        while True:
            with translated(self.host, self.port):
                transport = self.transport()
                try:
                    return transport.open_session(timeout=self.timeout)
                except (OSError, EOFError, paramiko.SSHException):
                    if time.monotonic() > deadline:
                        raise
            time.sleep(pause)
            pause = min(pause * 2, 0.1)

    @contextmanager
    def _broken_transfers(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError, paramiko.SSHException, paramiko.SFTPError) as error:
            if isinstance(error, OSError) and str(error) not in BROKEN and not isinstance(error, TimeoutError):
                raise
            raise ConnectionError(self.host, self.port, *_broken_transfer(error)) from error


def _broken_transfer(error: Exception) -> tuple[str, str]:
    """Why a transfer ended, and what to do about it."""
    if isinstance(error, paramiko.SFTPError):
        return (
            "what answers there is not SFTP",
            "Most often a start-up file of the login shell prints text, which it must do for terminals only.",
        )
    return "the connection broke during a transfer", "The file there is as it was. Try again."


class SSHCommand:
    """A command on a channel. See command_output.Running."""

    def __init__(self, channel: paramiko.Channel, host: str, port: int) -> None:
        self._channel, self._host, self._port = channel, host, port
        self._woken = select.poll()
        self._woken.register(channel.fileno(), select.POLLIN)

    def arrived(self, timeout: float | None) -> list[tuple[str, bytes]] | None:
        """See Running.arrived. Readiness is looked at before each wait: only what comes later wakes us."""
        channel = self._channel
        while True:
            ended = channel.eof_received or channel.closed  # before the last look, or what came with it would be lost
            found = [("stdout", channel.recv(CHUNK))] if channel.recv_ready() else []
            found += [("stderr", channel.recv_stderr(CHUNK))] if channel.recv_stderr_ready() else []
            if found or ended:
                return found
            if not self._woken.poll(None if timeout is None else timeout * 1000):
                return None

    def feed(self, data: bytes) -> None:
        """See Running.feed."""
        if data:
            with suppress(OSError, EOFError, paramiko.SSHException):  # what broke is told by ``wait``
                self._channel.sendall(data)
                self._channel.shutdown_write()

    def wait(self, timeout: float | None) -> int | None:
        """See Running.wait; OutcomeUnknownError when the connection broke before the command had ended."""
        if not self._channel.status_event.wait(timeout):
            return None
        code = self._channel.recv_exit_status()
        if code < 0:
            raise _outcome_unknown(self._host, self._port)
        return code

    def stop(self, pid: str) -> None:
        """See Running.stop. Closing the channel alone would leave the command running there."""
        transport = self._channel.get_transport()
        if pid and transport.is_active():
            with suppress(OSError, EOFError, paramiko.SSHException):
                other = transport.open_session(timeout=GRACE)
                other.exec_command(END_GROUP.format(pid=pid, tries=round(GRACE / 0.1)))
                self._channel.status_event.wait(GRACE * 2)
                other.close()
        self._channel.close()


def _outcome_unknown(host: str, port: int) -> OutcomeUnknownError:
    reason, remedy = "the connection broke while a command ran", "The command may or may not have done its work."
    return OutcomeUnknownError(host, port, reason, remedy)


def open_socket(host: str, port: int, timeout: float) -> socket.socket:
    """A TCP connection that sends at once and notices a dead host; OSError when there is none within ``timeout`` s."""
    opened = socket.create_connection((host, port), timeout)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED)
    return opened


@contextmanager
def translated(host: str, port: int) -> Iterator[None]:
    """What sockets and paramiko raise, as a ConnectionError."""
    try:
        yield
    except HomelabPveError:  # some are an OSError as well
        raise
    except (TimeoutError, EOFError) as error:
        reason = "the connection was closed" if isinstance(error, EOFError) else "no answer in time"
        raise ConnectionError(host, port, reason, transient=True) from error
    except OSError as error:
        raise ConnectionError(host, port, error.strerror or str(error)) from error
    except paramiko.ChannelException as error:
        raise ConnectionError(host, port, f"it opens no session ({error.text})", FEW_SESSIONS) from error
    except paramiko.SSHException as error:
        said = str(error)
        reason = NO_SSHD if said.startswith("Error reading SSH protocol banner") else said.rstrip(".")
        raise ConnectionError(host, port, reason or "the SSH connection failed") from error


def _prepare(transport: paramiko.Transport, known: Sequence[str], timeout: float) -> None:
    transport.banner_timeout = transport.auth_timeout = transport.handshake_timeout = timeout
    transport.daemon = True
    transport.set_keepalive(KEEPALIVE)
    # A host has keys of several types: it is asked for the one we can recognise.
    options = transport.get_security_options()
    offered = list(options.key_types)
    options.key_types = sorted(offered, key=lambda name: _signs_for(name) not in known)
    # One pass over each packet instead of two: a third more throughput, and less time for each command.
    options.ciphers = sorted(options.ciphers, key=lambda name: "gcm" not in name)


def _signs_for(algorithm: str) -> str:
    """The type of key a signature algorithm belongs to: an ssh-rsa key signs as rsa-sha2-256 (RFC 8332)."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm
