"""A node's API in a process of its own, as the benchmark's counterpart: counts requests, is as slow as a network."""

from __future__ import annotations

import multiprocessing
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import requests

from lab.api import seed
from lab.api.certificates import Pair, issue, make_authority
from lab.api.server import LabApi
from lab.api.serving import Served, serve

HOST, NODE = "127.0.0.1", "father"
USER, TOKEN = "root@pam", "benchmark"
FIRST_VMID = 1000
START_TIMEOUT = 60.0


@dataclass(frozen=True)
class Count:
    """Requests that were answered, and how many of them changed something."""

    requests: int
    writes: int

    def __str__(self) -> str:
        """For people."""
        return f"{self.requests} requests, {self.writes} writes"


@dataclass(frozen=True)
class Api:
    """The running API: where it is, and what can be asked of it beside the Proxmox VE API."""

    port: int
    ca_path: str
    secret: str
    _pipe: Connection

    def _ask(self, what: str, *values: object) -> Any:
        self._pipe.send((what, values))
        return self._pipe.recv()

    def slow_down(self, latency: float) -> None:
        """Make each request take so many seconds longer, and forget the requests so far."""
        self._ask("slow_down", latency)

    def count(self) -> Count:
        """The requests since then."""
        return Count(*self._ask("count"))

    def session(self) -> requests.Session:
        """A plain HTTP client that is logged in."""
        session = requests.Session()
        session.trust_env, session.verify = False, self.ca_path
        session.headers["Authorization"] = f"PVEAPIToken={USER}!{TOKEN}={self.secret}"
        return session

    def url(self, path: str) -> str:
        """The address of a path of the API."""
        return f"https://{HOST}:{self.port}/api2/json{path}"


@contextmanager
def running() -> Iterator[Api]:
    """The API until the block ends."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_process, args=(theirs,), daemon=True)
    process.start()
    try:
        if not ours.poll(START_TIMEOUT):
            raise RuntimeError("the benchmark's API did not start")
        port, ca_path, secret = ours.recv()
        yield Api(port, ca_path, secret, ours)
    finally:
        ours.send(None)
        process.join(START_TIMEOUT)


def _process(pipe: Connection) -> None:
    """Serve until None comes."""
    with tempfile.TemporaryDirectory(prefix="pve-bench-api-") as folder:
        authority = make_authority(Pair(Path(folder, "ca.pem"), Path(folder, "ca.key")))
        certificate = issue(authority, Pair(Path(folder, "server.pem"), Path(folder, "server.key")), [HOST])
        secret = secrets.token_hex(16)
        contents = seed.outer({f"{USER}!{TOKEN}": secret}, secrets.token_hex(16))
        with serve(LabApi(seed=contents, host=HOST, port=0), certificate) as served:
            pipe.send((served.api.port, str(authority.certificate), secret))
            while message := pipe.recv():
                pipe.send(_answer(served, *message))


def _answer(served: Served, what: str, values: tuple[Any, ...]) -> object:
    if what == "count":
        return len(served.api.log), len(served.api.log.writes())
    served.api.heal()
    served.api.inject({"kind": "latency", "seconds": values[0]})
    served.api.log.clear()
    return None
