# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults: what each of them says, and what a real client meets."""

from __future__ import annotations

import errno
import http.client
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.api.faults import Asked, Event, Faults, RequestFault, UnknownFaultError, fields_of, read
from lab.api.faults_kinds import KINDS, Fail, Latency
from lab.api.faults_storage import no_room
from lab.api.server import LabApi
from lab.api.serving import ServedLab
from lab.pytest_plugin import _served

from .conftest import Client, client_of

QEMU = "/nodes/father/qemu"
IMPATIENT = 0.2
PATIENT = 10.0
TEMPLATE = "local:vztmpl/x.tar.zst"


# ------------------------------------------------------------------ reading


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_an_example_and_help(kind: str) -> None:
    fault = read(KINDS, {"kind": kind, **KINDS[kind].example})
    assert read(KINDS, fault.document()) == fault
    assert KINDS[kind].__doc__
    assert [item.name for item in fields_of(KINDS[kind]) if not item.limits["help"]] == []


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (
            {"kind": "nope"},
            "there is no fault 'nope'; known are block-agent, busy, connection-latency, crash, deaf, drop, "
            "expire-tickets, fail, garbage, half-made, hang, hang-agent, latency, lock, lose-answer, no-agent, node, "
            "reset, slow-body, storage-full, storage-offline, storage-slow, task",
        ),
        ([], "a fault is an object with a 'kind'"),
        ({"kind": "latency"}, "the fault 'latency' needs 'seconds'"),
        ({"kind": "deaf", "vmid": 1, "times": 3}, "the fault 'deaf' has no field 'times'; it has vmid"),
        ({"kind": "deaf", "vmid": "1"}, "'vmid' of the fault 'deaf' is a whole number, not '1'"),
        ({"kind": "deaf", "vmid": True}, "'vmid' of the fault 'deaf' is a whole number, not True"),
        (
            {"kind": "latency", "seconds": -1},
            "'seconds' of the fault 'latency' is a number of seconds from 0, not -1",
        ),
        (
            {"kind": "drop", "probability": 1.5},
            "'probability' of the fault 'drop' is a number from 0 to 1, not 1.5",
        ),
        (
            {"kind": "garbage", "form": "noise"},
            "'form' of the fault 'garbage' is one of bytes, json, length, html, not 'noise'",
        ),
        (
            {"kind": "block-agent", "vmid": 1, "commands": "guest-exec"},
            "'commands' of the fault 'block-agent' is a list of texts, not 'guest-exec'",
        ),
        ({"kind": "deaf", "vmid": 1}, "there is no VM 1"),
        ({"kind": "lock", "vmid": 1}, "there is no guest 1"),
        ({"kind": "crash", "vmid": 9000}, "guest 9000 does not run"),
        ({"kind": "storage-full", "storage": "nas"}, "there is no storage 'nas'; known are local, local-lvm"),
        ({"kind": "node", "node": "son", "state": "off"}, "there is no node 'son'; known are father"),
    ],
)
def test_a_fault_that_is_none(lab_api: ServedLab, document: Any, complaint: str) -> None:
    with pytest.raises(UnknownFaultError) as refused:
        lab_api.api.inject(document)
    assert str(refused.value) == complaint
    assert list(lab_api.api.faults) == []


FAULT = Latency(seconds=0.2, method="GET", path="/nodes/{node}/qemu/*", node="father", user="root@pam*")


@pytest.mark.parametrize(
    ("asked", "concerned"),
    [
        (Asked("GET", "/nodes/father/qemu/100/config", ("father",), "root@pam!t"), True),
        (Asked("GET", "/nodes/father/qemu/100/config", ("son", "father"), "root@pam"), True),
        (Asked("GET", "/nodes/father/qemu/100/config", ("son",), "root@pam"), False),
        (Asked("GET", "/nodes/father/qemu/100/config", ("father",), "joe@pve"), False),
        (Asked("GET", "/nodes/father/status", ("father",), "root@pam"), False),
        (Asked("PUT", "/nodes/father/qemu/100/config", ("father",), "root@pam"), False),
    ],
)
def test_which_requests_a_fault_concerns(asked: Asked, concerned: bool) -> None:
    assert FAULT.concerns(asked) is concerned
    assert Latency(seconds=1).concerns(asked)


