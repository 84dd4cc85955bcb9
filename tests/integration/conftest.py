"""The lab as it is run by people: booted nodes and guests, reached over its own network."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

from lab import control, father, layout
from tests.warm_python import interpreter

T = TypeVar("T")
WAIT = 30.0


def until(answer: Callable[[], T], what: str, bound: float = WAIT) -> T:
    """Ask until the answer is true; fails naming what was waited for."""
    deadline = time.monotonic() + bound
    pause = 0.01
    while not (result := answer()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {bound:.0f} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
    return result


class TaskFailedError(Exception):
    """A PVE task ended with something else than OK."""


@dataclass
class NodeApi:
    """A node's API, called from inside the lab's network, with its certificate verified."""

    stand: Stand
    host: str
    ca: Path
    token: str = field(repr=False)
    node: str = "father"

    def call(self, method: str, path: str, **data: object) -> Any:
        """One call; a task it starts is awaited. Raises TaskFailedError, or HTTPError with PVE's reason."""
        answer = self.stand.in_lab(self._send, method, path, data)
        if isinstance(answer, str) and answer.startswith("UPID:"):
            self._await_task(answer)
        return answer

    def _send(self, method: str, path: str, data: dict[str, Any]) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            response = session.request(
                method,
                f"https://{self.host}:8006/api2/json{path}",
                headers={"Authorization": f"PVEAPIToken={self.token}"},
                verify=str(self.ca),
                timeout=WAIT,
                params=data if method == "GET" else None,
                data=None if method == "GET" else data,
            )
        if not response.ok:
            raise requests.HTTPError(f"{method} {path}: {response.status_code} {response.reason} {response.text}")
        return response.json()["data"]

    def _await_task(self, upid: str) -> None:
        path = f"/nodes/{self.node}/tasks/{urllib.parse.quote(upid)}/status"
        status = until(lambda: (now := self.call("GET", path))["status"] == "stopped" and now, upid)
        if status["exitstatus"] != "OK":
            raise TaskFailedError(status["exitstatus"])

    def guest(self, vmid: int, method: str, path: str, **data: object) -> Any:
        """A call below one VM's path."""
        return self.call(method, f"/nodes/{self.node}/qemu/{vmid}{path}", **data)

    def clone(self, template: int, vmid: int, name: str, key: str, **config: object) -> None:
        """Clone and configure a VM that the controller may log in to."""
        self.guest(template, "POST", "/clone", newid=vmid, name=name)
        cloud_init = {"ciuser": "root", "sshkeys": urllib.parse.quote(key, safe=""), "ipconfig0": "ip=dhcp"}
        self.guest(vmid, "POST", "/config", **{**cloud_init, **config})

    def start(self, vmid: int) -> str:
        """Start a VM; returns the address its agent tells."""
        self.guest(vmid, "POST", "/status/start")
        return self.address(vmid)

    def address(self, vmid: int) -> str:
        """The VM's first address on the lab's network, once it has one."""
        return until(lambda: self._addresses(vmid), f"address of VM {vmid}")[0]

    def _addresses(self, vmid: int) -> list[str]:
        interfaces = self.guest(vmid, "GET", "/agent/network-get-interfaces")["result"]
        found = [entry["ip-address"] for interface in interfaces for entry in interface.get("ip-addresses", [])]
        return [address for address in found if address.startswith("10.99.0.")]

    def status(self, vmid: int) -> str:
        """``running`` or ``stopped``."""
        return str(self.guest(vmid, "GET", "/status/current")["status"])


@dataclass
class Stand:
    """A running lab and what a test needs to reach into it."""

    status: control.LabStatus
    executor: ThreadPoolExecutor = field(repr=False)

    @contextmanager
    def booted(self, template: int, vmid: int, name: str) -> Iterator[str]:
        """A clone of a template that runs until the block ends; its address."""
        api = self.father()
        api.clone(template, vmid, name, self.key)
        yield api.start(vmid)
        api.guest(vmid, "POST", "/status/stop")
        api.guest(vmid, "DELETE", "")

    def in_lab(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function on a thread that is inside the lab's network."""
        return self.executor.submit(function, *arguments).result()

    @property
    def key(self) -> str:
        """The controller's public key."""
        return father.ssh_key(self.status.state_dir).with_suffix(".pub").read_text(encoding="utf-8").strip()

    def father(self) -> NodeApi:
        """The API of the lab's node."""
        token = json.loads(father.token_file(self.status.state_dir).read_text(encoding="utf-8"))
        return NodeApi(self, "10.99.0.2", self.status.state_dir / "ca.pem", f"{token['id']}={token['secret']}")

    def ssh(self, guest: str, command: str) -> str:
        """Output of a command on a node or guest; fails with its error output."""
        done = self.try_ssh(guest, command)
        assert done.returncode == 0, f"{command!r} on {guest} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def try_ssh(self, guest: str, command: str) -> subprocess.CompletedProcess[str]:
        """A command on a node or guest, however it ends."""
        return subprocess.run(control.ssh_command(guest, [command]), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def lab_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state directory of its own for the lab of a test module; whatever runs there at the end is ended."""
    if os.geteuid() != 0:
        pytest.skip("boots guests as root")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield layout.state_dir()
        control.reset()


@pytest.fixture(scope="module")
def stand(lab_state: Path) -> Iterator[Stand]:
    """A running lab, shared by the tests of a module."""
    with entered(control.ensure_up(print)) as running:
        yield running


@pytest.fixture(scope="module")
def warm(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Python in the lab's network that starts modules quickly; for runs whose like was made the usual way."""
    with interpreter(tmp_path_factory.mktemp("warm"), control.inside) as path:
        yield path


@contextmanager
def entered(status: control.LabStatus) -> Iterator[Stand]:
    """A running lab with a thread inside its network."""
    with ThreadPoolExecutor(1, initializer=control.enter_network) as executor:
        yield Stand(status, executor)
