# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A booted lab as a test sees it: where its nodes are reached, how to log in, what else can be asked of it."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote, urlencode

from lab import control, father, layout
from lab.control_client import Controlled
from lab.control_socket import SocketControl
from lab.errors import LabError

TASK_BOUND = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1


class RefusedError(LabError):
    """The API refused; ``status`` is the HTTP status."""

    def __init__(self, what: str, status: int, reason: str) -> None:
        """Say what was asked, and the answer."""
        super().__init__(f"{what}: {status} {reason}")
        self.status = status


@contextmanager
def at_home(home: Path) -> Iterator[None]:
    """Within the block ``home`` is where the lab has its state (``XDG_STATE_HOME``)."""
    with mock.patch.dict("os.environ", {"XDG_STATE_HOME": str(home)}):
        yield


@dataclass(frozen=True)
class RunningLab(Controlled):
    """A lab that is up, with its state below ``home``; ``door`` is the node whose API is asked."""

    home: Path
    status: control.LabStatus
    door: str = layout.FATHER

    def at(self, node: str) -> RunningLab:
        """The same lab, reached at another node."""
        return replace(self, door=node)

    # ------------------------------------------------------------- connection

    @property
    def host(self) -> str:
        """The node's address on this machine."""
        return self.status.nodes[self.door].api_forward.rpartition(":")[0]

    @property
    def port(self) -> int:
        """The port of its API there."""
        return int(self.status.nodes[self.door].api_forward.rpartition(":")[2])

    @property
    def url(self) -> str:
        """``https://host:port``."""
        return f"https://{self.host}:{self.port}"

    @property
    def ca_path(self) -> Path:
        """The authorities that sign the nodes' certificates."""
        return self.status.state_dir / "ca.pem"

    @property
    def token(self) -> tuple[str, str]:
        """Id and secret of a token of root."""
        document = json.loads(father.token_file(self.status.state_dir).read_text(encoding="utf-8"))
        return document["id"], document["secret"]

    @property
    def public_key(self) -> str:
        """The public key that nodes let in."""
        path = father.ssh_key(self.status.state_dir).with_suffix(".pub")
        return path.read_text(encoding="utf-8").strip()

    def options(self) -> dict[str, Any]:
        """Connection options of the collection's modules, with the token."""
        token_id, secret = self.token
        where: dict[str, Any] = {"host": self.host, "port": self.port, "ca_path": str(self.ca_path)}
        return {**where, "token_id": token_id, "token_secret": secret}

    # ------------------------------------------------------------------ asking

    def control(self, method: str, path: str, document: object = None) -> Any:  # noqa: ANN401 - JSON
        """Ask the lab's control endpoint. Raises LabError."""
        return SocketControl(father.control_socket(self.status.state_dir)).control(method, path, document)

    def call(self, method: str, path: str, *, bound: float = TASK_BOUND, **values: object) -> Any:  # noqa: ANN401
        """``data`` of the API's answer; a task that it starts is awaited. Raises RefusedError, LabError, OSError."""
        answer = self._ask(method, path, bound, values)
        if isinstance(answer, str) and answer.startswith("UPID:"):
            self._await_task(answer, bound)
        return answer

    def _ask(self, method: str, path: str, bound: float, values: dict[str, object]) -> Any:  # noqa: ANN401
        query = urlencode(values)
        place = f"{self.url}/api2/json{path}{f'?{query}' if values and method in ('GET', 'DELETE') else ''}"
        body = query.encode() if method in ("POST", "PUT") else None
        headers = {"Authorization": "PVEAPIToken={}={}".format(*self.token)}
        request = urllib.request.Request(place, body, headers, method=method)  # noqa: S310 - https, see url
        tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(self.ca_path)))
        try:
            # Without a proxy, whatever the environment says: the lab is on this machine.
            with urllib.request.build_opener(urllib.request.ProxyHandler({}), tls).open(
                request, timeout=bound
            ) as answer:
                return json.loads(answer.read())["data"]
        except urllib.error.HTTPError as error:
            raise RefusedError(f"{method} {path}", error.code, str(error.reason)) from error

    def _await_task(self, upid: str, bound: float) -> None:
        path = f"/nodes/{upid.split(':')[1]}/tasks/{quote(upid)}/status"
        deadline, pause = time.monotonic() + bound, _FIRST_PAUSE
        while (status := self._ask("GET", path, bound, {}))["status"] != "stopped":
            if time.monotonic() > deadline:
                raise LabError(f"{upid} does not end")
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        if status["exitstatus"] != "OK":
            raise LabError(f"{upid}: {status['exitstatus']}")

    # --------------------------------------------------------------- machines

    def ssh_command(self, guest: str, *argv: str) -> list[str]:
        """The command that logs in to a node or guest, or runs something there. Raises LabError for an unknown one."""
        with at_home(self.home):
            return control.ssh_command(guest, argv)

    def ssh(self, guest: str, command: str) -> str:
        """Output of a command on a node or guest. Raises LabError with its complaint when it fails."""
        done = subprocess.run(self.ssh_command(guest, command), capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"{command!r} on {guest} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    # ------------------------------------------------------------------- tests

    def tidy(self, keep: frozenset[int]) -> None:
        """End faults, have every node on and the clock at its usual pace, and remove guests that are not to be kept."""
        self.faults.clear()
        if self.clock.rate != 1.0:
            self.clock.rate = 1.0
        for resource in self.call("GET", "/cluster/ha/resources"):
            self.call("DELETE", f"/cluster/ha/resources/{resource['sid']}")
        for guest in self.call("GET", "/cluster/resources", type="vm"):
            if guest["vmid"] not in keep:
                self._remove(guest)
        self.clear_requests()

    def _remove(self, guest: dict[str, Any]) -> None:
        path = f"/nodes/{guest['node']}/{guest['type']}/{guest['vmid']}"
        if self.call("GET", f"{path}/status/current")["status"] == "running":
            self.call("POST", f"{path}/status/stop")
        self.call("DELETE", path)