def strikes(probability: float, seed: int, times: int | None, draws: int = 50) -> list[bool]:
    active = Faults().add(Fail(status=500, probability=probability, seed=seed, times=times))
    return [active.strikes() for _ in range(draws)]


def test_how_often_a_fault_strikes_is_drawn_from_a_seed() -> None:
    drawn = strikes(0.5, 1, None)
    assert drawn == strikes(0.5, 1, None)
    assert drawn != strikes(0.5, 2, None)
    assert 10 < sum(drawn) < 40
    assert strikes(0.5, 1, 3).count(True) == 3
    assert strikes(1.0, 1, 2)[:3] == [True, True, False]
    assert not any(strikes(0.0, 1, None))


# ------------------------------------------------------- the book of faults


def test_faults_are_listed_and_removed_one_by_one(client: Client) -> None:
    first = client.lab.api.inject({"kind": "fail", "path": "/version", "status": 500, "times": 2})
    second = client.lab.api.inject({"kind": "fail", "path": "/nodes", "status": 503})
    assert (client.ask("GET", "/version").status_code, client.ask("GET", "/nodes").status_code) == (500, 503)
    assert [active.document() for active in client.lab.api.faults] == [
        {"id": first, "kind": "fail", "path": "/version", "status": 500, "times": 2, "struck": 1},
        {"id": second, "kind": "fail", "path": "/nodes", "status": 503, "struck": 1},
    ]
    client.lab.api.mend(first)
    assert (client.ask("GET", "/version").status_code, client.ask("GET", "/nodes").status_code) == (200, 503)
    with pytest.raises(UnknownFaultError, match=f"there is no fault with the id {first}; in force are {second}"):
        client.lab.api.mend(first)
    client.lab.api.heal()
    assert client.ask("GET", "/nodes").status_code == 200


# ----------------------------------------------------------------- requests


@contextmanager
def connection(lab: ServedLab, timeout: float = PATIENT) -> Iterator[http.client.HTTPSConnection]:
    """A connection without retries or pooling between the test and what comes over the wire."""
    context = ssl.create_default_context(cafile=str(lab.ca_path))
    found = http.client.HTTPSConnection(lab.host, lab.port, timeout=timeout, context=context)
    try:
        yield found
    finally:
        found.close()


def send(found: http.client.HTTPSConnection, lab: ServedLab, method: str, path: str) -> http.client.HTTPResponse:
    authorization = f"PVEAPIToken={lab.token_id}={lab.token_secret}"
    found.request(method, f"/api2/json{path}", headers={"Authorization": authorization})
    return found.getresponse()


def raw(lab: ServedLab, method: str = "GET", path: str = "/version", timeout: float = PATIENT) -> tuple[int, bytes]:
    """Status and body of one request on a connection of its own."""
    with connection(lab, timeout) as found:
        answer = send(found, lab, method, path)
        return answer.status, answer.read()


def is_healthy(lab: ServedLab) -> bool:
    lab.api.heal()
    status, body = raw(lab)
    return status == 200 and bool(json.loads(body)["data"]["version"])


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


# -------------------------------------------------------------------- tasks


def test_a_task_can_be_made_to_warn_or_fail(client: Client) -> None:
    client.run("POST", QEMU, vmid=300)
    start = f"{QEMU}/300/status/start"
    trouble = {"kind": "task", "type": "qmstart", "log": ["WARN: no space soon"]}
    failing = {**trouble, "error": "no space left"}
    client.lab.api.inject(failing)
    assert client.run("POST", start) == "no space left"
    client.lab.api.inject(failing)
    client.lab.api.heal()
    client.lab.api.inject(trouble)
    assert client.run("POST", start) == "WARNINGS: 1"


