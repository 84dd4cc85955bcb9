"""What is measured. Each case works on a lab of its own, in a private state folder, and gives one or more figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import control
from tests.benchmark import areas, modules, scale, state
from tests.benchmark.figures import Figure, middle

ROOT = Path(__file__).resolve().parents[2]
RUN = str(ROOT / "run.sh")
HOST = "father"

ROUNDTRIP = "nested-pve-roundtrip"
# A playbook that only reads: its own work is small, so what the driver adds shows.
PHASE, SCENARIO, VERB = "discover", "vm-destructor", "vm-discover"
INPUTS = {"name_pattern": "homelab-vm*", "vmid_range": [99900, 99999]}


@dataclass(frozen=True)
class Case:
    """A name for `--only`, how often it runs, and the function that measures."""

    name: str
    runs: int
    measure: Callable[[int], list[Figure]]


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def command(argv: Sequence[str]) -> str:
    """Run a command and return its stdout. Raises RuntimeError with its last words when it fails."""
    done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")
    return done.stdout


def help_text(runs: int) -> list[Figure]:
    """`./run.sh --help`, the whole command."""
    samples = tuple(seconds(lambda: command([RUN, "--help"])) for _ in range(runs))
    return [Figure("./run.sh --help", samples, aim=0.3)]


def quiet(_: str) -> None:
    """Progress is not what is measured."""


def lab_up(runs: int) -> list[Figure]:
    """From a lab that is down to the first answer of the node's API. The root image is there already."""
    control.ensure_up(quiet)
    samples = []
    for _ in range(runs):
        control.down()
        samples.append(seconds(up_and_answering))
    return [Figure("lab up to first API answer", tuple(samples), aim=1.0)]


def up_and_answering() -> None:
    """Bring the lab up; its API has answered when this returns."""
    control.ensure_up(quiet)
    in_lab([sys.executable, "-m", "tests.benchmark.guest", "answer"])


def in_lab(argv: Sequence[str]) -> str:
    """Run a command in the lab's network."""
    return command(control.inside(argv))


def vm_start(runs: int) -> list[Figure]:
    """From the request to start a virtual machine to its sshd answering, measured inside the lab's network."""
    control.ensure_up(quiet)
    measured = json.loads(in_lab([sys.executable, "-m", "tests.benchmark.guest", "start", str(runs)]))
    return [Figure("VM start to SSH", tuple(measured), aim=1.0)]


def scenario(name: str, *options: str) -> dict[str, Any]:
    """Run a scenario on the lab; its JSON document."""
    document: dict[str, Any] = json.loads(
        command([RUN, "--scenario", name, "--host", HOST, "--yes", "--json-output", *options])
    )
    return document


def phases(document: dict[str, Any]) -> dict[str, float]:
    """Seconds of each phase of a run."""
    return {phase["name"]: float(phase["duration"]) for phase in document["phases"] if phase["status"] != "skipped"}


def roundtrip(runs: int) -> list[Figure]:
    """The main job on a warm lab, as a user starts it."""
    control.ensure_up(quiet)
    measured = []
    for _ in range(runs):
        started = time.perf_counter()
        document = scenario(ROUNDTRIP)
        total = time.perf_counter() - started
        spent = phases(document)
        measured.append((total, {**spent, "driver, outside phases": total - sum(spent.values())}))
    return [Figure(f"{ROUNDTRIP}, warm lab", tuple(total for total, _ in measured), aim=45.0, parts=middle(measured))]


def overhead(runs: int) -> list[Figure]:
    """What the driver adds to a playbook: a phase beside a bare ansible-playbook of the same playbook and inputs."""
    control.ensure_up(quiet)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as inputs:
        json.dump({**INPUTS, "target": HOST}, inputs)
        inputs.flush()
        pairs = [one_pair(inputs.name) for _ in range(runs)]
    return [
        Figure("driver overhead per phase", tuple(driven - bare for driven, bare in pairs), aim=0.3),
        Figure(f"    phase {PHASE} in the driver", tuple(driven for driven, _ in pairs)),
        Figure(f"    ansible-playbook {VERB}.yml", tuple(bare for _, bare in pairs)),
    ]


def one_pair(inputs: str) -> tuple[float, float]:
    """Seconds with and without the driver, one right after the other so that both meet the same machine."""
    return phases(scenario(SCENARIO, "--only", PHASE))[PHASE], seconds(lambda: playbook(inputs))


def playbook(inputs: str) -> None:
    """The phase's playbook without the driver."""
    argv = [str(Path(sys.executable).with_name("ansible-playbook")), f"playbooks/{VERB}.yml", "-e", f"@{inputs}"]
    in_lab(argv)


def crowd(runs: int) -> list[Figure]:
    """A hundred guests at once."""
    from tests.benchmark import crowd as measured_crowd  # noqa: PLC0415 - it needs the functions of this file

    return measured_crowd.measure(runs)


def ssh(runs: int) -> list[Figure]:
    """Commands over SSH."""
    from tests.benchmark import ssh as measured_ssh  # noqa: PLC0415 - it needs the functions of this file

    return measured_ssh.measure(runs)


def pct(runs: int) -> list[Figure]:
    """Ansible in a container."""
    from tests.benchmark import pct as measured_pct  # noqa: PLC0415 - it needs the functions of this file

    return measured_pct.measure(runs)


CASES = (
    Case("help", 10, help_text),
    Case("lab-up", 5, lab_up),
    Case("vm-start", 10, vm_start),
    Case("overhead", 5, overhead),
    Case("roundtrip", 3, roundtrip),
    Case("scale", 5, scale.measure),
    Case("crowd", 3, crowd),
    Case("ssh", 5, ssh),
    Case("pct", 3, pct),
    Case("areas", 3, areas.measure),
    Case("state", 3, state.measure),
    Case("modules", 3, modules.measure),
)


def measured(case: Case, runs: int | None) -> list[Figure]:
    """A case's figures; a case that fails gives a figure that says why, and the others still run."""
    try:
        return case.measure(runs or case.runs)
    except (RuntimeError, OSError, KeyError, ValueError, control.LabError) as error:
        return [Figure(case.name, (), problem=str(error))]


def use_private_state(folder: Path) -> None:
    """Keep the benchmark's lab and reports away from the user's; the lab's root image is shared."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    os.environ.setdefault("HOMELAB_PVE_LAB_IMAGES", str(cache / "homelab-pve" / "lab"))
    os.environ["XDG_STATE_HOME"] = str(folder)
