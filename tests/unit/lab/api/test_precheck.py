# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever bytes come in: an answer or a closed connection, no word about it in the log, and nothing is changed."""

from __future__ import annotations

import json
import logging
import re
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.api import precheck
from lab.api.serving import ServedLab

from .conftest import Client

FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
JSON = "Content-Type: application/json\r\n"
CONNECTIONS, EACH = 50, 40
# How an answer without a body ends; what is left of its request the lab would wait for a little.
EMPTY = b"Connection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "path", "encoding", "refusal"),
    [
        ("GET", "/api2/json/version", None, None),
        ("GET", "/api2/extjs", None, None),
        ("PATCH", "/api2/json/version", None, (501, "method 'PATCH' not available")),
        ("POST", "/api2/json/pools", "Chunked", (501, "chunked transfer encoding not supported")),
        ("POST", "/api2/json/pools", "gzip", (501, "Unknown transfer encoding 'gzip'")),
        ("GET", "/api2", None, (501, "no such uri")),
        ("GET", "/api2/text/version", None, (501, "no formatter for uri /version, text")),
        ("GET", "/", None, None),
    ],
)
def test_before_anybody_is_asked_who_he_is(
    method: str, path: str, encoding: str | None, refusal: tuple[int, str] | None
) -> None:
    assert precheck.before_login(method, path, encoding) == refusal


@pytest.mark.parametrize(
    ("method", "length", "content_type", "refusal"),
    [
        ("GET", 0, "text/xml", None),
        ("DELETE", 3, "", (501, "Unexpected content for method 'DELETE'")),
        ("POST", precheck.LIMIT, "", None),
        ("POST", precheck.LIMIT + 1, "", (501, "for data too large")),
        ("PUT", 1, "application/json; charset=utf-8", None),
        ("PUT", 1, "text/xml", (506, "upload 'Content-Type 'text/xml' not implemented")),
    ],
)
def test_before_a_body_is_read(method: str, length: int, content_type: str, refusal: tuple[int, str] | None) -> None:
    assert precheck.after_login(method, length, content_type) == refusal


class Wire:
    """Sends bytes to a lab and returns all that comes back."""

    def __init__(self, lab: ServedLab) -> None:
        """Take the lab."""
        self.lab = lab
        self.context = ssl.create_default_context(cafile=str(lab.ca_path))

    @contextmanager
    def connected(self, *, tls: bool = True) -> Iterator[socket.socket]:
        """A connection that gives up after 10 s."""
        with socket.create_connection((self.lab.host, self.lab.port), timeout=10) as plain:
            yield self.context.wrap_socket(plain, server_hostname=self.lab.host) if tls else plain

    def send(self, data: bytes, *, tls: bool = True) -> bytes:
        """What comes back until the other side closes. Raises TimeoutError when it neither answers nor closes."""
        found = b""
        with self.connected(tls=tls) as connection:
            try:
                connection.sendall(data)
                while not found.endswith(EMPTY) and (block := connection.recv(65536)):
                    found += block
            except (ConnectionError, ssl.SSLError):
                pass
        return found

    def request(self, line: str, headers: str = "", body: bytes = b"") -> bytes:
        """A request as root, by hand."""
        token = f"Authorization: PVEAPIToken={self.lab.token_id}={self.lab.token_secret}\r\n"
        head = f"{line}\r\nHost: x\r\nConnection: close\r\n{token}{headers}\r\n"
        return self.send(head.encode("latin-1") + body)

    def statuses(self, *paths: str) -> list[int]:
        """The statuses of requests that are all sent before the first answer is read."""
        token = f"Authorization: PVEAPIToken={self.lab.token_id}={self.lab.token_secret}\r\n"
        asked = [f"GET /api2/json{path} HTTP/1.1\r\nHost: x\r\n{token}\r\n" for path in paths]
        asked[-1] = asked[-1].replace("Host: x", "Host: x\r\nConnection: close")
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", self.send("".join(asked).encode()))]


@pytest.fixture
def wire(lab_api: ServedLab) -> Wire:
    """A way to say anything to a lab."""
    return Wire(lab_api)


def kept(lab: ServedLab) -> dict[str, Any]:
    """What a client could have changed; the HA manager notes things by itself, and tasks may come to nothing."""
    document: dict[str, Any] = json.loads(json.dumps(lab.api.document(), sort_keys=True))
    api = {name: document["api"][name] for name in ("storages", "pools", "pool_info", "etc_pve")}
    return {**api, **{name: document[name] for name in ("access", "vms", "cts")}}


