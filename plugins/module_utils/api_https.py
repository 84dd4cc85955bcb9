# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API over HTTPS: proxmoxer's session with our login, certificate rules and errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.homelab.pve.plugins.module_utils.api import READ_AGAIN, Answer, Connection, Params, printed
from ansible_collections.homelab.pve.plugins.module_utils.api_upload import Form, sent_file, with_checksum
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    CertificateError,
    ConfigError,
    ConnectionError,
    OutcomeUnknownError,
)

if TYPE_CHECKING:
    from ansible_collections.homelab.pve.plugins.module_utils.executor import CommandExecutor

MISSING: ImportError | None = None
"""Which library is missing; told when a connection is made, so that the documentation can be read without it."""
try:
    import requests
    from proxmoxer.backends.https import ProxmoxHttpSession
    from requests.adapters import HTTPAdapter
    from requests.utils import get_environ_proxies
except ImportError as error:
    MISSING = error

CONNECTIONS = 32
"""How many requests may be under way at once before one waits for a free connection."""

WRAPPED = "400 Parameter verification failed."
"""How the message of a 500 begins when a parameter was refused under a lock, which makes a text of the exception."""

REFUSED_CERTIFICATE = (
    "Give ca_path (a copy of the node's /etc/pve/pve-root-ca.pem) or the certificate's SHA-256 fingerprint, and use a "
    "host name or address that the certificate names."
)


@dataclass
class _Auth:
    """What proxmoxer's session asks for with each request: how to verify, how long to wait, who we are."""

    verify_ssl: bool | str
    timeout: tuple[float, float]

    def get_cookies(self) -> dict[str, str]:
        """No cookies beside those ``__call__`` sets."""
        return {}


@dataclass
class _TokenAuth(_Auth):
    """Puts an API token on each request."""

    header: str = field(default="", repr=False)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self.header
        return request


@dataclass
class _TicketAuth(_Auth):
    """Puts the ticket of a login on each request, and the CSRF token on those that change something."""

    ticket: str = field(default="", repr=False)
    csrf: str = field(default="", repr=False)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.ticket:
            request.headers["Cookie"] = f"PVEAuthCookie={self.ticket}"
        if request.method != "GET":
            request.headers["CSRFPreventionToken"] = self.csrf
        return request


def _adapter(fingerprint: str | None) -> HTTPAdapter:
    """Keeps connections open; with a fingerprint urllib3 refuses another certificate before anything is sent."""
    adapter = HTTPAdapter()
    pinned: dict[str, Json] = {"assert_fingerprint": fingerprint.replace(" ", "")} if fingerprint else {}
    adapter.init_poolmanager(CONNECTIONS, CONNECTIONS, **pinned)
    return adapter


class HttpsSession:
    """A session with one node. Logs in when first needed; a ticket that ran out is renewed once a request."""

    def __init__(self, connection: Connection) -> None:
        if MISSING:
            raise MISSING
        self._connection = connection
        host = f"[{connection.host}]" if ":" in connection.host else connection.host
        self._base = f"https://{host}:{connection.port}/api2/json"
        self._auth = _auth(connection)
        self._session = ProxmoxHttpSession()
        self._session.auth = self._auth
        self._session.mount("https://", _adapter(connection.fingerprint))
        # The environment's proxies, looked up once: requests would do it for each request.
        self._session.trust_env = False
        self._session.proxies.update(get_environ_proxies(self._base))
        self._login_lock = threading.Lock()

    def send(self, method: str, path: str, params: Params, _patience: float = 0.0) -> Answer:
        """See api.Session."""
        if isinstance(self._auth, _TicketAuth) and not self._auth.ticket:
            self.renew()
        return self._send(method, path, params)

    def renew(self) -> bool:
        """Log in with the password; False for a token, which either works or doesn't."""
        if not isinstance(self._auth, _TicketAuth):
            return False
        refused = self._auth.ticket
        with self._login_lock:
            if self._auth.ticket != refused:  # another thread has just logged in
                return True
            login = {"username": self._connection.user, "password": self._connection.password}
            self._auth.ticket, self._auth.csrf = _ticket(self._send("POST", "/access/ticket", login), self._connection)
        return True

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def files(self) -> CommandExecutor:
        """See api.Session."""
        raise ConfigError(
            "Proxmox VE's API takes no such file, so it is written by SSH. Use transport: ssh, or transport: local on "
            "the node itself."
        )

    def _send(self, method: str, path: str, params: Params) -> Answer:
        file = sent_file(params)
        try:
            response = (
                self._upload(self._base + path, Form(with_checksum(params, file), file))
                if file
                else self._respond(method, self._base + path, dict(params))
            )
        except requests.RequestException as error:
            raise explained(error, self._connection) from error
        return judged(response)

    def _upload(self, url: str, form: Form) -> requests.Response:
        """Send a form. Between two pieces as much time may pass as before an answer: ``timeout``."""
        connection = self._connection
        try:
            return requests.Session.request(
                self._session,
                "POST",
                url,
                data=form,
                headers={"Content-Type": form.content_type},
                allow_redirects=False,
                verify=self._auth.verify_ssl,
                timeout=(connection.timeout, connection.timeout),
            )
        except requests.RequestException as error:
            reason = f"{_innermost(error)} ({form.progress()})"
            if form.sent:
                raise OutcomeUnknownError(connection.host, connection.port, reason, READ_AGAIN) from error
            raise
        finally:
            form.close()

    def _respond(self, method: str, url: str, params: dict[str, Json]) -> requests.Response:
        if method in {"POST", "PUT"} and "" in params.values():
            return self._with_json(method, url, params)
        place = "data" if method in {"POST", "PUT"} else "params"
        response: requests.Response = self._session.request(
            method, url, allow_redirects=False, **{place: params or None}
        )
        return response

    def _with_json(self, method: str, url: str, params: dict[str, Json]) -> requests.Response:
        """In a form an empty value is lost (PVE::APIServer::AnyEvent, decode_urlencoded), and nothing gets emptied.

        proxmoxer's own request() knows forms only, and adds what it got from us: verification and timeout.
        """
        trust, timeout = self._auth.verify_ssl, self._auth.timeout
        return requests.Session.request(
            self._session, method, url, json=params, allow_redirects=False, verify=trust, timeout=timeout
        )


