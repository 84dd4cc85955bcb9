# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One client for the Proxmox VE API, over HTTPS, over SSH (pvesh) or on the node itself (pvesh).

proxmoxer's sessions carry the requests; this file adds what they leave to their users: verified TLS that the
environment cannot switch off, certificate pinning, retries that never repeat a change, and errors that keep
everything PVE said.
"""

from __future__ import annotations

import http
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    ConfigError,
    ConnectionError,
    HomelabPveError,
    OutcomeUnknownError,
    PermissionDeniedError,
    PveError,
)

if TYPE_CHECKING:
    from ansible_collections.homelab.pve.plugins.module_utils.executor import CommandExecutor

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0
"""Seconds before the first repetition; each further pause is twice as long, up to the longest."""

NOT_CONNECTED = 595
"""pveproxy could not connect to the node that should answer, so nothing was done (AnyEvent::HTTP's own status)."""

LOST_ANSWERS = frozenset({502, 503, 504, 596, 597, 598, 599})
"""The answer was lost after the request was passed on. A start answered 596 was seen to run later."""

LOCK_TIMEOUT = re.compile(
    r"can't lock file|cfs-lock .* error: got lock request timeout|got lock timeout", re.IGNORECASE
)
"""PVE gave up waiting for a lock before it did anything."""

STATUS_LINE = re.compile(r"^(\d{3}) (.+)$", re.MULTILINE)
FIELD_LINE = re.compile(r"^([\w\[\]-]+): (.+)$", re.MULTILINE)
"""How Perl prints a PVE::Exception: ``400 Parameter verification failed.`` and then ``name: complaint`` lines."""

UNKNOWN_OPTION = re.compile(r"^Unknown option: (\S+)$", re.MULTILINE)
"""What Getopt::Long says before ``400 unable to parse option``, which names none."""

NO_HANDLER = re.compile(r"^No '\w+' handler defined for '")
"""pvesh's words (PVE::CLI::pvesh) for what the API answers with 501."""

Params = Mapping[str, Json]

HIGHEST_PORT = 65535

ROOT = "root@pam"
"""As whom ``pvesh`` asks."""

FINGERPRINT = re.compile(r"(?:[0-9A-F]{2}[: ]?){31}[0-9A-F]{2}", re.IGNORECASE)
"""SHA-256, as PVE shows it, or as other tools write it."""


@dataclass(frozen=True)
class Connection:
    """How to reach and log in to a node; the fields are the modules' connection options (times in seconds)."""

    host: str = ""
    port: int = 8006
    user: str | None = None
    password: str | None = None
    token_id: str | None = None
    token_secret: str | None = None
    ca_path: str | None = None
    fingerprint: str | None = None
    validate_certs: bool = True
    timeout: float = 30.0
    connect_timeout: float = 5.0
    retries: int = 3
    transport: str = "https"
    ssh_config: str | None = None
    ssh_user: str | None = None
    ssh_port: int | None = None
    ssh_key_path: str | None = None
    ssh_known_hosts: str | None = None

    @classmethod
    def from_params(cls, params: Params) -> Connection:
        """From a module's parameters; raises ConfigError when something needed is missing."""
        names = cls.__dataclass_fields__
        connection = cls(**{name: params[name] for name in names if params.get(name) is not None})
        connection.check()
        return connection

    def check(self) -> None:
        """Raise ConfigError for what cannot work, naming the option and the variable that would help."""
        if self.transport != "local" and not self.host:
            raise ConfigError("No host given. Set the option 'host' or the environment variable PVE_HOST.")
        self._check_numbers()
        if self.transport == "https":
            self._check_credentials()
            self._check_ca()

    def _check_numbers(self) -> None:
        for name in ("timeout", "connect_timeout"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} {getattr(self, name):g} is no time to wait. Give seconds, more than 0.")
        for name in ("port", "ssh_port"):
            if getattr(self, name) is not None and not 1 <= getattr(self, name) <= HIGHEST_PORT:
                raise ConfigError(f"{name} {getattr(self, name)} is no port. Give one from 1 to {HIGHEST_PORT}.")
        if self.retries < 0:
            raise ConfigError(f"retries {self.retries} is less than 0.")

    def _check_credentials(self) -> None:
        if self.token_id and self.token_secret:
            if "!" not in self.token_id:
                raise ConfigError(f"token_id '{self.token_id}' has no token name. Write it as user@realm!name.")
            return
        if self.token_id or self.token_secret:
            missing = "token_secret" if self.token_id else "token_id"
            raise ConfigError(f"The API token is incomplete: {missing} is missing (or PVE_{missing.upper()}).")
        if not (self.user and self.password):
            raise ConfigError(
                f"No credentials for {self.host}. Set token_id and token_secret (PVE_TOKEN_ID, PVE_TOKEN_SECRET), "
                "or user and password (PVE_USER, PVE_PASSWORD)."
            )
        if "@" not in self.user:
            raise ConfigError(f"user '{self.user}' has no realm. Write it as {self.user}@pam, or with another realm.")

    def _check_ca(self) -> None:
        if self.validate_certs and self.ca_path and not Path(self.ca_path).is_file():
            raise ConfigError(f"ca_path {self.ca_path} is not a file. Copy /etc/pve/pve-root-ca.pem from the node.")
        if self.fingerprint and not FINGERPRINT.fullmatch(self.fingerprint):
            raise ConfigError(
                f"fingerprint '{self.fingerprint}' is not one: it has 32 pairs of hexadecimal digits, as AB:CD:..., "
                "and is shown in the web interface (node, Certificates) and by pvenode cert info."
            )


QUESTIONS = re.compile(r"/nodes/[^/]+/qemu/\d+/agent/(?:ping|fsfreeze-status)")
"""Paths whose POST changes nothing (PVE::API2::Qemu::Agent)."""


@dataclass(frozen=True)
class Answer:
    """One answer, before it is judged. ``data`` is the payload of a good one."""

    status: int
    reason: str = ""
    data: Json = None
    message: str = ""
    errors: Mapping[str, str] | None = None
    beside: Mapping[str, Json] | None = None
    """What a good answer has beside ``data``, such as the network's ``changes``; None where the way can't tell."""


def printed(said: str) -> Answer:
    """A refusal as PVE's Perl prints it, as the answer it stands for."""
    found = STATUS_LINE.search(said)
    if not found:
        reason = said.strip().splitlines()[0]
        return Answer(501 if NO_HANDLER.match(reason) else 500, reason, message=reason)
    status, reason = int(found.group(1)), found.group(2)
    errors = {name: text for name, text in FIELD_LINE.findall(said[found.end() :]) if name != "usage"}
    errors.update(dict.fromkeys(UNKNOWN_OPTION.findall(said), "unknown option"))
    return Answer(status, reason, message=reason, errors=errors or None)


class Session(Protocol):
    """A way to the API. Raises members of the error tree when there is no answer."""

    def send(self, method: str, path: str, params: Params, patience: float = 0.0) -> Answer:
        """One request; ``path`` begins with a slash and stands below /api2/json.

        ``patience``: seconds to wait for the answer at least, where that comes only when the task has ended.
        """

    def renew(self) -> bool:
        """Log in again after a 401; False when that cannot help."""

    def close(self) -> None:
        """Let go of connections."""

    def files(self) -> CommandExecutor:
        """The node's own files. Raises ConfigError where this way doesn't lead to them."""


class Client:
    """Requests with retries and judged answers. Safe to share between threads."""

    _closed = False

    def __init__(
        self,
        session: Session,
        host: str,
        retries: int = 3,
        sleep: Callable[[float], None] = time.sleep,
        login: str = ROOT,
    ) -> None:
        self.session, self.host, self.retries, self._sleep = session, host, retries, sleep
        self.login = login

    def get(self, path: str, params: Params | None = None) -> Json:
        """Read."""
        return self.request("GET", path, params)

    def post(self, path: str, params: Params | None = None) -> Json:
        """Create, or start an action; the UPID when PVE does it in a task."""
        return self.request("POST", path, params)

    def ask(self, path: str) -> Json:
        """The answer to a question that Proxmox VE takes as POST. Raises ValueError for what may change something."""
        if not QUESTIONS.fullmatch(path):
            raise ValueError(f"POST {path} is no question")
        return self.request("POST", path)

    def put(self, path: str, params: Params | None = None) -> Json:
        """Change."""
        return self.request("PUT", path, params)

    def delete(self, path: str, params: Params | None = None) -> Json:
        """Remove."""
        return self.request("DELETE", path, params)

    def whole(self, path: str, params: Params | None = None) -> tuple[Json, Mapping[str, Json] | None]:
        """Read, with what stands beside the data; None where the way to the API doesn't tell it."""
        answer = self._answered("GET", path, params)
        return answer.data, answer.beside

    def node_file(self, path: str) -> str | None:
        """Text of a file of the node itself, None when there is none.

        Raises ConfigError over HTTPS, FileError when it can't be read.
        """
        files = self.session.files()
        there = files.run(["test", "-e", path], check=False).success
        return files.read_file(Path(path)) if there else None

    def node_says(self, command: Sequence[str]) -> str:
        """What a command that only reads prints on the node itself.

        Raises ConfigError over HTTPS, CommandError when it fails.
        """
        return self.session.files().run(list(command)).stdout

    def write_node_file(self, path: str, text: str, mode: int) -> None:
        """Write a file of the node itself, in one step; raises as ``node_file`` does."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as source:
            source.write(text)
            source.flush()
            files = self.session.files()
            files.run(["mkdir", "-p", "--", str(Path(path).parent)])
            files.push_file(Path(source.name), Path(path), mode)

    def request(self, method: str, path: str, params: Params | None = None, patience: float = 0.0) -> Json:
        """One call; raises PveError, ConnectionError or AuthenticationError. ``patience``: see Session.send."""
        return self._answered(method, path, params, patience).data

    def _answered(self, method: str, path: str, params: Params | None, patience: float = 0.0) -> Answer:
        if self._closed:  # a thread that outlived its work, as after Ctrl-C
            raise ConnectionError(self.host, 0, f"{method} {path}: the session is closed")
        sent = wire_params(params or {})
        for pause in pauses(self.retries):
            try:
                return self._judged(method, path, sent, patience)
            except HomelabPveError as error:
                if not repeatable(method, error):
                    raise
            self._sleep(pause)
        return self._judged(method, path, sent, patience)

    def close(self) -> None:
        """Close the session; requests are refused from now on."""
        self._closed = True
        self.session.close()

    def _judged(self, method: str, path: str, params: Params, patience: float) -> Answer:
        answer = self.session.send(method, path, params, patience)
        if answer.status == http.HTTPStatus.UNAUTHORIZED and self.session.renew():
            answer = self.session.send(method, path, params, patience)
        if answer.status < http.HTTPStatus.MULTIPLE_CHOICES:
            return answer
        raise self._error(method, path, answer)

    def _error(self, method: str, path: str, answer: Answer) -> HomelabPveError:
        if answer.status == http.HTTPStatus.UNAUTHORIZED:
            return AuthenticationError(
                f"{self.host} does not accept the login: {(answer.message or answer.reason).strip()}. "
                "Check token_id and token_secret (or user and password), and that the token has not expired."
            )
        if method != "GET" and answer.status in LOST_ANSWERS:
            return OutcomeUnknownError(self.host, 0, f"{method} {path}: {answer.status} {answer.reason}", READ_AGAIN)
        kind = PermissionDeniedError if answer.status == http.HTTPStatus.FORBIDDEN else PveError
        return kind(method, path, answer.status, answer.reason, message=answer.message, errors=answer.errors)


READ_AGAIN = "The change may have been made. Run again: what is there now is read first."


def pauses(retries: int) -> Iterator[float]:
    """Seconds between the attempts, one pause for each repetition."""
    return (min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt) for attempt in range(retries))


def repeatable(method: str, error: HomelabPveError) -> bool:
    """Whether the same request may be sent again: reads after any passing trouble, changes only if nothing was done."""
    if isinstance(error, OutcomeUnknownError):
        return method == "GET"
    if isinstance(error, ConnectionError):
        return error.transient
    if not isinstance(error, PveError):
        return False
    if error.status == NOT_CONNECTED or LOCK_TIMEOUT.search(error.message):
        return True
    return method == "GET" and error.status in LOST_ANSWERS


def wire_params(params: Params) -> dict[str, Json]:
    """Parameters as PVE reads them: no None, booleans as 0 and 1 (PVE refuses true and yes)."""
    return {name: _wire(value) for name, value in params.items() if value is not None}


def _wire(value: Json) -> Json:
    if isinstance(value, bool):
        return int(value)
    return [_wire(item) for item in value] if isinstance(value, list | tuple) else value


def connect(connection: Connection) -> Client:
    """A client for the transport the connection names. Nothing is sent yet."""
    if connection.transport == "https":
        from ansible_collections.homelab.pve.plugins.module_utils.api_https import HttpsSession  # noqa: PLC0415

        login = connection.token_id or connection.user or ROOT
        return Client(HttpsSession(connection), connection.host, connection.retries, login=login)
    from ansible_collections.homelab.pve.plugins.module_utils.api_pvesh import pvesh_session  # noqa: PLC0415

    return Client(pvesh_session(connection), connection.host or "this node", connection.retries)