@pytest.fixture
def untouched(lab_api: ServedLab, client: Client, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Afterwards the lab is as it was, answers, and has logged no error."""
    # What looks at the settings of the datacenter for the first time makes them.
    client.get("/cluster/nextid")
    before = kept(lab_api)
    with caplog.at_level(logging.WARNING):
        yield
    assert kept(lab_api) == before
    assert client.get("/version")
    assert not [record.getMessage() for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


def length(body: bytes) -> str:
    """The header for a body."""
    return f"Content-Length: {len(body)}\r\n"


NESTED = b"[" * 100_000
REQUESTS: dict[str, tuple[str, str, bytes, bytes]] = {
    "chunked": (
        "POST /api2/json/pools HTTP/1.1",
        FORM + "Transfer-Encoding: chunked\r\n",
        b"9\r\npoolid=ab\r\n0\r\n\r\n",
        b"501 chunked transfer encoding not supported",
    ),
    "claims to be huge": (
        "POST /api2/json/pools HTTP/1.1",
        FORM + f"Content-Length: {10**14}\r\n",
        b"x",
        b"501 for data",
    ),
    "is large": (
        "POST /api2/json/pools HTTP/1.1",
        FORM + length(b"x" * 2**20),
        b"x" * 2**20,
        b"501 for data too large",
    ),
    "xml": ("POST /api2/json/pools HTTP/1.1", "Content-Type: text/xml\r\n" + length(b"<a/>"), b"<a/>", b"506 upload"),
    "body of a GET": ("GET /api2/json/version HTTP/1.1", FORM + length(b"a=b"), b"a=b", b"501 Unexpected content"),
    "negative length": ("POST /api2/json/pools HTTP/1.1", FORM + "Content-Length: -1\r\n", b"", b"400 "),
    "two lengths": ("PUT /api2/json/pools HTTP/1.1", "Content-Length: 1\r\nContent-Length: 2\r\n", b"ab", b"400 "),
    "long URL": ("GET /api2/json/" + "a" * 20_000 + " HTTP/1.1", "", b"", b"400 "),
    "many headers": ("GET /api2/json/version HTTP/1.1", "X-Y: z\r\n" * 500, b"", b"400 "),
    "large header": ("GET /api2/json/version HTTP/1.1", "X-Y: " + "z" * 20_000 + "\r\n", b"", b"400 "),
    "nested": ("POST /api2/json/pools HTTP/1.1", JSON + length(NESTED), NESTED, b"400 Parameter verification failed."),
    "no JSON": ("POST /api2/json/pools HTTP/1.1", JSON + length(b'{"a"'), b'{"a"', b"400 Parameter"),
    "no object": ("POST /api2/json/pools HTTP/1.1", JSON + length(b"[1]"), b"[1]", b"400 Parameter"),
    "no UTF-8": ("POST /api2/json/pools HTTP/1.1", FORM + length(b"a=\xff\xfe"), b"a=\xff\xfe", b"400 Parameter"),
    "NUL": ("POST /api2/json/access/groups HTTP/1.1", FORM + length(b"groupid=a%00b"), b"groupid=a%00b", b"400 "),
    "unknown method": ("FOO /api2/json/version HTTP/1.1", "", b"", b"400 "),
    "PATCH": ("PATCH /api2/json/version HTTP/1.1", "", b"", b"501 method 'PATCH' not available"),
    "HEAD": ("HEAD /api2/json/version HTTP/1.1", "", b"", b"501 method 'HEAD' not available"),
    "unknown format": ("GET /api2/yaml/version HTTP/1.1", "", b"", b"501 no formatter for uri /version, yaml"),
    "out of the tree": ("GET /api2/json/../../../etc/passwd HTTP/1.1", "", b"", b"501 "),
    "HTTP/3": ("GET /api2/json/version HTTP/3.0", "", b"", b"400 "),
    "upload without parts": (
        "POST /api2/json/nodes/father/storage/local/upload HTTP/1.1",
        "Content-Type: multipart/form-data\r\n" + length(b"abc"),
        b"abc",
        b"400 ",
    ),
    "upload that ends early": (
        "POST /api2/json/nodes/father/storage/local/upload HTTP/1.1",
        "Content-Type: multipart/form-data; boundary=zz\r\n" + length(b"--zz\r\nContent-Disposition: x\r\n"),
        b"--zz\r\nContent-Disposition: x\r\n",
        b"400 ",
    ),
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", list(REQUESTS))
def test_a_request_that_is_wrong_is_answered(wire: Wire, name: str) -> None:
    line, headers, body, expected = REQUESTS[name]
    found = wire.request(line, headers, body)
    assert found.partition(b" ")[2].startswith(expected), found[:300]
    assert b"Traceback" not in found


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("data", "tls"),
    [
        (b"GET /api2/json/version HTTP/1.1\r\n\r\n", False),
        (b"\x16\x03\x01\xff\xff" + b"A" * 500, False),
        (b"\x00\x01\x02" * 50, False),
        (b"\x00\xff garbage\r\n\r\n", True),
    ],
    ids=["plain HTTP", "a broken handshake", "no TLS", "no HTTP"],
)
def test_what_is_no_request_ends_the_connection(wire: Wire, data: bytes, tls: bool) -> None:
    assert b"Traceback" not in wire.send(data, tls=tls)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("head", "status", "location"),
    [
        (
            "GET /api2/json/version HTTP/1.1\r\nHost: pve:8006",
            "301 Moved Permanently",
            "https://pve:8006/api2/json/version",
        ),
        ("POST / HTTP/1.0\r\nAccept: */*\r\nhost:pve", "301 Moved Permanently", "https://pve/"),
        ("GET / HTTP/1.0", "400 Bad Request", None),
    ],
)
def test_plain_http_is_sent_to_where_tls_is(wire: Wire, head: str, status: str, location: str | None) -> None:
    line, *fields = wire.send(f"{head}\r\n\r\n".encode(), tls=False).decode().split("\r\n")
    assert line == f"HTTP/1.1 {status}"
    assert [field for field in fields if field.startswith("Location")] == (
        [f"Location: {location}"] if location else []
    )


@pytest.mark.usefixtures("untouched")
def test_requests_in_one_go_are_answered_in_order(wire: Wire) -> None:
    assert wire.statuses("/version", "/nope", "/cluster/nextid") == [200, 501, 200]


@pytest.mark.usefixtures("untouched")
def test_slow_and_silent_clients_hold_up_nobody(wire: Wire, client: Client) -> None:
    beginnings = (b"", b"GET /api2/js", b"POST /api2/json/pools HTTP/1.1\r\nContent-Length: 9\r\n\r\npool")
    with ExitStack() as held, wire.connected(tls=False):
        for number in range(30):
            connection = held.enter_context(wire.connected())
            connection.sendall(beginnings[number % len(beginnings)])
            if number % 2:
                connection.shutdown(socket.SHUT_WR)
        assert client.get("/version")


@pytest.mark.usefixtures("untouched")
def test_thousands_of_requests_at_once(wire: Wire) -> None:
    paths = ("/version", "/nope", "/nodes/father/qemu/999/config", "/nodes/father/qemu?x=1") * (EACH // 4)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        found = list(pool.map(lambda _: wire.statuses(*paths), range(CONNECTIONS)))
    assert found == [[200, 501, 500, 400] * (EACH // 4)] * CONNECTIONS


TRAVERSALS = (
    "../../../etc/passwd",
    "../x",
    "iso/../../../etc/passwd",
    "/etc/passwd",
    "iso/%2e%2e/x",
    "a\x00b",
    "....//x",
)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", TRAVERSALS, ids=[str(number) for number in range(len(TRAVERSALS))])
def test_no_name_leads_out_of_a_storage(lab_api: ServedLab, client: Client, name: str) -> None:
    content = "/nodes/father/storage/local/content"
    quoted = requests.utils.quote(f"local:{name}", safe="")  # type: ignore[attr-defined]
    answers = [
        client.ask("GET", f"{content}/{quoted}"),
        client.ask("DELETE", f"{content}/{quoted}") if "iso/" not in name else client.ask("GET", content, content=name),
        client.ask("POST", content, vmid=9001, filename=name, size="1G"),
        client.ask(
            "POST", "/nodes/father/qemu", vmid=300, ide2=f"local:{name},media=cdrom", cicustom=f"user=local:{name}"
        ),
        client.ask("POST", "/nodes/father/qemu", vmid=300, archive=f"local:{name}"),
        client.ask("GET", "/nodes/father/storage/local/file-restore/list", volume=f"local:{name}", filepath="/"),
        client.ask("POST", "/nodes/father/vzdump", vmid=1, dumpdir=name),
    ]
    for answer in answers:
        assert "internal error" not in answer.text, answer.text
        assert "root:" not in answer.text
        upid = (answer.json() or {}).get("data") if answer.status_code == 200 else None
        if str(upid).startswith("UPID:"):
            assert client.wait(str(upid)) != "OK", answer.text


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "ticket", ["", "x", "PVE:root@pam:00000000::AAAA", "PVE:root@pam:FFFFFFFF::" + "A" * 9000, "%00"]
)
def test_a_forged_ticket_opens_nothing(lab_api: ServedLab, ticket: str) -> None:
    answer = requests.post(
        f"{lab_api.url}/api2/json/pools",
        data={"poolid": "forged"},
        headers={"Cookie": f"PVEAuthCookie={ticket}", "CSRFPreventionToken": "x"},
        verify=str(lab_api.ca_path),
        timeout=10,
    )
    assert (answer.status_code, answer.content) in ((401, b""), (400, answer.content))


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_any_path_is_judged(text: bytes) -> None:
    refusal = precheck.before_login("GET", "/api2" + text.decode("latin-1"), None)
    assert refusal is None or precheck.answer(refusal).status == 501
