"""Our modules beside the collection most people use: the same jobs on the same API, each way as its users write it.

Both are measured as whole ``ansible-playbook`` runs of the same Ansible with its own defaults: the one from the PyPI
package ``ansible``, which brings community.proxmox, in an environment of its own. Ours comes from the checkout.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmark.api import FIRST_VMID, HOST, NODE, TOKEN, USER, Api, Count, running
from tests.benchmark.figures import Figure

ROOT = Path(__file__).resolve().parents[2]
LATENCY = 0.02
WORKERS = 10
VMS = 100
"""How many VMs are converged; half as many are created, a tenth cloned, started and asked for their address."""

PACKAGES = ("ansible==12.3.0", "ansible-core==2.19.14", "proxmoxer==2.3.0", "requests==2.34.2")
"""What the environment holds; the versions of what our own has too are the same."""

CONFIG: dict[str, Any] = {"cores": 2, "memory": 1024, "onboot": True, "description": "one of many"}
NET = "virtio,bridge=vmbr0"

Task = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """One way to do a job: the tasks to play. What takes minutes is not measured repeatedly."""

    name: str
    tasks: Callable[[Api, int], list[Task]]
    repeat: bool = True


@dataclass(frozen=True)
class Job:
    """What is to be done with a number of VMs. ``share`` is the part of community.proxmox's time we aim at."""

    name: str
    part: float
    share: float
    prepare: Callable[[Api, int], None]
    ways: tuple[Way, ...]


# ------------------------------------------------------------------------------------------------ environments


def cache() -> Path:
    """Where the environments are."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "homelab-pve" / "benchmark"


def community() -> Path:
    """The ansible-playbook, in an environment that is made once. Raises RuntimeError when that can't be."""
    folder = cache() / "-".join(PACKAGES).replace("==", "-")
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        _install(folder, PACKAGES, folder)
    return folder / "bin" / "ansible-playbook"


def beside(package: str) -> Path:
    """A folder with a package for that environment that not all measurements want in it."""
    folder = cache() / package.replace("==", "-")
    if not (folder / "complete").exists():
        _install(community().parents[1], [package], folder, "--upgrade", "--target", str(folder))
    return folder


def _install(environment: Path, packages: Sequence[str], folder: Path, *options: str) -> None:
    argv = [str(environment / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *options, *packages]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"skipped, {packages[0]} can't be installed: {done.stderr.strip().splitlines()[-1]}")
    (folder / "complete").touch()


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables for that Ansible: its own settings, and our collection from the checkout."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {**variables, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"), **(more or {})}


@contextmanager
def playbook(tasks: Sequence[Task]) -> Iterator[tuple[list[str], Path]]:
    """A playbook's arguments for ansible-playbook, and the empty folder it is to run in."""
    with tempfile.TemporaryDirectory(prefix="pve-bench-play-") as folder:
        plays = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": list(tasks)}]
        Path(folder, "play.yml").write_text(json.dumps(plays))
        yield ["-i", "localhost,", "play.yml"], Path(folder)


def play(tasks: Sequence[Task]) -> float:
    """Seconds of one ansible-playbook. Raises RuntimeError with its last words when it fails."""
    program = community()
    interpreter = str(program.with_name("python"))
    with playbook([{"vars": {"ansible_python_interpreter": interpreter}, **task} for task in tasks]) as (argv, folder):
        started = time.perf_counter()
        done = subprocess.run(
            [str(program), *argv],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        taken = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{program} ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")
    return taken


# ----------------------------------------------------------------------------------------------------- their way


def theirs(api: Api, module: str, **options: Any) -> Task:
    """A task of community.proxmox."""
    login = {"api_host": HOST, "api_port": api.port, "api_user": USER, "api_token_id": TOKEN}
    return {f"community.proxmox.{module}": {**login, "api_token_secret": api.secret, **options}}


def each(count: int, task: Task, **loop: Any) -> Task:
    """The task for each number below ``count``."""
    return {**task, "loop": list(range(count)), **loop}


def numbered(name: str = "vm") -> dict[str, str]:
    """Name and id of the VM with the loop's number."""
    return {"name": f"{name}{{{{ item }}}}", "vmid": f"{{{{ {FIRST_VMID} + item }}}}"}


def their_converge(api: Api, count: int) -> list[Task]:
    """The only way to see to the configuration of a VM that exists: it is written each time."""
    wish = {**numbered(), "node": NODE, "update": True, **CONFIG}
    return [each(count, theirs(api, "proxmox_kvm", **wish))]


def their_look(api: Api, count: int) -> list[Task]:
    """Without ``update`` it is only seen that the VM exists."""
    return [each(count, theirs(api, "proxmox_kvm", **numbered(), node=NODE, **CONFIG))]


def their_create(api: Api, count: int) -> list[Task]:
    """One after the other."""
    wish = {**numbered(), "node": NODE, **CONFIG, "net": {"net0": NET}}
    return [each(count, theirs(api, "proxmox_kvm", **wish))]


def their_boot(api: Api, count: int) -> list[Task]:
    """Clone, start, and ask until the guest's agent tells an address."""
    known = numbered()
    clone = {"clone": "debian-12", "name": known["name"], "newid": known["vmid"], "node": NODE}
    ask = theirs(api, "proxmox_vm_info", vmid=known["vmid"], node=NODE, network=True)
    told = "found.proxmox_vms[0].network is defined"
    return [
        each(count, theirs(api, "proxmox_kvm", **clone)),
        each(count, theirs(api, "proxmox_kvm", vmid=known["vmid"], node=NODE, state="started")),
        each(count, ask, register="found", until=told, retries=60, delay=1),
    ]


# ------------------------------------------------------------------------------------------------------- our way


def our(api: Api, module: str, **options: Any) -> Task:
    """A task of our collection."""
    login = {"host": HOST, "port": api.port, "token_id": f"{USER}!{TOKEN}", "token_secret": api.secret}
    return {f"homelab.pve.{module}": {**login, "ca_path": api.ca_path, **options}}


def known_guests(count: int) -> list[dict[str, Any]]:
    """Names and ids."""
    return [{"name": f"vm{number}", "vmid": FIRST_VMID + number} for number in range(count)]


def our_converge(api: Api, count: int) -> list[Task]:
    """All in one task."""
    return [our(api, "vms", defaults=CONFIG, guests=known_guests(count))]


def our_loop(api: Api, count: int) -> list[Task]:
    """One task for each, as theirs."""
    return [each(count, our(api, "vm", **numbered(), **CONFIG))]


def our_create(api: Api, count: int) -> list[Task]:
    """All in one task."""
    return [our(api, "vms", defaults={**CONFIG, "net": {"net0": NET}}, guests=known_guests(count))]


def our_create_loop(api: Api, count: int) -> list[Task]:
    """One task for each, as theirs."""
    return [each(count, our(api, "vm", **numbered(), **CONFIG, net={"net0": NET}))]


def our_boot(api: Api, count: int) -> list[Task]:
    """Clone and start all in one task, then wait for each address."""
    wish = {"clone": "debian-12", "state": "started"}
    return [
        our(api, "vms", defaults=wish, guests=known_guests(count)),
        each(count, our(api, "guest_ip", vmid=numbered()["vmid"])),
    ]


# ----------------------------------------------------------------------------------------------------- measuring


def nothing(_api: Api, _count: int) -> None:
    """The node as it is."""


def existing(api: Api, count: int) -> None:
    """VMs that are as they are wished to be."""
    session = api.session()
    for guest in known_guests(count):
        answer = session.post(api.url(f"/nodes/{NODE}/qemu"), data={**guest, **CONFIG, "onboot": 1, "net0": NET})
        answer.raise_for_status()


def floor(api: Api, count: int) -> float:
    """Seconds for the configurations alone, without Ansible: what no client can beat by much."""

    def ask(number: int) -> None:
        path = api.url(f"/nodes/{NODE}/qemu/{FIRST_VMID + number}/config")
        session.get(path).raise_for_status()

    session = api.session()
    started = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(ask, range(count)))
    return time.perf_counter() - started