@pytest.mark.parametrize("how", ["stopped", "mended"])
def test_a_task_can_be_stuck(client: Client, how: str) -> None:
    number = client.lab.api.inject({"kind": "task", "type": "qmstart", "vmid": 300, "stuck": True})
    for vmid in (300, 301):
        client.run("POST", QEMU, vmid=vmid)
    assert client.run("POST", f"{QEMU}/301/status/start") == "OK"
    upid = client.post(f"{QEMU}/300/status/start")
    assert client.get(f"/nodes/father/tasks/{upid}/status")["status"] == "running"
    if how == "mended":
        client.lab.api.mend(number)
    else:
        client.delete(f"/nodes/father/tasks/{upid}")
    assert client.wait(upid) == {"stopped": "received interrupt", "mended": "OK"}[how]


@pytest.mark.parametrize(
    ("path", "values", "name"),
    [
        (QEMU, {"name": "web"}, "VM 300"),
        ("/nodes/father/lxc", {"ostemplate": TEMPLATE, "rootfs": "local-lvm:1"}, "CT300"),
    ],
    ids=["qemu", "lxc"],
)
def test_a_worker_may_not_start(client: Client, path: str, values: dict[str, Any], name: str) -> None:
    with_template(client).lab.api.inject({"kind": "half-made"})
    answer = client.ask("POST", path, vmid=300, **values)
    assert (answer.status_code, answer.reason) == (500, "got no worker upid - start worker failed")
    (left,) = [guest for guest in client.get(path) if guest["vmid"] == 300]
    assert (left["status"], left["lock"], left["name"]) == ("stopped", "create", name)
    assert {key: value for key, value in client.get(f"{path}/300/config").items() if key != "digest"} == {
        "lock": "create"
    }
    assert "already exists" in client.ask("POST", path, vmid=300, **values).reason


# ------------------------------------------------------------------- guests


@pytest.fixture
def running(client: Client) -> Client:
    """A client of a lab with VM 100 running."""
    client.run("POST", f"{QEMU}/9001/clone", newid=100)
    client.run("POST", f"{QEMU}/100/status/start")
    return client


@pytest.mark.parametrize("kind", ["hang-agent", "no-agent"])
def test_an_agent_can_hang_or_be_gone(running: Client, kind: str) -> None:
    running.lab.api.inject({"kind": kind, "vmid": 100})
    answer = running.ask("POST", f"{QEMU}/100/agent/ping")
    assert answer.reason == "QEMU guest agent is not running"
    running.lab.api.heal()
    assert running.ask("POST", f"{QEMU}/100/agent/ping").status_code == 200


def test_an_agent_can_be_forbidden_commands(running: Client) -> None:
    commands = ["guest-exec", "guest-file-open", "guest-ping"]
    running.lab.api.inject({"kind": "block-agent", "vmid": 100, "commands": commands})
    words = "Agent error: Command {} has been disabled: the command is not allowed"
    assert running.ask("POST", f"{QEMU}/100/agent/exec", command="true").reason == words.format("guest-exec")
    answer = running.ask("GET", f"{QEMU}/100/agent/file-read", file="/etc/motd")
    assert answer.reason == words.format("guest-file-open")
    known = running.get(f"{QEMU}/100/agent/info")["result"]["supported_commands"]
    assert [item["name"] for item in known if not item["enabled"]] == commands
    assert running.post(f"{QEMU}/100/agent/ping")["result"]["error"]["desc"] == words.format("guest-ping")[13:]
    running.lab.api.heal()
    assert running.ask("POST", f"{QEMU}/100/agent/exec", command="true").status_code == 200


