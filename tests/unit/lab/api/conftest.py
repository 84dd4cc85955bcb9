# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client for the lab's API."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from lab.api.serving import ServedLab

TEMPLATE = "local:vztmpl/x.tar.zst"


@dataclass
class Client:
    """Asks a served API with its token; nothing but JSON and status codes."""

    lab: ServedLab
    session: requests.Session

    def ask(self, method: str, path: str, /, **values: Any) -> requests.Response:
        """Send a request: values as a query for GET and DELETE, else as a form."""
        where = "params" if method in ("GET", "DELETE") else "data"
        url = f"{self.lab.url}/api2/json{path}"
        return self.session.request(method, url, **{where: values}, timeout=10)  # type: ignore[arg-type]

    def get(self, path: str, /, **values: Any) -> Any:
        """``data`` of a GET that must succeed."""
        return self.data(self.ask("GET", path, **values))

    def post(self, path: str, /, **values: Any) -> Any:
        """``data`` of a POST that must succeed."""
        return self.data(self.ask("POST", path, **values))

    def put(self, path: str, /, **values: Any) -> Any:
        """``data`` of a PUT that must succeed."""
        return self.data(self.ask("PUT", path, **values))

    def delete(self, path: str, /, **values: Any) -> Any:
        """``data`` of a DELETE that must succeed."""
        return self.data(self.ask("DELETE", path, **values))

    @staticmethod
    def data(response: requests.Response) -> Any:
        """``data`` of an answer that must be a good one."""
        assert response.status_code == 200, f"{response.status_code} {response.reason} {response.text}"
        return response.json()["data"]

    def wait(self, upid: str) -> str:
        """Exit status of a task, once it has one."""
        while True:
            status = self.get(f"/nodes/{self.lab.node}/tasks/{upid}/status")
            if status["status"] == "stopped":
                return str(status["exitstatus"])

    def log(self, upid: str) -> list[str]:
        """Lines of a task's log."""
        return [line["t"] for line in self.get(f"/nodes/{self.lab.node}/tasks/{upid}/log", limit=0)]

    def run(self, method: str, path: str, /, **values: Any) -> str:
        """Send a request that starts a task; returns the task's exit status."""
        return self.wait(self.data(self.ask(method, path, **values)))


def client_of(lab: ServedLab) -> Client:
    """A client with root's token, trusting the lab's CA and nothing from the environment."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(lab.ca_path)
    session.headers["Authorization"] = f"PVEAPIToken={lab.token_id}={lab.token_secret}"
    return Client(lab, session)


@pytest.fixture
def client(lab_api: ServedLab) -> Client:
    """A client of a fresh ``lab_api``."""
    return client_of(lab_api)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Ask again until something is so; fails when it is not within a bound."""

    def wait(is_so: Callable[[], bool]) -> None:
        deadline, pause = time.monotonic() + 10, 0.001
        while not is_so():
            assert time.monotonic() < deadline, "it did not come about"
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)

    return wait


def with_template(client: Client) -> Client:
    """A container template on ``local``."""
    folder = client.lab.api.files_root / "var/lib/vz/template/cache"
    folder.mkdir(parents=True)
    (folder / "x.tar.zst").touch()
    return client