JOBS = (
    Job(
        "nothing to do for {} VMs",
        1.0,
        1 / 20,
        existing,
        (
            Way("proxmox_kvm, update: true", their_converge, repeat=False),
            Way("vms", our_converge),
            Way("proxmox_kvm, existence only", their_look, repeat=False),
            Way("vm in a loop", our_loop, repeat=False),
        ),
    ),
    Job(
        "create {} VMs",
        0.5,
        1 / 10,
        nothing,
        (
            Way("proxmox_kvm", their_create, repeat=False),
            Way("vms", our_create),
            Way("vm in a loop", our_create_loop, repeat=False),
        ),
    ),
    Job(
        "clone, start, address of {} VMs",
        0.1,
        1.0,
        nothing,
        (
            Way("proxmox_kvm, proxmox_vm_info", their_boot, repeat=False),
            Way("vms, guest_ip", our_boot),
        ),
    ),
)
"""What is compared; the first way of each job is the one to beat."""


def compared(job: Job, size: int, runs: int) -> list[Figure]:
    """The figures of one job, each way; those that aren't the first have the share of its time as their aim."""
    count = max(1, round(size * job.part))
    figures: list[Figure] = []
    for way in job.ways:
        first = figures[0].median if figures else None
        aim = None if first is None or not way.repeat else first * job.share
        figures.append(figure(job, way, count, runs if way.repeat else 1, aim))
    return figures


def figure(job: Job, way: Way, count: int, runs: int, aim: float | None) -> Figure:
    """One way to do one job; one that fails says why."""
    name = f"{job.name.format(count)}: {way.name}"
    print(f"  {name}", file=sys.stderr, flush=True)
    try:
        samples, counts = zip(*(once(job, way, count) for _ in range(runs)), strict=True)
    except RuntimeError as error:
        return Figure(name, (), problem=str(error))
    return Figure(f"{name} ({counts[-1]})", samples, aim)


def once(job: Job, way: Way, count: int) -> tuple[float, Count]:
    """Seconds and requests of one way to do a job, on a node of its own."""
    with running() as api:
        job.prepare(api, count)
        api.slow_down(LATENCY)
        return play(way.tasks(api, count)), api.count()


def warm_up() -> None:
    """Do everything once, so that nobody's bytecode is compiled while time is taken. What fails will fail again."""
    for job in JOBS:
        for way in job.ways:
            with suppress(RuntimeError):
                once(job, way, 1)


def measure(runs: int, size: int = VMS) -> list[Figure]:
    """All of it. The time an empty play takes is part of every figure but the floor."""
    idle: list[Task] = [{"ansible.builtin.meta": "noop"}]
    community()
    warm_up()
    with running() as api:
        existing(api, size)
        api.slow_down(LATENCY)
        bare = tuple(floor(api, size) for _ in range(runs))
    return [
        Figure(f"raw HTTP: the configurations of {size} VMs, {WORKERS} at a time", bare),
        Figure("an empty play", tuple(play(idle) for _ in range(runs))),
        *(figure for job in JOBS for figure in compared(job, size, runs)),
    ]