def test_a_guest_can_be_made_deaf(running: Client) -> None:
    running.lab.api.inject({"kind": "deaf", "vmid": 100})
    assert running.run("POST", f"{QEMU}/100/status/shutdown", timeout=1) == "VM quit/powerdown failed - got timeout"
    upid = running.post(f"{QEMU}/100/status/shutdown", timeout=1, forceStop=1)
    assert running.wait(upid) == "OK"
    assert running.log(upid)[0] == "VM still running - terminating now with SIGTERM"


def test_a_guest_can_be_locked(running: Client) -> None:
    number = running.lab.api.inject({"kind": "lock", "vmid": 100, "lock": "backup"})
    assert running.get(f"{QEMU}/100/status/current")["lock"] == "backup"
    assert running.run("POST", f"{QEMU}/100/status/stop") == "VM is locked (backup)"
    assert running.ask("PUT", f"{QEMU}/100/config", cores=3).reason == "VM is locked (backup)"
    running.lab.api.mend(number)
    assert running.ask("PUT", f"{QEMU}/100/config", cores=3).status_code == 200


def test_two_locks_end_one_by_one(running: Client) -> None:
    first = running.lab.api.inject({"kind": "hang-agent", "vmid": 100})
    second = running.lab.api.inject({"kind": "hang-agent", "vmid": 100})
    running.lab.api.mend(first)
    assert running.ask("POST", f"{QEMU}/100/agent/ping").status_code == 500
    running.lab.api.mend(second)
    assert running.ask("POST", f"{QEMU}/100/agent/ping").status_code == 200


def test_a_guests_configuration_can_be_held(running: Client) -> None:
    running.lab.api.lock_wait = 0.05
    running.lab.api.inject({"kind": "busy", "vmid": 100})
    words = "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout"
    assert running.run("POST", f"{QEMU}/100/status/stop") == words
    running.lab.api.heal()
    assert running.run("POST", f"{QEMU}/100/status/stop") == "OK"


def test_a_guest_can_crash(running: Client) -> None:
    assert running.lab.call(running.lab.api.controlled("POST", "/faults", document={"kind": "crash", "vmid": 100})) == {
        "id": None
    }
    assert running.get(f"{QEMU}/100/status/current")["status"] == "stopped"
    assert list(running.lab.api.faults) == []
    assert running.run("POST", f"{QEMU}/100/status/start") == "OK"


# ----------------------------------------------------------------- storages

NO_SPACE = "No space left on device"
THIN = "lvcreate 'pve/{}' error:   Cannot create new thin volume, free space in thin pool pve/data reached threshold."


def with_template(client: Client) -> Client:
    """A container template on ``local``."""
    folder = client.lab.api.files_root / "var/lib/vz/template/cache"
    folder.mkdir(parents=True)
    (folder / "x.tar.zst").touch()
    return client


@pytest.mark.parametrize(
    ("store", "volume", "words"),
    [
        ({"type": "lvmthin", "vgname": "pve", "thinpool": "data"}, "vm-1-disk-0", THIN.format("vm-1-disk-0")),
        ({"type": "lvm", "vgname": "vg"}, "vm-1-disk-0", "not enough free space (0 < 4096)"),
        (
            {"type": "zfspool", "pool": "tank"},
            "vm-1-disk-0",
            "zfs error: cannot create 'tank/vm-1-disk-0': out of space",
        ),
        ({"type": "rbd"}, "vm-1-disk-0", f"rbd create 'vm-1-disk-0' error: rbd: create error: (28) {NO_SPACE}"),
        (
            {"type": "dir", "path": "/mnt/a"},
            "1/vm-1-disk-0.qcow2",
            "unable to create image: qemu-img: /mnt/a/images/1/vm-1-disk-0.qcow2: Could not write qcow2 header: "
            + NO_SPACE,
        ),
        (
            {"type": "nfs", "path": "/mnt/a"},
            "1/vm-1-disk-0.raw",
            "unable to create image: qemu-img: /mnt/a/images/1/vm-1-disk-0.raw: "
            f"Could not preallocate data for the new file: {NO_SPACE}",
        ),
    ],
    ids=["lvmthin", "lvm", "zfspool", "rbd", "qcow2", "raw"],
)
def test_what_a_full_storage_says(store: dict[str, str], volume: str, words: str) -> None:
    assert no_room(store, volume, 4 * 1024**2) == words


