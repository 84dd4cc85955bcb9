# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens an SSH connection: the host shows the key it is known by, then we show who we are."""

from __future__ import annotations

import logging
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore, RLock

from ansible_collections.homelab.pve.plugins.module_utils.command_output import CHUNK, GRACE
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    ConnectionError,
    HomelabPveError,
    OutcomeUnknownError,
)
from ansible_collections.homelab.pve.plugins.module_utils.ssh_host_keys import HostKeyFiles, pinned_name

MISSING: ImportError | None = None
try:
    import paramiko
    from paramiko.pkey import UnknownKeyType
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
DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")

OpenSocket = Callable[[], "socket.socket | paramiko.Channel"]


@dataclass(frozen=True)
class Login:
    """Who we are. Keys are offered in this order: ``keys``, the agent's, the user's default ones; then the password.

    ``passphrase`` opens encrypted keys. With ``identities_only`` just ``keys`` and the password are offered.
    """

    user: str
    keys: Sequence[Path] = ()
    password: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    identities_only: bool = False


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
            channel.invoke_subsystem("sftp")
            yield paramiko.SFTPClient(channel)

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
            known = self.host_keys.known(pinned_name(self.host, self.port))
            _prepare(transport, [pin.key.get_name() for pin in known if not pin.revoked], self.timeout)
            with translated(self.host, self.port):
                transport.start_client()  # bounded by what _prepare sets; its own bound would return unfinished
                key = transport.get_remote_server_key()
            self.host_keys.check(self.host, self.port, key)
            _log_in(transport, f"{self.host} port {self.port}", self.login)
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


def _log_in(transport: paramiko.Transport, place: str, login: Login) -> None:
    offered: list[str] = []
    try:
        for what, offer in _offers(login):
            offered.append(what)
            if _is_accepted(transport, offer):
                return
    except (paramiko.SSHException, EOFError, OSError) as error:
        offered.append(f"then it closed the connection: {str(error).rstrip('.') or 'no reason given'}")
    raise AuthenticationError(
        f"{place} does not accept {login.user}. Offered: {'; '.join(offered) or 'nothing, for there is no key'}. "
        "Check the user name, and that the public key is in the user's authorized_keys there."
    )


Offer = Callable[["paramiko.Transport"], object]


def _is_accepted(transport: paramiko.Transport, offer: Offer | None) -> bool:
    if offer is None:
        return False
    try:
        offer(transport)
    except paramiko.AuthenticationException:
        return False
    return transport.is_authenticated()


def _offers(login: Login) -> Iterator[tuple[str, Offer | None]]:
    """What we offer, in words and as a call; None where the words say why it can't be offered."""
    for path in login.keys:
        yield _key_offer(login, path)
    if not login.identities_only:
        for key in paramiko.Agent().get_keys():
            yield f"the agent's key {key.fingerprint}", _with_key(login.user, key)
        for path in _default_keys(login.keys):
            yield _key_offer(login, path)
    if login.password is not None:
        yield "a password", lambda transport: transport.auth_password(login.user, login.password or "")


def _with_key(user: str, key: paramiko.PKey) -> Offer:
    return lambda transport: transport.auth_publickey(user, key)


def _default_keys(given: Sequence[Path]) -> list[Path]:
    found = [Path.home() / ".ssh" / name for name in DEFAULT_KEYS]
    return [path for path in found if path.is_file() and path not in given]


def _key_offer(login: Login, path: Path) -> tuple[str, Offer | None]:
    what = f"the key {path}"
    try:
        key = _loaded(path.expanduser(), login.passphrase)
    except OSError as error:
        return f"{what} (not readable: {error.strerror})", None
    except (TypeError, paramiko.PasswordRequiredException):
        return f"{what} (encrypted: give its passphrase, or add it to the agent with ssh-add)", None
    except (ValueError, paramiko.SSHException, UnknownKeyType):
        why = "no private key" if login.passphrase is None else "no private key, or not of this passphrase"
        return f"{what} ({why})", None
    return f"{what} ({key.fingerprint})", _with_key(login.user, key)


def _loaded(path: Path, passphrase: str | None) -> paramiko.PKey:
    """A private key. The reader refuses a passphrase for a key that has none, so it is asked without one first."""
    try:
        return paramiko.PKey.from_path(path)
    except (TypeError, paramiko.PasswordRequiredException):
        if passphrase is None:
            raise
    return paramiko.PKey.from_path(path, passphrase.encode())  # type: ignore[arg-type]  # it wants bytes
