# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults: what is said of them, and those of tasks, guests and logins."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
import requests

from lab.api.faults import Asked, Event, Faults, UnknownFaultError, fields_of, read
from lab.api.faults_kinds import KINDS, Fail, Latency
from lab.api.server import LabApi
from lab.api.serving import ServedLab

from .conftest import TEMPLATE, Client, with_template
from .wire import PATIENT

QEMU = "/nodes/father/qemu"


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


def test_the_first_are_left_alone() -> None:
    active = Faults().add(Fail(status=500, after=2, times=1))
    assert [active.strikes() for _ in range(4)] == [False, False, True, False]


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