def _auth(connection: Connection) -> _TokenAuth | _TicketAuth:
    # Verification goes with each request: over a session's own setting REQUESTS_CA_BUNDLE would win.
    verify, timeout = verification(connection), (connection.connect_timeout, connection.timeout)
    if connection.token_id and connection.token_secret:
        return _TokenAuth(verify, timeout, f"PVEAPIToken={connection.token_id}={connection.token_secret}")
    return _TicketAuth(verify, timeout)


def verification(connection: Connection) -> bool | str:
    """What requests shall verify against: a CA file, the system's authorities (True), or nothing.

    A fingerprint without a CA replaces the chain: a certificate pinned by hand is usually a self-signed one.
    """
    if not connection.validate_certs:
        return False
    return connection.ca_path or not connection.fingerprint


def _ticket(answer: Answer, connection: Connection) -> tuple[str, str]:
    """Ticket and CSRF token of a login's answer."""
    data = answer.data or {}
    if data.get("NeedTFA"):
        raise AuthenticationError(
            f"{connection.user} needs a second factor on {connection.host}. Use an API token instead."
        )
    if not data.get("ticket"):
        raise AuthenticationError(
            f"{connection.host} does not accept the password of {connection.user}: "
            f"{(answer.message or answer.reason).strip()}. Check user (with its realm, as in root@pam) and password."
        )
    return data["ticket"], data["CSRFPreventionToken"]


def judged(response: requests.Response) -> Answer:
    """An HTTP response as an Answer. PVE sends 401 and its 59x with an empty body."""
    try:
        body = response.json()
    except ValueError:
        body = None
    reason = response.reason or ""
    if not isinstance(body, dict):
        if response.ok and response.status_code != requests.codes.no_content:
            return Answer(500, "this is not the Proxmox VE API (the answer is no JSON object)")
        return Answer(response.status_code, reason, message=response.text[:300] if response.text else "")
    message = body.get("message") or ""
    if message.startswith(WRAPPED):
        return printed(message)
    beside = {name: value for name, value in body.items() if name != "data"}
    return Answer(response.status_code, reason, body.get("data"), message, body.get("errors"), beside)


def explained(error: requests.RequestException, connection: Connection) -> ConnectionError:
    """What went wrong when no answer came, and whether the request can have been received."""
    host, port = connection.host, connection.port
    if isinstance(error, requests.exceptions.SSLError):
        return CertificateError(host, port, f"its certificate is not trusted: {_innermost(error)}", REFUSED_CERTIFICATE)
    if isinstance(error, requests.ConnectTimeout):
        return ConnectionError(host, port, f"no connection within {connection.connect_timeout:g} s")
    if isinstance(error, requests.Timeout):
        return OutcomeUnknownError(host, port, f"no answer within {connection.timeout:g} s", READ_AGAIN)
    if _never_sent(error):
        refused = any(isinstance(cause, ConnectionRefusedError) for cause in _causes(error))
        return ConnectionError(host, port, _innermost(error), transient=refused)
    return OutcomeUnknownError(host, port, f"the connection broke: {_innermost(error)}", READ_AGAIN)


def _never_sent(error: BaseException) -> bool:
    names = {type(cause).__name__ for cause in _causes(error)}
    return bool(names & {"NewConnectionError", "NameResolutionError", "ProxyError", "InvalidURL"})


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it: requests and urllib3 wrap each other's errors in arguments and causes."""
    seen: set[int] = set()
    queue: list[BaseException] = [error]
    while queue:
        current = queue.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        nested = [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
        queue.extend(item for item in nested if isinstance(item, BaseException))


def _innermost(error: BaseException) -> str:
    """The operating system's words if there are any, else those of the innermost error."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return str(causes[-1]) or type(causes[-1]).__name__
