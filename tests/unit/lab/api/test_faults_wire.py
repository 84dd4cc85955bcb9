# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of requests, connections and nodes: what a real client meets."""

from __future__ import annotations

import errno
import http.client
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.api.faults import RequestFault, fields_of
from lab.api.faults_kinds import KINDS
from lab.api.serving import ServedLab
from lab.pytest_plugin import _served

from .conftest import Client, client_of
from .wire import IMPATIENT, PATIENT, connection, is_healthy, raw, send

# ----------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        ({"kind": "drop"}, http.client.RemoteDisconnected),
        ({"kind": "garbage", "form": "bytes"}, http.client.BadStatusLine),
        ({"kind": "garbage", "form": "length"}, http.client.IncompleteRead),
        ({"kind": "lose-answer"}, http.client.RemoteDisconnected),
        ({"kind": "lose-answer", "before": True}, http.client.RemoteDisconnected),
    ],
    ids=["drop", "bytes", "length", "lost", "lost before"],
)
def test_a_connection_can_break(lab_api: ServedLab, fault: dict[str, Any], broken: type[Exception]) -> None:
    lab_api.api.inject({**fault, "path": "/version"})
    with pytest.raises(broken):
        raw(lab_api)
    assert raw(lab_api, path="/nodes")[0] == 200
    assert is_healthy(lab_api)


@pytest.mark.parametrize(("kind", "error"), [("drop", 0), ("reset", errno.ECONNRESET)])
def test_a_connection_is_closed_or_reset(lab_api: ServedLab, kind: str, error: int) -> None:
    """Python's ssl calls both an end of the file (before 3.13), so it is the socket that is asked."""
    lab_api.api.inject({"kind": kind})
    with connection(lab_api) as found:
        found.request("GET", "/api2/json/version")
        poll = select.poll()
        poll.register(found.sock, select.POLLRDHUP)
        assert poll.poll(PATIENT * 1000)
        assert found.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == error
    assert is_healthy(lab_api)


def test_an_answer_can_be_cut_off(lab_api: ServedLab) -> None:
    lab_api.api.inject({"kind": "garbage", "form": "json"})
    status, body = raw(lab_api)
    assert status == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(body)
    assert is_healthy(lab_api)


def test_a_proxy_can_answer_with_a_page(client: Client) -> None:
    client.lab.api.inject({"kind": "garbage", "form": "html", "status": 504, "path": "/version"})
    answer = client.ask("GET", "/version")
    assert (answer.status_code, answer.headers["Content-Type"]) == (504, "text/html; charset=utf-8")
    assert answer.text.startswith("<html>")
    assert is_healthy(client.lab)


@pytest.mark.parametrize(("before", "kept"), [(False, ["pool"]), (True, [])])
def test_a_request_is_carried_out_though_its_answer_is_garbage(client: Client, before: bool, kept: list[str]) -> None:
    client.lab.api.inject({"kind": "garbage", "form": "html", "path": "/pools", "method": "POST", "before": before})
    assert client.ask("POST", "/pools", poolid="pool").status_code == 502
    assert [pool["poolid"] for pool in client.get("/pools")] == kept


@pytest.mark.parametrize("patience", [IMPATIENT, PATIENT], ids=["client gives up", "fault ends"])
def test_a_request_can_hang(lab_api: ServedLab, patience: float) -> None:
    lab_api.api.inject({"kind": "hang", "method": "POST", "path": "/pools"})
    ends = threading.Timer(IMPATIENT, lab_api.api.heal)
    if patience == PATIENT:
        ends.start()
    expected = TimeoutError if patience == IMPATIENT else http.client.RemoteDisconnected
    with pytest.raises(expected):
        raw(lab_api, "POST", "/pools?poolid=pool", timeout=patience)
    assert is_healthy(lab_api)
    assert lab_api.api.pools == {}


def test_a_body_can_come_slowly(lab_api: ServedLab) -> None:
    lab_api.api.inject({"kind": "slow-body", "rate": 20})
    with connection(lab_api) as found:
        answer = send(found, lab_api, "GET", "/version")
        assert answer.status == 200
        first = answer.read1(1)
        lab_api.api.heal()
        assert json.loads(first + answer.read())["data"]["version"]
    assert is_healthy(lab_api)


