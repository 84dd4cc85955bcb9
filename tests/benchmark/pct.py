# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible in a container without SSH inside of it: our connection beside community.proxmox's, the same play by the same
Ansible through the same node.

Run as a program it is the part inside the lab's network: `python -m tests.benchmark.pct PROGRAM PARAMIKO RUNS` makes a
container, plays, removes it, and prints what it measured as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import control
from tests.benchmark import cases, modules
from tests.benchmark.crowd import OSTEMPLATE
from tests.benchmark.figures import Figure
from tests.benchmark.guest import NODE, Api, answers, until
from tests.benchmark.ssh import FATHER, key, lab_folder, masters_ended, ssh
from tests.integration.tcp_tap import tapped

VMID, TASKS = 92999, 10
SHARE = 0.5
"""Of their time, which we aim at."""
PARAMIKO = "paramiko==5.1.0"
"""Their connection needs it. Ansible itself imports it where it is, so ours is played with it as well."""
FLOOR = "floor: as many commands by ssh and pct exec"
PCT, COUNTED = "/usr/sbin/pct", "/run/pct-calls"
PLAY: list[dict[str, Any]] = [
    {"ansible.builtin.command": "hostname", "changed_when": False},
    {"ansible.builtin.file": {"path": "/srv/bench", "state": "directory", "mode": "0755"}},
    {"ansible.builtin.copy": {"dest": "/srv/bench/data", "content": "0123456789\n" * 1000, "mode": "0644"}},
    {"ansible.builtin.copy": {"dest": "/srv/bench/facts", "content": "{{ ansible_facts.hostname }}\n", "mode": "0644"}},
    {"ansible.builtin.lineinfile": {"path": "/srv/bench/facts", "line": "another"}},
    {"ansible.builtin.replace": {"path": "/srv/bench/data", "regexp": "9$", "replace": "x"}},
    {"ansible.builtin.stat": {"path": "/srv/bench/data"}},
    {"ansible.builtin.slurp": {"src": "/srv/bench/facts"}},
    {"ansible.builtin.getent": {"database": "passwd", "key": "root"}},
    {"ansible.builtin.file": {"path": "/srv/bench", "state": "absent"}},
]
"""What is done after the facts were gathered; it leaves nothing behind, so that each run does the same."""


@dataclass(frozen=True)
class Way:
    """A connection: what its users set."""

    name: str
    connection: str
    variables: dict[str, Any]


WAYS = (
    Way("community.proxmox.proxmox_pct_remote", "community.proxmox.proxmox_pct_remote", {"proxmox_vmid": VMID}),
    Way("homelab.pve.pct", "homelab.pve.pct", {"pve_vmid": VMID}),
    Way("homelab.pve.pct without pipelining", "homelab.pve.pct", {"pve_vmid": VMID, "ansible_pipelining": False}),
)
"""What is compared; the first one is to be beaten."""


def measure(runs: int) -> list[Figure]:
    """The figures of each connection."""
    program = modules.community()
    folder = modules.beside(PARAMIKO)
    control.ensure_up(cases.quiet)
    argv = [sys.executable, "-m", "tests.benchmark.pct", str(program), str(folder), str(runs)]
    found: dict[str, Any] = json.loads(cases.in_lab(argv))
    return figures(found["samples"], found["counts"])


def figures(samples: dict[str, list[float]], counts: dict[str, str]) -> list[Figure]:
    """A figure each; ours has a share of theirs as its aim."""
    job = f"facts and {TASKS} tasks in a container"
    made = {name: Figure(f"{job}: {name}{counts.get(name, '')}", tuple(taken)) for name, taken in samples.items()}
    theirs, ours = (made[way.name] for way in WAYS[:2])
    made[WAYS[1].name] = Figure(ours.name, ours.samples, aim=(theirs.median or 0.0) * SHARE)
    return list(made.values())


# ---------------------------------------------------------------------------------------------------------- playing


def inventory(way: Way, folder: Path, port: int, host: str) -> dict[str, Any]:
    """The container by that connection. The node's key is not checked, by either."""
    known = {
        "ansible_connection": way.connection,
        "ansible_host": host,
        "ansible_port": port,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(key()),
        "ansible_host_key_checking": False,
        "ansible_ssh_common_args": "-F none -o UserKnownHostsFile=/dev/null",
        "ansible_control_path_dir": str(folder),
    }
    return {"all": {"hosts": {"container": {**known, **way.variables}}}}