def test_a_storage_can_be_full(client: Client) -> None:
    disk, container = {"scsi0": "local-lvm:4"}, {"ostemplate": TEMPLATE, "rootfs": "local-lvm:1"}
    client.run("POST", QEMU, vmid=300, **disk)
    with_template(client).lab.api.inject({"kind": "storage-full", "storage": "local-lvm"})
    (status,) = [item for item in client.get("/nodes/father/storage") if item["storage"] == "local-lvm"]
    assert (status["avail"], status["used"]) == (0, status["total"])
    assert client.run("POST", QEMU, vmid=301, **disk) == f"unable to create VM 301 - {THIN.format('vm-301-disk-0')}"
    made = client.run("POST", "/nodes/father/lxc", vmid=302, **container)
    assert made == f"unable to create CT 302 - {THIN.format('vm-302-disk-0')}"
    cloned = client.run("POST", f"{QEMU}/9001/clone", newid=303, full=1)
    assert cloned == f"clone failed: {THIN.format('vm-303-disk-0')}"
    content = {"vmid": 300, "filename": "vm-300-disk-7", "size": "1G"}
    answer = client.ask("POST", "/nodes/father/storage/local-lvm/content", **content)
    assert (answer.status_code, answer.reason) == (500, THIN.format("vm-300-disk-7"))
    assert [guest["vmid"] for guest in client.get("/cluster/resources", type="vm") if guest["vmid"] > 300] == [
        9000,
        9001,
    ]
    client.lab.api.heal()
    assert client.run("POST", QEMU, vmid=301, **disk) == "OK"


def upload(client: Client, name: str) -> str:
    """Exit status of an upload."""
    form: dict[str, Any] = {"content": (None, "iso"), "filename": (name, b"an image")}
    url = f"{client.lab.url}/api2/json/nodes/father/storage/local/upload"
    return client.wait(client.data(client.session.post(url, files=form, timeout=PATIENT)))


def test_no_file_fits_a_full_storage(client: Client) -> None:
    client.run("POST", QEMU, vmid=300)
    client.lab.api.inject({"kind": "storage-full", "storage": "local"})
    path = "/var/lib/vz/template/iso/x.iso"
    assert upload(client, "x.iso") == f"import failed: cp: error writing '{path}': {NO_SPACE}"
    url = {"url": f"{client.lab.url}/x.iso", "content": "iso", "filename": "x.iso"}
    answer = client.run("POST", "/nodes/father/storage/local/download-url", **url)
    assert answer == f"download failed: {path}: {NO_SPACE}"
    upid = client.post("/nodes/father/vzdump", vmid=300, storage="local", compress="zstd")
    assert client.wait(upid) == "job errors"
    told = [line for line in client.log(upid) if "error" in line or "ERROR" in line]
    assert told == [
        f"INFO: zstd: error 70 : Write error : cannot write block : {NO_SPACE}",
        "ERROR: vma_queue_write: write error - Broken pipe",
        "ERROR: Backup of VM 300 failed - vma_queue_write: write error - Broken pipe",
        "INFO: Backup job finished with errors",
        "TASK ERROR: job errors",
    ]
    assert client.get("/nodes/father/storage/local/content") == []
    client.lab.api.heal()
    assert upload(client, "x.iso") == "OK"