def test_requests_can_be_slow(client: Client) -> None:
    client.lab.api.inject({"kind": "latency", "seconds": 1.0, "path": "/version"})
    impatient = partial(client.session.get, timeout=IMPATIENT)
    assert impatient(f"{client.lab.url}/api2/json/nodes").status_code == 200
    with pytest.raises(requests.ReadTimeout):
        impatient(f"{client.lab.url}/api2/json/version")
    client.lab.api.heal()
    assert impatient(f"{client.lab.url}/api2/json/version").status_code == 200


def test_a_request_can_be_made_to_fail_a_few_times(client: Client) -> None:
    path = "/nodes/father/status"
    client.lab.api.inject(
        {"kind": "fail", "method": "GET", "path": path, "status": 595, "message": "No route", "times": 2}
    )
    answers = [client.ask("GET", path) for _ in range(3)]
    assert [(answer.status_code, answer.text) for answer in answers[:2]] == [(595, "")] * 2
    assert (answers[2].status_code, answers[0].reason) == (200, "No route")


@pytest.mark.parametrize("status", [400, 403, 500, 501, 503])
def test_a_failure_has_pves_shape(client: Client, status: int) -> None:
    errors = ["cores=type check ('integer') failed"] if status == 400 else []
    client.lab.api.inject({"kind": "fail", "status": status, "message": "it broke", "errors": errors})
    answer = client.ask("GET", "/version")
    assert (answer.status_code, answer.reason) == (status, "it broke")
    expected = {"errors": {"cores": "type check ('integer') failed"}} if errors else {}
    assert answer.json() == {"data": None, "message": "it broke\n", **expected}
    extjs = client.session.get(f"{client.lab.url}/api2/extjs/version", timeout=PATIENT).json()
    assert (extjs["success"], extjs["status"], extjs["message"]) == (0, status, "it broke\n")


def test_a_fault_can_be_one_users(client: Client) -> None:
    client.lab.api.inject({"kind": "fail", "user": "joe@pve", "status": 500})
    assert client.ask("GET", "/version").status_code == 200
    client.lab.api.inject({"kind": "fail", "user": "root@pam!*", "status": 500})
    assert client.ask("GET", "/version").status_code == 500


@pytest.mark.parametrize(("before", "kept"), [(False, ["pool"]), (True, [])])
@pytest.mark.parametrize("status", [596, 0])
def test_an_answer_can_get_lost(client: Client, before: bool, kept: list[str], status: int) -> None:
    fault = {"kind": "lose-answer", "method": "POST", "path": "/pools", "before": before, "status": status}
    client.lab.api.inject(fault)
    if status:
        answer = client.ask("POST", "/pools", poolid="pool")
        assert (answer.status_code, answer.text) == (status, "")
    else:
        with pytest.raises(requests.ConnectionError):
            client.ask("POST", "/pools", poolid="pool")
    assert [pool["poolid"] for pool in client.get("/pools")] == kept
    assert client.ask("POST", "/pools", poolid="other").status_code == 200


def test_a_lost_request_can_be_carried_out_later(client: Client, until: Callable[..., None]) -> None:
    fault = {"kind": "lose-answer", "method": "POST", "path": "/pools", "status": 596, "seconds": 0.1}
    client.lab.api.inject(fault)
    client.ask("POST", "/pools", poolid="pool")
    until(lambda: [pool["poolid"] for pool in client.get("/pools")] == ["pool"])


def test_a_request_without_an_answer_is_in_the_log(lab_api: ServedLab) -> None:
    lab_api.api.inject({"kind": "drop", "path": "/pools", "times": 1})
    with pytest.raises(http.client.RemoteDisconnected):
        raw(lab_api, "POST", "/pools?poolid=pool")
    raw(lab_api, "POST", "/pools?poolid=pool")
    assert [(item.path, item.status, item.wrote) for item in lab_api.requests()] == [
        ("/pools", 0, False),
        ("/pools", 200, True),
    ]