class Stage:
    """Plays the tasks."""

    def __init__(self, program: Path, paramiko: Path) -> None:
        self.program, self.variables = program, modules.environment({"PYTHONPATH": str(paramiko)})

    def play(self, way: Way, port: int = 22, host: str = FATHER) -> float:
        """Seconds of one ansible-playbook, which makes a connection of its own. RuntimeError when it fails."""
        with tempfile.TemporaryDirectory(prefix="pve-") as name:
            folder = Path(name)
            Path(folder, "hosts.json").write_text(json.dumps(inventory(way, folder, port, host)))
            Path(folder, "play.yml").write_text(json.dumps([{"hosts": "all", "tasks": PLAY}]))
            argv = [str(self.program), "-i", "hosts.json", "play.yml"]
            try:
                return cases.seconds(lambda: self._run(argv, folder))
            finally:
                end_masters(folder)

    def _run(self, argv: Sequence[str], folder: Path) -> None:
        done = subprocess.run(
            argv,
            cwd=folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")

    def count(self, way: Way) -> str:
        """Connections to the node and calls of pct of one play, which is not timed."""
        on_node(f"mv {PCT} {PCT}.counted; printf '{COUNTING}' > {PCT}; chmod 755 {PCT}; : > {COUNTED}")
        try:
            with tapped(FATHER) as tap:
                self.play(way, tap.port, "127.0.0.1")
                return f" ({tap.connections} connections, {on_node(f'wc -l < {COUNTED}').strip()} pct)"
        finally:
            on_node(f"mv {PCT}.counted {PCT}")


COUNTING = f'#!/bin/sh\\necho >> {COUNTED}\\nexec {PCT}.counted "$@"\\n'
"""What stands in for pct while its calls are counted."""


def end_masters(folder: Path) -> None:
    """End what ``ssh`` keeps for the next play, which shall not have it."""
    for socket in folder.iterdir():
        if socket.is_socket():
            words = ["ssh", "-F", "none", "-o", f"ControlPath={socket}", "-O", "exit", FATHER]
            subprocess.run(words, check=False, capture_output=True)


def on_node(command: str, *words: str) -> str:
    """A command's output on the node."""
    with tempfile.TemporaryDirectory(prefix="pve-") as folder, masters_ended([FATHER], Path(folder)):
        done = subprocess.run([*ssh(FATHER, Path(folder)), command, *words], check=True, capture_output=True, text=True)
    return done.stdout


def floor() -> float:
    """Seconds of a Python in the container for the facts and each task, through one connection and without Ansible."""
    with tempfile.TemporaryDirectory(prefix="pve-") as name, masters_ended([FATHER], Path(name)):
        argv = [*ssh(FATHER, Path(name)), f"pct exec {VMID} -- python3 -c pass"]

        def run_all() -> None:
            for _ in range(TASKS + 1):
                subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        return cases.seconds(run_all)


@contextmanager
def container() -> Iterator[None]:
    """A container that runs until the block ends."""
    api, node = Api(lab_folder()), f"/nodes/{NODE}"
    until(lambda: answers(api))
    listed: list[Any] = api.call("GET", f"{node}/storage/local/content")
    if not any(OSTEMPLATE in str(item["volid"]) for item in listed):
        api.finish(api.call("POST", f"{node}/aplinfo", storage="local", template=OSTEMPLATE))
    given = {"hostname": "bench", "rootfs": "local-lvm:1", "ostemplate": f"local:vztmpl/{OSTEMPLATE}"}
    api.finish(api.call("POST", f"{node}/lxc", vmid=VMID, start=1, **given))
    try:
        yield
    finally:
        api.finish(api.call("POST", f"{node}/lxc/{VMID}/status/stop"))
        api.finish(api.call("DELETE", f"{node}/lxc/{VMID}"))


def main(program: Path, paramiko: Path, runs: int) -> None:
    """Print what was measured. The first play of each, which is counted, is not timed."""
    stage = Stage(program, paramiko)
    samples: dict[str, list[float]] = {**{way.name: [] for way in WAYS}, FLOOR: []}
    with container():
        counts = {way.name: stage.count(way) for way in WAYS}
        for _ in range(runs):
            for way in WAYS:
                samples[way.name].append(stage.play(way))
            samples[FLOOR].append(floor())
    print(json.dumps({"samples": samples, "counts": counts}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
