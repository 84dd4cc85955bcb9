"""The part of the benchmark that runs inside the lab's network, as a client of the node's API."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

NODE_URL = "https://10.99.0.2:8006/api2/json"
NODE, TEMPLATE, VMID = "father", 9001, 99990
BOUND = 60.0
SHORTEST, LONGEST = 0.01, 0.2


class Api:
    """The node's API with the lab's token."""

    def __init__(self, lab: Path) -> None:
        token = json.loads((lab / "father.token").read_text())
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(lab / "ca.pem")
        self.session.headers["Authorization"] = f"PVEAPIToken={token['id']}={token['secret']}"

    def call(self, method: str, path: str, **values: object) -> Any:
        """One request; its data. Raises requests.HTTPError for an error."""
        answer = self.session.request(method, NODE_URL + path, data=values or None, timeout=BOUND)
        answer.raise_for_status()
        return answer.json()["data"]

    def finish(self, upid: str) -> None:
        """Wait for a task and raise RuntimeError if it failed."""
        path = f"/nodes/{NODE}/tasks/{quote(upid)}/status"
        status = until(lambda: (answer := self.call("GET", path))["status"] == "stopped" and answer)
        if status["exitstatus"] != "OK":
            raise RuntimeError(f"{upid}: {status['exitstatus']}")


def until(look: Any) -> Any:
    """Ask again, more and more slowly, until there is an answer. Raises TimeoutError after BOUND seconds."""
    end, pause = time.monotonic() + BOUND, SHORTEST
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST)
    raise TimeoutError(f"nothing within {BOUND:.0f} s")


def answers(api: Api) -> bool:
    """Whether the API says its version."""
    try:
        return bool(api.call("GET", "/version"))
    except requests.RequestException:
        return False


def address(api: Api) -> str | None:
    """The guest's address as its agent tells it, or None so far."""
    try:
        answer = api.call("GET", f"/nodes/{NODE}/qemu/{VMID}/agent/network-get-interfaces")
    except requests.HTTPError:
        return None
    found = [
        entry["ip-address"]
        for card in answer["result"]
        for entry in card.get("ip-addresses", [])
        if entry["ip-address"].startswith("10.99.0.")
    ]
    return found[0] if found else None


def says_ssh(host: str) -> bool:
    """Whether an sshd greets there."""
    try:
        with socket.create_connection((host, 22), timeout=LONGEST) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def one_start(api: Api) -> float:
    """Clone the template, start the clone, and measure from the start to the greeting; then remove it."""
    vm = f"/nodes/{NODE}/qemu/{VMID}"
    api.finish(api.call("POST", f"/nodes/{NODE}/qemu/{TEMPLATE}/clone", newid=VMID, name="bench"))
    started = time.perf_counter()
    api.finish(api.call("POST", f"{vm}/status/start"))
    host = until(lambda: address(api))
    until(lambda: says_ssh(host))
    taken = time.perf_counter() - started
    api.finish(api.call("POST", f"{vm}/status/stop"))
    api.finish(api.call("DELETE", vm))
    return taken


def main(what: str, runs: int) -> None:
    """`answer`: wait for the API. `start`: print the seconds of each start as a JSON list."""
    api = Api(Path(os.environ["XDG_STATE_HOME"]) / "homelab-pve" / "lab")
    until(lambda: answers(api))
    if what == "start":
        print(json.dumps([one_start(api) for _ in range(runs)]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
