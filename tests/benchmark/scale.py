"""A cluster of 10,000 guests on 16 nodes: the API in a process of its own, beside plain fakepve with as many VMs."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import requests
from fakepve import FakePve  # type: ignore[import-untyped]

from lab.api import seed
from lab.api.certificates import Pair, issue, make_authority
from lab.api.population import populate
from lab.api.server import LabApi, Places
from lab.api.serving import serve
from tests.benchmark.figures import Figure

HOST, TOKEN, SECRET = "127.0.0.1", "root@pam!scale", "scale"
GUESTS, NODES = 10_000, 16
START_TIMEOUT = 60.0
# Ids of what the benchmark itself makes.
FIRST_NEW = 900_000


def resident() -> float:
    """Megabytes of memory this process has."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024


def the_lab(folder: Path) -> Any:
    """The lab's API with its population, which keeps its state in a file."""
    places = Places(folder / "volumes", folder / "files", folder / "state.json")
    api = LabApi(seed=seed.outer({TOKEN: SECRET}), places=places, host=HOST, port=0)
    asyncio.run(populate(api, GUESTS, NODES))
    return api


def plain(_folder: Path) -> Any:
    """fakepve alone with as many VMs."""
    api = FakePve(host=HOST, port=0)
    api.apitokens[TOKEN] = SECRET
    for number in range(GUESTS):
        node = f"node{number % NODES:02d}"
        api.add_vm(10_000 + number, f"vm-{number}", node=node, config={"scsi0": f"local-lvm:vm-{number},size=8G"})
    return api


def _process(pipe: Connection, make: Callable[[Path], Any]) -> None:
    """Serve until told to end; whatever else is said is answered with the memory."""
    with tempfile.TemporaryDirectory(prefix="pve-bench-scale-") as folder:
        authority = make_authority(Pair(Path(folder, "ca.pem"), Path(folder, "ca.key")))
        certificate = issue(authority, Pair(Path(folder, "server.pem"), Path(folder, "server.key")), [HOST])
        with serve(make(Path(folder)), certificate) as served:
            pipe.send((f"https://{HOST}:{served.api.port}/api2/json", str(authority.certificate)))
            while pipe.recv():
                pipe.send(resident())


class Served:
    """A client of such a process."""

    def __init__(self, pipe: Connection, url: str, ca_path: str) -> None:
        """Log in."""
        self._pipe, self._url = pipe, url
        self._session = requests.Session()
        self._session.trust_env, self._session.verify = False, ca_path
        self._session.headers["Authorization"] = f"PVEAPIToken={TOKEN}={SECRET}"

    def memory(self) -> float:
        """Megabytes the process has."""
        self._pipe.send("memory")
        return float(self._pipe.recv())

    def seconds(self, method: str, path: str, **values: Any) -> float:
        """How long a request takes, its answer read. Raises RuntimeError for one that was refused."""
        started = time.perf_counter()
        answer = self._session.request(method, self._url + path, data=values or None, timeout=60)
        took = time.perf_counter() - started
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return took


@contextmanager
def running(make: Callable[[Path], Any]) -> Iterator[Served]:
    """Such a process until the block ends."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_process, args=(theirs, make), daemon=True)
    process.start()
    try:
        if not ours.poll(START_TIMEOUT):
            raise RuntimeError("the API did not start")
        url, ca_path = ours.recv()
        yield Served(ours, url, ca_path)
    finally:
        ours.send(None)
        process.join(START_TIMEOUT)


def asked(served: Served, runs: int, method: str, path: str) -> tuple[float, ...]:
    """Seconds of the same request, some times."""
    return tuple(served.seconds(method, path) for _ in range(runs))


def created(served: Served, runs: int) -> tuple[float, ...]:
    """Seconds to create a VM with a disk."""
    drive = "local-lvm:1"
    return tuple(
        served.seconds("POST", "/nodes/father/qemu", vmid=FIRST_NEW + number, scsi0=drive) for number in range(runs)
    )


def measure(runs: int) -> list[Figure]:
    """The figures of both."""
    with running(plain) as served:
        theirs = Figure("    the same of plain fakepve", asked(served, runs, "GET", "/cluster/resources"))
        their_memory = Figure("    memory of plain fakepve", (served.memory(),), unit="MB")
    with running(the_lab) as served:
        resources = asked(served, runs, "GET", "/cluster/resources")
        vmid = random.Random(runs).randrange(FIRST_NEW, FIRST_NEW + runs)
        new = created(served, runs)
        one = asked(served, runs, "GET", f"/nodes/father/qemu/{vmid}/config")
        return [
            Figure("10,000 guests: /cluster/resources", resources, aim=0.5),
            theirs,
            Figure("10,000 guests: resident memory", (served.memory(),), aim=300.0, unit="MB"),
            their_memory,
            Figure("10,000 guests: VMs of a node", asked(served, runs, "GET", "/nodes/father/qemu")),
            Figure("10,000 guests: next free id", asked(served, runs, "GET", "/cluster/nextid")),
            Figure("10,000 guests: create a VM, saved", new),
            Figure("10,000 guests: its configuration", one),
        ]
