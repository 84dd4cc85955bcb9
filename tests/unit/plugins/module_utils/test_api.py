"""The client: what is sent, what is repeated, and what an answer means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import (
    Answer,
    Client,
    Connection,
    pauses,
    printed,
    wire_params,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    ConfigError,
    ConnectionError,
    HomelabPveError,
    OutcomeUnknownError,
    PermissionDeniedError,
    PveError,
)
from ansible_collections.homelab.pve.plugins.module_utils.executor import CommandExecutor

OK = Answer(200, "OK", {"version": "9.1"})
REFUSED = ConnectionError("father", 8006, "Connection refused", transient=True)
NO_ROUTE = ConnectionError("father", 8006, "No route to host")
BROKEN = OutcomeUnknownError("father", 8006, "the connection broke")
LOCKED = Answer(500, message="can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout\n")
CFS_LOCKED = Answer(500, message="cfs-lock 'file-user_cfg' error: got lock request timeout\n")
NO_QUORUM = Answer(500, message="cfs-lock 'file-user_cfg' error: no quorum!\n")


class Script:
    """A session that answers from a list."""

    def __init__(self, *answers: Answer | HomelabPveError, renewable: bool = False) -> None:
        self.answers: Iterator[Answer | HomelabPveError] = iter(answers)
        self.sent: list[tuple[str, str, Any]] = []
        self.renewable, self.renewed = renewable, 0

    def send(self, method: str, path: str, params: Any, _patience: float = 0.0) -> Answer:
        """The next answer, or error."""
        self.sent.append((method, path, params))
        answer = next(self.answers)
        if isinstance(answer, Answer):
            return answer
        raise answer

    def renew(self) -> bool:
        """Count."""
        self.renewed += 1
        return self.renewable

    def close(self) -> None:
        """Nothing to close."""

    def files(self) -> CommandExecutor:
        """There are none."""
        raise ConfigError("no files")


def client(script: Script, retries: int = 2) -> tuple[Client, list[float]]:
    slept: list[float] = []
    return Client(script, "father", retries, slept.append), slept


@pytest.mark.parametrize(
    ("method", "trouble"),
    [
        *[
            ("GET", item)
            for item in (REFUSED, BROKEN, LOCKED, CFS_LOCKED, *map(Answer, (502, 503, 504, 595, 596, 599)))
        ],
        *[
            (method, item)
            for method in ("POST", "PUT", "DELETE")
            for item in (REFUSED, LOCKED, CFS_LOCKED, Answer(595))
        ],
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_passing_trouble_is_overcome(method: str, trouble: Answer | HomelabPveError) -> None:
    script = Script(trouble, trouble, OK)
    found, slept = client(script)
    assert found.request(method, "/version") == {"version": "9.1"}
    assert (len(script.sent), slept) == (3, [0.2, 0.4])


@pytest.mark.parametrize(
    ("method", "trouble", "kind"),
    [
        *[("POST", item, OutcomeUnknownError) for item in (BROKEN, *map(Answer, (502, 503, 504, 596, 597, 598, 599)))],
        ("PUT", Answer(596), OutcomeUnknownError),
        ("DELETE", BROKEN, OutcomeUnknownError),
        ("GET", NO_ROUTE, ConnectionError),
        ("GET", Answer(500, message="nope"), PveError),
        ("GET", NO_QUORUM, PveError),
        ("GET", Answer(400), PveError),
        ("GET", Answer(401), AuthenticationError),
        ("GET", Answer(403), PermissionDeniedError),
        ("GET", Answer(301), PveError),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_other_trouble_is_not_repeated(method: str, trouble: Answer | HomelabPveError, kind: type[Exception]) -> None:
    script = Script(trouble)
    with pytest.raises(kind):
        client(script)[0].request(method, "/x")
    assert len(script.sent) == 1


def test_trouble_that_stays_is_told() -> None:
    script = Script(REFUSED, REFUSED, REFUSED)
    with pytest.raises(ConnectionError, match="Connection refused"):
        client(script)[0].get("/version")
    assert len(script.sent) == 3


def test_an_expired_ticket_is_renewed_once() -> None:
    script = Script(Answer(401), OK, renewable=True)
    assert client(script)[0].get("/version") == {"version": "9.1"}
    assert script.renewed == 1
    script = Script(Answer(401, "No ticket"), Answer(401, "No ticket"), renewable=True)
    with pytest.raises(AuthenticationError, match=r"^father does not accept the login: No ticket\."):
        client(script)[0].get("/version")
    assert script.renewed == 1


def test_a_lost_answer_says_what_to_do() -> None:
    with pytest.raises(OutcomeUnknownError) as caught:
        client(Script(Answer(596, "Connection timed out")))[0].post("/nodes/son/qemu/100/status/start")
    assert str(caught.value).endswith(
        "POST /nodes/son/qemu/100/status/start: 596 Connection timed out. "
        "The change may have been made. Run again: what is there now is read first."
    )


def test_what_proxmox_said_is_kept() -> None:
    answer = Answer(
        400, "Parameter verification failed.", None, "Parameter verification failed.\n", {"cores": "too few\n"}
    )
    with pytest.raises(PveError) as caught:
        client(Script(answer))[0].put("/x", {"cores": 0})
    error = caught.value
    assert (error.method, error.path, error.status, error.errors) == ("PUT", "/x", 400, {"cores": "too few"})


@pytest.mark.parametrize(
    ("params", "wire"),
    [
        ({"a": None}, {}),
        ({"a": True, "b": False, "c": 0}, {"a": 1, "b": 0, "c": 0}),
        ({"command": ["ls", True]}, {"command": ["ls", 1]}),
    ],
)
def test_wire_params(params: dict[str, Any], wire: dict[str, Any]) -> None:
    assert wire_params(params) == wire


def test_pauses_grow_to_a_limit() -> None:
    assert list(pauses(6)) == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert list(pauses(0)) == []


TOKEN = {"token_id": "root@pam!x", "token_secret": "s"}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "No host given. Set the option 'host' or the environment variable PVE_HOST."),
        (
            {"host": "father"},
            "No credentials for father. Set token_id and token_secret (PVE_TOKEN_ID, PVE_TOKEN_SECRET), "
            "or user and password (PVE_USER, PVE_PASSWORD).",
        ),
        (
            {"host": "father", "token_id": "root@pam!x"},
            "The API token is incomplete: token_secret is missing (or PVE_TOKEN_SECRET).",
        ),
        (
            {"host": "father", "token_secret": "x"},
            "The API token is incomplete: token_id is missing (or PVE_TOKEN_ID).",
        ),
        (
            {"host": "father", "token_id": "root@pam", "token_secret": "x"},
            "token_id 'root@pam' has no token name. Write it as user@realm!name.",
        ),
        (
            {"host": "father", **TOKEN, "ca_path": "/nonexistent/ca.pem"},
            "ca_path /nonexistent/ca.pem is not a file. Copy /etc/pve/pve-root-ca.pem from the node.",
        ),
        (
            {"host": "father", "user": "root", "password": "x"},
            "user 'root' has no realm. Write it as root@pam, or with another realm.",
        ),
        (
            {"host": "father", **TOKEN, "fingerprint": "AB:CD"},
            "fingerprint 'AB:CD' is not one: it has 32 pairs of hexadecimal digits, as AB:CD:..., and is shown in the "
            "web interface (node, Certificates) and by pvenode cert info.",
        ),
        ({"host": "father", **TOKEN, "timeout": 0}, "timeout 0 is no time to wait. Give seconds, more than 0."),
        (
            {"host": "father", "transport": "ssh", "connect_timeout": -1.5},
            "connect_timeout -1.5 is no time to wait. Give seconds, more than 0.",
        ),
        ({"host": "father", **TOKEN, "port": 0}, "port 0 is no port. Give one from 1 to 65535."),
        ({"host": "father", **TOKEN, "port": 70000}, "port 70000 is no port. Give one from 1 to 65535."),
        ({"host": "father", **TOKEN, "retries": -1}, "retries -1 is less than 0."),
        ({"transport": "ssh"}, "No host given. Set the option 'host' or the environment variable PVE_HOST."),
    ],
    ids=str,
)
def test_connections_that_cannot_work(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Connection.from_params(params)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "params",
    [
        {"host": "father", **TOKEN},
        {"host": "father", "user": "root@pam", "password": "x"},
        {"host": "father", "transport": "ssh"},
        {"host": "father", **TOKEN, "fingerprint": "ab" * 32},
        {"host": "father", **TOKEN, "fingerprint": ":".join(["AB"] * 32)},
        {"transport": "local"},
        {"host": "father", **TOKEN, "ca_path": "/nonexistent/ca.pem", "validate_certs": False},
    ],
    ids=str,
)
def test_connections_that_can(params: dict[str, Any]) -> None:
    assert Connection.from_params({**params, "port": None}).port == 8006


def test_a_closed_session_sends_nothing() -> None:
    script = Script(OK)
    found, _ = client(script)
    found.close()
    with pytest.raises(ConnectionError, match="GET /version: the session is closed"):
        found.get("/version")
    assert script.sent == []


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (
            "400 Parameter verification failed.\nid: No such job 'nope'\nusage: pvesh",
            (400, "Parameter verification failed.", {"id": "No such job 'nope'"}),
        ),
        (
            "Unknown option: bogus\n400 unable to parse option\npvesh get <api_path>",
            (400, "unable to parse option", {"bogus": "unknown option"}),
        ),
        ("No 'create' handler defined for '/version'\n", (501, "No 'create' handler defined for '/version'", None)),
        ("pool 'x' does not exist\n", (500, "pool 'x' does not exist", None)),
    ],
    ids=["parameter", "unknown option", "no handler", "died"],
)
def test_a_refusal_that_was_printed(said: str, answer: tuple[int, str, dict[str, str] | None]) -> None:
    found = printed(said)
    assert (found.status, found.reason, found.errors) == answer


def test_what_stands_beside_the_data() -> None:
    asked, _ = client(Script(LOCKED, Answer(200, data=[1], beside={"changes": "x"}), Answer(200, data=[2])))
    assert asked.whole("/nodes/father/network") == ([1], {"changes": "x"})
    assert asked.whole("/nodes/father/network") == ([2], None)


def test_questions_that_are_posted() -> None:
    script = Script(OK)
    assert client(script)[0].ask("/nodes/father/qemu/104/agent/fsfreeze-status") == OK.data
    assert script.sent == [("POST", "/nodes/father/qemu/104/agent/fsfreeze-status", {})]
    with pytest.raises(ValueError, match="POST /nodes/father/qemu/104/agent/fstrim is no question"):
        client(script)[0].ask("/nodes/father/qemu/104/agent/fstrim")