def test_a_storage_can_be_out_of_reach(client: Client) -> None:
    client.run("POST", QEMU, vmid=300, scsi0="local-lvm:1")
    offline = "storage 'local-lvm' is not online"
    directory = "unable to activate storage 'local' - directory '/var/lib/vz' does not exist or is unreachable"
    for storage in ("local-lvm", "local"):
        client.lab.api.inject({"kind": "storage-offline", "storage": storage})
    assert {item["active"] for item in client.get("/nodes/father/storage")} == {0}
    found = client.get("/cluster/resources", type="storage")
    assert {item["status"] for item in found} == {"unknown"}
    assert client.run("POST", f"{QEMU}/300/status/start") == offline
    assert client.run("POST", QEMU, vmid=301, scsi0="local-lvm:1") == f"unable to create VM 301 - {offline}"
    assert client.ask("GET", "/nodes/father/storage/local/content").reason == directory
    assert client.run("POST", "/nodes/father/vzdump", vmid=300, storage="local") == (
        f"could not activate storage 'local': {directory} could not get storage information for 'local': {directory}"
    )
    client.lab.api.heal()
    assert client.run("POST", f"{QEMU}/300/status/start") == "OK"


def test_a_storage_can_be_out_of_one_nodes_reach(lab_cluster_api: ServedLab) -> None:
    client = client_of(lab_cluster_api)
    lab_cluster_api.faults.add("storage-offline", storage="shared", node="mother")
    status = {
        item["node"]: item["status"]
        for item in client.get("/cluster/resources", type="storage")
        if item["storage"] == "shared"
    }
    assert status == {"father": "available", "mother": "unknown", "son": "available"}
    assert client.ask("GET", "/nodes/mother/storage/shared/content").reason == "storage 'shared' is not online"
    assert client.ask("GET", "/nodes/son/storage/shared/content").status_code == 200


def test_a_storage_can_be_slow(client: Client) -> None:
    client.lab.clock.rate = 0
    client.lab.api.inject({"kind": "storage-slow", "storage": "local-lvm", "seconds": 600})
    upid = client.post(QEMU, vmid=300, scsi0="local-lvm:1")
    assert client.get(f"/nodes/father/tasks/{upid}/status")["status"] == "running"
    client.lab.clock.forward(600)
    assert client.wait(upid) == "OK"


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


# ------------------------------------------------------------------- logins


def test_tickets_can_expire(client: Client) -> None:
    def login() -> requests.Session:
        session = requests.Session()
        session.trust_env, session.verify = False, str(client.lab.ca_path)
        credentials = {"username": "root@pam", "password": client.lab.password}
        answer = session.post(f"{client.lab.url}/api2/json/access/ticket", data=credentials, timeout=PATIENT)
        session.cookies.set("PVEAuthCookie", answer.json()["data"]["ticket"])
        return session

    old = login()
    ask = partial(requests.Session.get, url=f"{client.lab.url}/api2/json/version", timeout=PATIENT)
    assert ask(old).status_code == 200
    client.lab.api.inject({"kind": "expire-tickets", "user": "joe@pve"})
    assert ask(old).status_code == 200
    client.lab.api.inject({"kind": "expire-tickets"})
    assert ask(old).status_code == 401
    assert (ask(login()).status_code, client.ask("GET", "/version").status_code) == (200, 200)


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


def test_events_are_not_kept() -> None:
    assert sorted(kind for kind in KINDS if issubclass(KINDS[kind], Event)) == ["crash", "expire-tickets"]
    api = LabApi()
    api.inject({"kind": "expire-tickets"})
    assert list(api.faults) == []


def test_faults_end_with_the_process(client: Client) -> None:
    """A guest that was made deaf listens again when its node has started anew; a lock stays, as on a node."""
    client.lab.api.inject({"kind": "deaf", "vmid": 9000})
    client.lab.api.inject({"kind": "lock", "vmid": 9000})
    api = LabApi()
    api.restore(json.loads(json.dumps(client.lab.api.document())))
    assert (api.vm(9000).acpi, api.vm(9000).lock, list(api.faults)) == (True, "backup", [])
