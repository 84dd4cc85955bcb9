"""A server as one document: plan, apply and export of many guests, and the same converge by the others in a loop.

Each is a whole ``ansible-playbook``, as in modules.py. What the module itself takes of memory is told by itself: it is
run with the same parameters in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmark.api import HOST, NODE, TOKEN, USER, Api, Count, running
from tests.benchmark.figures import Figure
from tests.benchmark.modules import (
    CONFIG,
    LATENCY,
    ROOT,
    Task,
    community,
    existing,
    known_guests,
    our,
    play,
    their_converge,
)

GUESTS, MADE, THEIRS = 1000, 50, 50
"""How many guests are planned and exported, how many are made, and how many the others' loop is measured with."""

SECONDS_AIM = 4.0
"""For a plan, beyond what an empty play takes."""

MEMORY_AIM = 200.0
"""MiB, of a module with all of them."""

MEASURED = (
    "import resource, runpy, sys\n"
    "try:\n"
    "    runpy.run_module(sys.argv.pop(1), run_name='__main__')\n"
    "finally:\n"
    "    used = resource.getrusage(resource.RUSAGE_SELF)\n"
    "    print(used.ru_maxrss, used.ru_utime + used.ru_stime, file=sys.stderr)\n"
)
"""Runs a module, and then says how much memory it took at most, in KiB, and the seconds of CPU."""


def document(count: int) -> dict[str, Any]:
    """So many VMs as ``modules.existing`` makes them."""
    net = {"net0": {"model": "virtio", "bridge": "vmbr0"}}
    return {"node": NODE, "vms": [{**guest, "state": "stopped", **CONFIG, "net": net} for guest in known_guests(count)]}


def written(api: Api, count: int) -> str:
    """The same in a file: its path."""
    path = Path(api.ca_path).with_name("document.json")
    path.write_text(json.dumps(document(count)), encoding="utf-8")
    return str(path)


def cost(api: Api, module: str, options: Mapping[str, Any]) -> tuple[float, float]:
    """MiB of memory and seconds of CPU that a module took. Raises RuntimeError with its last words when it fails."""
    login = {"host": HOST, "port": api.port, "token_id": f"{USER}!{TOKEN}", "token_secret": api.secret}
    given = {"ANSIBLE_MODULE_ARGS": {**login, "ca_path": api.ca_path, **options}}
    name = f"ansible_collections.homelab.pve.plugins.modules.{module}"
    with tempfile.TemporaryDirectory(prefix="pve-bench-") as folder:
        parameters = Path(folder, "parameters.json")
        parameters.write_text(json.dumps(given))
        argv = [sys.executable, "-c", MEASURED, name, str(parameters)]
        done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")
    kibibytes, seconds = done.stderr.split()[-2:]
    return int(kibibytes) / 1024, float(seconds)


@dataclass(frozen=True)
class Job:
    """What is played on a server with so many guests. ``beyond``: seconds aimed at, beside those of an empty play."""

    name: str
    guests: int
    tasks: Callable[[Api], list[Task]]
    repeat: bool = True
    beyond: float | None = None


def plan(api: Api) -> list[Task]:
    """What would be done, of a document in a file, as the driver hands it over: nothing."""
    return [{**our(api, "state", files=[written(api, GUESTS)]), "check_mode": True}]


def apply(api: Api) -> list[Task]:
    """All are made."""
    return [our(api, "state", document=document(MADE))]


def export(api: Api) -> list[Task]:
    """Everything that is there."""
    return [our(api, "state_info")]


def theirs(api: Api) -> list[Task]:
    """A task for each of some, which is enough: what one takes doesn't depend on how many there are."""
    return their_converge(api, THEIRS)


JOBS = (
    Job(f"plan of {GUESTS} guests, nothing to do", GUESTS, plan, beyond=SECONDS_AIM),
    Job(f"apply, {MADE} new VMs", 0, apply),
    Job(f"export of {GUESTS} guests", GUESTS, export),
    Job(f"proxmox_kvm in a loop, {THEIRS} of {GUESTS} guests, nothing to do", GUESTS, theirs, repeat=False),
)


def once(job: Job) -> tuple[float, Count]:
    """Seconds and requests of a job on a server of its own."""
    with running() as api:
        existing(api, job.guests)
        api.slow_down(LATENCY)
        return play(job.tasks(api)), api.count()


def figure(job: Job, runs: int, idle: float) -> Figure:
    """One job; it says why when it fails."""
    print(f"  {job.name}", file=sys.stderr, flush=True)
    try:
        samples, counts = zip(*(once(job) for _ in range(runs if job.repeat else 1)), strict=True)
    except RuntimeError as error:
        return Figure(job.name, (), problem=str(error))
    aim = None if job.beyond is None else job.beyond + idle
    return Figure(f"{job.name} ({counts[-1]})", samples, aim)


def whole(part: Figure, idle: float) -> Figure:
    """What the loop would take for all guests, from what it took for some."""
    name = f"proxmox_kvm in a loop, all {GUESTS} guests (extrapolated)"
    return Figure(
        name, tuple(idle + (sample - idle) * GUESTS / THEIRS for sample in part.samples), problem=part.problem
    )


def costs(module: str, options: Callable[[Api], Mapping[str, Any]]) -> list[Figure]:
    """Memory and CPU of a module with the server's guests: they depend less on what else the machine does."""
    name = f"module {module}, {GUESTS} guests"
    print(f"  {name}", file=sys.stderr, flush=True)
    try:
        with running() as api:
            existing(api, GUESTS)
            api.slow_down(LATENCY)
            memory, seconds = cost(api, module, options(api))
    except RuntimeError as error:
        return [Figure(name, (), problem=str(error))]
    return [Figure(f"memory of {name}", (memory,), MEMORY_AIM, unit="MiB"), Figure(f"CPU of {name}", (seconds,))]


def planned(api: Api) -> dict[str, Any]:
    """Options of a plan."""
    return {"files": [written(api, GUESTS)], "_ansible_check_mode": True}


def measure(runs: int) -> list[Figure]:
    """All of it. The time an empty play takes is part of every figure in seconds."""
    community()
    play([{"ansible.builtin.meta": "noop"}])  # nobody's bytecode is compiled while time is taken
    empty = Figure("an empty play", tuple(play([{"ansible.builtin.meta": "noop"}]) for _ in range(runs)))
    idle = empty.median or 0.0
    figures = [figure(job, runs, idle) for job in JOBS]
    used = [*costs("state", planned), *costs("state_info", lambda _api: {})]
    return [empty, *figures, whole(figures[-1], idle), *used]
