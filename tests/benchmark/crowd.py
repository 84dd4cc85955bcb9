# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred booted guests at once: as many virtual machines as containers, all of which answer SSH.

Run as a program it is the part inside the lab's network: `python -m tests.benchmark.crowd NUMBER` makes, starts and
removes the guests, and prints what it measured as JSON.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from lab import control
from tests.benchmark import cases
from tests.benchmark.figures import Figure
from tests.benchmark.guest import NODE, TEMPLATE, Api, answers, until

GUESTS = 100
FIRST_VM, FIRST_CONTAINER = 91000, 92000
OSTEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst"
MIB = 1024**2
SECONDS_AIM, MEMORY_AIM = 30.0, 3000.0
# Seconds for one greeting.
PATIENCE = 10.0


def measure(runs: int) -> list[Figure]:
    """Figures of a crowd: how long until all answer, and what it takes of the machine's memory."""
    control.ensure_up(cases.quiet)
    argv = [sys.executable, "-m", "tests.benchmark.crowd", str(GUESTS)]
    found = [json.loads(cases.in_lab(argv)) for _ in range(runs)]
    return [
        Figure(f"{GUESTS} guests started until all answer SSH", tuple(one["answer"] for one in found), SECONDS_AIM),
        Figure(f"{GUESTS} guests made", tuple(one["make"] for one in found)),
        Figure(f"{GUESTS} guests removed", tuple(one["remove"] for one in found)),
        Figure("memory of the whole lab with them", tuple(one["memory"] for one in found), MEMORY_AIM, unit="MiB"),
        Figure("memory of the lab without", tuple(one["before"] for one in found), unit="MiB"),
    ]


def guests(number: int) -> Iterator[tuple[str, int, str]]:
    """Kind, VMID and address of each: half of them containers."""
    for place in range(number // 2):
        yield "qemu", FIRST_VM + place, f"10.99.0.{10 + place}"
        yield "lxc", FIRST_CONTAINER + place, f"10.99.0.{200 + place}"


def make(api: Api, kind: str, vmid: int, address: str) -> list[str]:
    """Make a guest; the tasks that work on it."""
    node = f"/nodes/{NODE}"
    card = f"{address}/24"
    if kind == "lxc":
        given = {"hostname": f"ct{vmid}", "rootfs": "local-lvm:1", "ostemplate": f"local:vztmpl/{OSTEMPLATE}"}
        net0 = f"name=eth0,bridge=vmbr0,ip={card}"
        return [api.call("POST", f"{node}/lxc", vmid=vmid, net0=net0, **given)]
    api.finish(api.call("POST", f"{node}/qemu/{TEMPLATE}/clone", newid=vmid, name=f"vm{vmid}"))
    return [api.call("POST", f"{node}/qemu/{vmid}/config", ipconfig0=f"ip={card}")]


def finish_all(api: Api, tasks: Iterable[str]) -> None:
    """Wait for tasks; every one must be good."""
    for upid in tasks:
        api.finish(upid)


def memory_of(pid: int) -> float:
    """Proportional memory in MiB of a process and everything below it."""
    families: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        fields = _text(entry).rpartition(")")[2].split()
        families.setdefault(int(fields[1]) if fields else 0, []).append(int(entry.parent.name))
    tree = [pid]
    for one in tree:
        tree.extend(families.get(one, []))
    return sum(_proportional(one) for one in tree) / MIB


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _proportional(pid: int) -> int:
    lines = _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def says_ssh(host: str) -> bool:
    """Whether an sshd greets there; many guests at once may take their time."""
    try:
        with socket.create_connection((host, 22), timeout=PATIENCE) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def crowd(api: Api, number: int, lab: int) -> dict[str, float]:
    """Make, start, wait for and remove so many guests; seconds of each and MiB."""
    chosen, node = list(guests(number)), f"/nodes/{NODE}"
    before, moments = memory_of(lab), [time.perf_counter()]
    finish_all(api, [upid for guest in chosen for upid in make(api, *guest)])
    moments.append(time.perf_counter())
    finish_all(api, [api.call("POST", f"{node}/{kind}/{vmid}/status/start") for kind, vmid, _ in chosen])
    for _, _, address in chosen:
        until(lambda host=address: says_ssh(host))
    moments.append(time.perf_counter())
    memory = memory_of(lab)
    moments.append(time.perf_counter())
    finish_all(api, [api.call("POST", f"{node}/{kind}/{vmid}/status/stop") for kind, vmid, _ in chosen])
    finish_all(api, [api.call("DELETE", f"{node}/{kind}/{vmid}") for kind, vmid, _ in chosen])
    moments.append(time.perf_counter())
    make_time, answer, _, remove = (later - earlier for earlier, later in pairwise(moments))
    return {"make": make_time, "answer": answer, "remove": remove, "before": before, "memory": memory}


def main(number: int) -> None:
    """Print what was measured."""
    lab = Path(os.environ["XDG_STATE_HOME"]) / "homelab-pve" / "lab"
    api = Api(lab)
    until(lambda: answers(api))
    listed: list[Any] = api.call("GET", f"/nodes/{NODE}/storage/local/content")
    if not any(OSTEMPLATE in str(item["volid"]) for item in listed):
        api.finish(api.call("POST", f"/nodes/{NODE}/aplinfo", storage="local", template=OSTEMPLATE))
    pid = int(json.loads((lab / "lab.json").read_text())["pid"])
    print(json.dumps(crowd(api, number, pid)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else GUESTS)
