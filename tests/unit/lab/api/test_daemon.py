# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks, state and the sockets of a node's API."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from lab.api import certificates, seed
from lab.api.certificates import Pair
from lab.api.config import ApiConfig
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
        home=tmp_path / "home",
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
    assert (tmp_path / "home" / ".ssh" / "authorized_keys").readlink() == tmp_path / "etc" / "priv" / "authorized_keys"
    assert (tmp_path / "etc" / "pve-root-ca.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")


def test_a_pve_templates_volume_is_a_nodes_root(tmp_path: Path) -> None:
    async def start() -> None:
        daemon = Daemon(config(tmp_path))
        await daemon.start()
        await daemon.stop()

    asyncio.run(start())
    volumes = tmp_path / "state" / "volumes" / "local-lvm"
    assert (volumes / "base-9000-disk-0/root/usr/sbin/qm").stat().st_mode & 0o777 == 0o755
    assert json.loads((volumes / "base-9000-disk-0/root/etc/homelab-pve-lab/api.json").read_text()) == {}
    assert not (volumes / "base-9001-disk-0/root").exists()


def test_a_volume_never_leaves_its_storage() -> None:
    with pytest.raises(ValueError, match="is not below its storage"):
        LabApi().volume_path("local:../../etc/passwd")
    with pytest.raises(PveError):
        LabApi(seed=seed.nested({})).file_path("local", "iso/../../x.iso")
