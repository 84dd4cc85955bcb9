# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks, state, faults and the sockets of a node's API."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest
import requests

from lab.api import certificates, seed
from lab.api.certificates import Pair
from lab.api.config import ApiConfig
from lab.api.control import Delay, UnknownFaultError
from lab.api.daemon import Daemon
from lab.api.fake import PveError
from lab.api.server import LabApi
from lab.guests.none import NoneDriver

from .conftest import Client

QEMU = "/nodes/father/qemu"


class SlowDriver(NoneDriver):
    """Boots when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    async def boot(self, spec: Any) -> None:
        await asyncio.to_thread(self.go.wait, 10)
        await super().boot(spec)


# -------------------------------------------------------------------- tasks


def test_a_task_runs_while_the_api_answers(client: Client) -> None:
    driver = client.lab.api.driver = SlowDriver()
    client.run("POST", f"{QEMU}/9001/clone", newid=100)
    upid = client.post(f"{QEMU}/100/status/start")
    status = client.get(f"/nodes/father/tasks/{upid}/status")
    assert (status["status"], "exitstatus" in status) == ("running", False)
    assert client.get("/nodes/father/tasks", source="active")[0]["upid"] == upid
    driver.go.set()
    assert client.wait(upid) == "OK"
    assert client.get(f"{QEMU}/100/status/current")["status"] == "running"


def test_a_task_can_be_interrupted(client: Client) -> None:
    driver = client.lab.api.driver = SlowDriver()
    client.run("POST", f"{QEMU}/9001/clone", newid=100)
    upid = client.post(f"{QEMU}/100/status/start")
    client.delete(f"/nodes/father/tasks/{upid}")
    driver.go.set()
    assert client.wait(upid) == "received interrupt"


def test_two_tasks_on_one_guest_wait_for_one_another(client: Client) -> None:
    driver = client.lab.api.driver = SlowDriver()
    client.run("POST", f"{QEMU}/9001/clone", newid=100)
    first, second = (client.post(f"{QEMU}/100/status/start") for _ in range(2))
    driver.go.set()
    assert (client.wait(first), client.wait(second)) == ("OK", "VM 100 already running")


def test_an_unknown_task_is_a_400(client: Client) -> None:
    answer = client.ask("GET", "/nodes/father/tasks/UPID:x/status")
    assert (answer.status_code, answer.json()["errors"]) == (400, {"upid": "no such task"})


def test_an_unknown_path_is_a_501(client: Client) -> None:
    answer = client.ask("GET", "/nope")
    assert (answer.status_code, answer.json()["message"]) == (501, "Method 'GET /nope' not implemented")


# -------------------------------------------------------------------- state


def test_state_survives_a_restart_with_guests_stopped(tmp_path: Path) -> None:
    async def scenario() -> dict[str, Any]:
        api = LabApi(seed=seed.outer({"root@pam!t": "s"}))
        api.task_grace = 5
        guest = api.vm(9001)
        guest.status, guest.pending = "running", {"memory": "1024"}
        api.pools["dev"] = {9001}
        await api.task("father", "qmtest", 9001, "root@pam", _nothing)
        document: dict[str, Any] = json.loads(json.dumps(api.document()))
        await api.stop()
        return document

    document = asyncio.run(scenario())
    api = LabApi()
    api.restore(document)
    guest = api.vm(9001)
    assert (guest.status, guest.config["memory"], guest.pool) == ("stopped", "1024", "dev")
    assert api.directory.token_user("root@pam!t", "s") == "root@pam!t"
    assert [record["exitstatus"] for record in api.tasklog] == ["OK"]


async def _nothing() -> None:
    return None


def test_state_of_another_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="the node's state has schema 99, this lab reads 1"):
        LabApi().restore({"schema": 99})


# ------------------------------------------------------------------- faults


def test_a_request_can_be_made_to_fail_a_few_times(client: Client) -> None:
    path = "/nodes/father/status"
    client.lab.api.inject(
        {"kind": "fail", "method": "GET", "path": path, "status": 595, "message": "No route", "times": 2}
    )
    answers = [client.ask("GET", path) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [595, 595, 200]
    assert answers[0].reason == "No route"


@pytest.mark.parametrize(
    ("method", "path", "waits"),
    [
        ("GET", "/nodes/father/qemu/100/config", True),
        ("GET", "/nodes/father/status", False),
        ("PUT", "/nodes/father/qemu/100/config", False),
    ],
)
def test_some_requests_can_be_slow(method: str, path: str, waits: bool) -> None:
    assert Delay(0.2, "GET", "/nodes/*/qemu/*").concerns(method, path) is waits
    assert Delay(0.2).concerns(method, path)


def test_how_slow_is_drawn_from_a_seed() -> None:
    draws = [[delay.draw() for _ in range(5)] for delay in (Delay(0.2, jitter=0.1, chance=Random(1)) for _ in range(2))]
    assert draws[0] == draws[1]
    assert len(set(draws[0])) == 5
    assert all(0.2 <= draw <= 0.3 for draw in draws[0])


def test_requests_can_be_slow(client: Client) -> None:
    client.lab.api.inject({"kind": "latency", "seconds": 1.0, "path": "/version"})
    impatient = partial(client.session.get, timeout=0.2)
    assert impatient(f"{client.lab.url}/api2/json/nodes").status_code == 200
    with pytest.raises(requests.ReadTimeout):
        impatient(f"{client.lab.url}/api2/json/version")
    client.lab.api.heal()
    assert impatient(f"{client.lab.url}/api2/json/version").status_code == 200


def test_an_agent_can_be_made_to_hang(client: Client) -> None:
    client.run("POST", f"{QEMU}/9001/clone", newid=100)
    client.run("POST", f"{QEMU}/100/status/start")
    client.lab.api.inject({"kind": "hang-agent", "vmid": 100})
    answer = client.ask("POST", f"{QEMU}/100/agent/ping")
    assert answer.reason == "QEMU guest agent is not running"
    client.lab.api.heal()
    assert client.ask("POST", f"{QEMU}/100/agent/ping").status_code == 200


def test_an_agent_can_be_forbidden_commands(client: Client) -> None:
    client.run("POST", f"{QEMU}/9001/clone", newid=100)
    client.run("POST", f"{QEMU}/100/status/start")
    client.lab.api.inject(
        {"kind": "block-agent", "vmid": 100, "commands": ["guest-exec", "guest-file-open", "guest-ping"]}
    )
    words = "Agent error: Command {} has been disabled: the command is not allowed"
    assert client.ask("POST", f"{QEMU}/100/agent/exec", command="true").reason == words.format("guest-exec")
    answer = client.ask("GET", f"{QEMU}/100/agent/file-read", file="/etc/motd")
    assert answer.reason == words.format("guest-file-open")
    known = client.get(f"{QEMU}/100/agent/info")["result"]["supported_commands"]
    assert [item["name"] for item in known if not item["enabled"]] == [
        "guest-exec",
        "guest-file-open",
        "guest-ping",
    ]
    assert client.post(f"{QEMU}/100/agent/ping")["result"]["error"]["desc"] == words.format("guest-ping")[13:]
    client.lab.api.heal()
    assert client.ask("POST", f"{QEMU}/100/agent/exec", command="true").status_code == 200


def test_a_guest_can_be_made_deaf(client: Client) -> None:
    client.run("POST", f"{QEMU}/9001/clone", newid=100)
    client.run("POST", f"{QEMU}/100/status/start")
    client.lab.api.inject({"kind": "deaf", "vmid": 100})
    assert client.run("POST", f"{QEMU}/100/status/shutdown", timeout=1) == "VM quit/powerdown failed - got timeout"
    upid = client.post(f"{QEMU}/100/status/shutdown", timeout=1, forceStop=1)
    assert client.wait(upid) == "OK"
    assert client.log(upid)[0] == "VM still running - terminating now with SIGTERM"


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


def test_a_lost_request_can_be_carried_out_later(client: Client) -> None:
    fault = {"kind": "lose-answer", "method": "POST", "path": "/pools", "status": 596, "seconds": 0.1}
    client.lab.api.inject(fault)
    client.ask("POST", "/pools", poolid="pool")
    (late,) = client.lab.api._late
    client.lab.call(asyncio.wait_for(late, 10))
    assert [pool["poolid"] for pool in client.get("/pools")] == ["pool"]


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


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (
            {"kind": "nope"},
            "there is no fault 'nope'; known are block-agent, deaf, fail, half-made, hang-agent, latency, "
            "lose-answer, task",
        ),
        ({"kind": "latency"}, "the fault 'latency' needs 'seconds'"),
        ({"kind": "deaf", "vmid": 1}, "there is no VM 1"),
    ],
)
def test_a_fault_that_is_none(fault: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UnknownFaultError) as refused:
        LabApi().inject(fault)
    assert str(refused.value) == complaint


# ------------------------------------------------------------- certificates


def test_a_certificate_is_made_anew_only_for_a_new_name(tmp_path: Path) -> None:
    authority, server = Pair(tmp_path / "ca.pem", tmp_path / "ca.key"), Pair(tmp_path / "s.pem", tmp_path / "s.key")
    prints = []
    for names in (["father"], ["father"], ["father", "10.99.0.2"]):
        certificates.ensure(authority, server, names)
        prints.append(certificates.fingerprint(server.certificate))
    assert prints[0] == prints[1] != prints[2]
    assert (authority.key.stat().st_mode & 0o777, server.key.stat().st_mode & 0o777) == (0o600, 0o600)


# ------------------------------------------------------------------- daemon


def config(tmp_path: Path) -> ApiConfig:
    return ApiConfig(
        node="father",
        address="127.0.0.1",
        port=0,
        state_dir=tmp_path / "state",
        etc_dir=tmp_path / "etc",
        files_root=tmp_path / "root",
        socket=tmp_path / "api.sock",
        control_socket=tmp_path / "control.sock",
        driver="none",
        seed="outer",
    )


async def asking(path: Path) -> AsyncIterator[Callable[..., Any]]:
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:

        async def ask(method: str, url: str, **values: Any) -> Any:
            async with session.request(method, f"http://node{url}", json=values or None) as answer:
                return await answer.json()

        yield ask


def test_a_daemon_keeps_its_state_and_answers_on_its_sockets(tmp_path: Path) -> None:
    async def first() -> None:
        daemon = Daemon(config(tmp_path))
        await daemon.start()
        async for api in asking(tmp_path / "api.sock"):
            made = await api("POST", "/api2/json/nodes/father/qemu/9001/clone", newid=100)
            assert made["data"].endswith(":qmclone:9001:root@pam:")
        async for control in asking(tmp_path / "control.sock"):
            assert [item["wrote"] for item in await control("GET", "/requests")] == [True]
            await control("DELETE", "/requests")
            assert await control("GET", "/requests") == []
            assert (await control("POST", "/faults", kind="x"))["message"].startswith("there is no fault 'x'")
        await daemon.stop()

    async def second() -> list[int]:
        daemon = Daemon(config(tmp_path))
        await daemon.start()
        async for api in asking(tmp_path / "api.sock"):
            guests = (await api("GET", "/api2/json/nodes/father/qemu"))["data"]
        await daemon.stop()
        return sorted(guest["vmid"] for guest in guests)

    asyncio.run(first())
    assert asyncio.run(second()) == [100, 9000, 9001]
    assert (tmp_path / "api.sock").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "etc" / "pve-root-ca.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")


def test_a_pve_templates_volume_is_a_nodes_root(tmp_path: Path) -> None:
    async def start() -> None:
        daemon = Daemon(config(tmp_path))
        await daemon.start()
        await daemon.stop()

    asyncio.run(start())
    volumes = tmp_path / "state" / "volumes" / "local-lvm"
    assert (volumes / "base-9000-disk-0/root/usr/bin/qm").stat().st_mode & 0o777 == 0o755
    assert json.loads((volumes / "base-9000-disk-0/root/etc/homelab-pve-lab/api.json").read_text()) == {}
    assert not (volumes / "base-9001-disk-0/root").exists()


def test_a_volume_never_leaves_its_storage() -> None:
    with pytest.raises(ValueError, match="is not below its storage"):
        LabApi().volume_path("local:../../etc/passwd")
    with pytest.raises(PveError):
        LabApi(seed=seed.nested({})).file_path("local", "iso/../../x.iso")