# -------------------------------------------------------- connections, nodes


@pytest.mark.parametrize("patience", [IMPATIENT, PATIENT], ids=["impatient", "patient"])
def test_connections_can_be_slow(lab_api: ServedLab, patience: float) -> None:
    """The connection is made at once; it is the handshake that does not come."""
    lab_api.api.inject({"kind": "connection-latency", "seconds": 0.5, "node": "father"})
    with socket.create_connection((lab_api.host, lab_api.port), timeout=patience) as found:
        context = ssl.create_default_context(cafile=str(lab_api.ca_path))
        if patience == IMPATIENT:
            with pytest.raises(TimeoutError):
                context.wrap_socket(found, server_hostname=lab_api.host)
        else:
            assert context.wrap_socket(found, server_hostname=lab_api.host).version() == "TLSv1.3"
    assert is_healthy(lab_api)


def test_connections_to_one_node_can_be_slow(lab_cluster_api: ServedLab) -> None:
    with lab_cluster_api.fault("connection-latency", seconds=60, node="mother"):
        assert raw(lab_cluster_api)[0] == 200
        with pytest.raises(TimeoutError):
            raw(lab_cluster_api.at("mother"), timeout=IMPATIENT)
    assert raw(lab_cluster_api.at("mother"))[0] == 200


def test_a_fault_can_be_one_nodes(lab_cluster_api: ServedLab) -> None:
    with lab_cluster_api.fault("fail", node="mother", status=503):
        paths = ("/version", "/nodes/mother/version")
        assert [raw(lab_cluster_api, path=path)[0] for path in paths] == [200, 503]
        assert [raw(lab_cluster_api.at("mother"), path=path)[0] for path in paths] == [503, 503]


def test_a_node_can_be_gone(lab_cluster_api: ServedLab) -> None:
    def online() -> dict[str, int]:
        found = client_of(lab_cluster_api).get("/cluster/status")
        return {item["name"]: item["online"] for item in found if item["type"] == "node"}

    number = lab_cluster_api.faults.add("node", node="son", state="off")
    with pytest.raises(ConnectionRefusedError):
        raw(lab_cluster_api.at("son"))
    assert online() == {"father": 1, "mother": 1, "son": 0}
    assert raw(lab_cluster_api.at("mother"))[0] == 200
    assert number is not None
    lab_cluster_api.faults.remove(number)
    assert raw(lab_cluster_api.at("son"))[0] == 200
    assert online() == {"father": 1, "mother": 1, "son": 1}


# ----------------------------------------------------------------- any mix

WIRE = sorted(kind for kind in KINDS if issubclass(KINDS[kind], RequestFault))
QUICK = {"seconds": 0.001, "rate": 1e6, "status": 500, "form": "bytes"}
REQUESTS = (("GET", "/version"), ("GET", "/cluster/resources"), ("POST", "/pools?poolid=p"), ("DELETE", "/pools/p"))
MIX = st.lists(
    st.tuples(st.sampled_from(WIRE), st.floats(0, 1), st.integers(0, 9), st.sampled_from(["*", "GET", "POST"])),
    max_size=5,
)


@settings(max_examples=15)
@given(mix=MIX)
def test_whatever_goes_wrong_the_lab_goes_on(shared_lab: ServedLab, mix: list[tuple[str, float, int, str]]) -> None:
    for kind, probability, seed, method in mix:
        needed = {item.name: QUICK[item.name] for item in fields_of(KINDS[kind]) if item.required}
        needed |= {"probability": probability, "seed": seed, "method": method}
        shared_lab.api.inject({"kind": kind, **needed})
    for method, path in REQUESTS:
        try:
            raw(shared_lab, method, path, timeout=0.1)
        except (OSError, http.client.HTTPException):
            continue
    assert is_healthy(shared_lab)


@pytest.fixture(scope="module")
def shared_lab(lab_authority: Any, lab_certificate: Any) -> Iterator[ServedLab]:
    """One lab for many examples."""
    with _served(lab_authority, lab_certificate) as served:
        yield served
