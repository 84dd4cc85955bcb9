# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands over SSH: many on one host, and one on many hosts at once, by our executor and as others do it.

Run as a program it is the part inside the lab's network: `python -m tests.benchmark.ssh one|many RUNS` prints what it
measured as JSON.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

import paramiko
from ansible_collections.homelab.pve.plugins.module_utils.executor import SSHExecutor
from ansible_collections.homelab.pve.plugins.module_utils.ssh_connection import open_socket

from lab import control
from tests.benchmark import cases, crowd
from tests.benchmark.figures import Figure
from tests.benchmark.guest import NODE, TEMPLATE, Api, answers, until

FATHER = "10.99.0.2"
COMMANDS, GUESTS = 200, 50
FIRST_VMID, FIRST_ADDRESS = 91000, 10
MILLISECONDS_AIM, SECONDS_AIM = 5.0, 2.0
COMMAND = ["true"]
PATIENCE = 10.0

Work = Callable[[], object]
Samples = dict[str, list[float]]

ONE = {
    "our executor, one connection": MILLISECONDS_AIM,
    "ssh with ControlMaster": None,
    "paramiko without pooling": None,
    "paramiko, one connection": None,
    "floor: paramiko's channel that sends at once": None,
}
"""Ways to run many commands on one host -> the milliseconds one may take."""
MANY = {
    "our executors, not connected yet": SECONDS_AIM,
    "paramiko": None,
    "ssh, each a ControlMaster": None,
    "our executors, connected": None,
    "ssh through the ControlMasters": None,
}
"""Ways to run one command on many hosts -> the seconds that may take."""


def measure(runs: int) -> list[Figure]:
    """The figures of both."""
    control.ensure_up(cases.quiet)
    one, many = (asked(what, runs) for what in ("one", "many"))
    host, hosts = f"a command of {COMMANDS} on one host", f"1 command on {GUESTS} guests at once"
    return [
        *(Figure(f"{host}: {way}", tuple(one[way]), aim, unit="ms") for way, aim in ONE.items()),
        *(Figure(f"{hosts}: {way}", tuple(many[way]), aim) for way, aim in MANY.items()),
    ]


def asked(what: str, runs: int) -> Samples:
    """What this program prints inside the lab's network."""
    samples: Samples = json.loads(cases.in_lab([sys.executable, "-m", "tests.benchmark.ssh", what, str(runs)]))
    return samples


# --------------------------------------------------------------------------------------------------- ways to run it


def lab_folder() -> Path:
    """Where the lab keeps its keys."""
    return Path(os.environ["XDG_STATE_HOME"]) / "homelab-pve" / "lab"


def key() -> Path:
    """The private key the node and the guests know."""
    return lab_folder() / "ssh" / "id_ed25519"


def executor(host: str, folder: Path) -> SSHExecutor:
    """Ours. A host that is not known yet is pinned in the folder."""
    return SSHExecutor(host, key_path=key(), identities_only=True, known_hosts=folder / "known_hosts", strict=False)


@contextmanager
def connected(host: str, opened: socket.socket | None = None) -> Iterator[paramiko.SSHClient]:
    """A connection of paramiko's that asks for nothing, as most programs have it."""
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(
            host, username="root", key_filename=str(key()), sock=opened, allow_agent=False, look_for_keys=False
        )
        yield client


def on_channel(client: paramiko.SSHClient) -> None:
    """The least there is to do for one command."""
    _, stdout, _ = client.exec_command(COMMAND[0])
    stdout.read()
    if stdout.channel.recv_exit_status():
        raise RuntimeError(f"{COMMAND[0]} failed")


def on_new_connection(host: str) -> None:
    """A connection for one command."""
    with connected(host) as client:
        on_channel(client)


def ssh(host: str, folder: Path, *options: str) -> list[str]:
    """OpenSSH's client with a connection that is kept by the first, as Ansible has it."""
    known = ["UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "LogLevel=ERROR", "IdentitiesOnly=yes"]
    master = [f"ControlPath={folder}/%C", "ControlMaster=auto", "ControlPersist=60"]
    settings = [word for option in (*known, *master) for word in ("-o", option)]
    return ["ssh", "-F", "none", "-i", str(key()), *settings, *options, f"root@{host}"]


def by_ssh(host: str, folder: Path) -> None:
    """A command through the kept connection."""
    # The kept connection goes on living: it may not hold our pipes.
    subprocess.run([*ssh(host, folder), *COMMAND], check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def masters_ended(hosts: Sequence[str], folder: Path) -> Iterator[None]:
    """End the kept connections in the end."""
    try:
        yield
    finally:
        for host in hosts:
            subprocess.run(ssh(host, folder, "-O", "exit"), check=False, capture_output=True)


# ------------------------------------------------------------------------------------------------------- measuring


def each(work: Work) -> float:
    """Milliseconds of one of many commands, one after another: the median, which a busy moment does not move."""
    return statistics.median(cases.seconds(work) for _ in range(COMMANDS)) * 1000


def one_host(runs: int) -> Samples:
    """Milliseconds of a command each way, the ways in turn, so that all meet the same machine."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pve-")))
        ours = executor(FATHER, folder)
        stack.callback(ours.close)
        client = stack.enter_context(connected(FATHER))
        floor = stack.enter_context(connected(FATHER, open_socket(FATHER, 22, PATIENCE)))
        stack.enter_context(masters_ended([FATHER], folder))
        works: tuple[Work, ...] = (
            lambda: ours.run(COMMAND),
            partial(by_ssh, FATHER, folder),
            partial(on_new_connection, FATHER),
            partial(on_channel, client),
            partial(on_channel, floor),
        )
        for work in works:
            work()
        return in_turn(dict(zip(ONE, works, strict=True)), each, runs)


def in_turn(ways: Mapping[str, Work], timed: Callable[[Work], float], runs: int) -> Samples:
    """Each way as often as wanted."""
    samples: Samples = {way: [] for way in ways}
    for _ in range(runs):
        for way, work in ways.items():
            samples[way].append(timed(work))
    return samples


def many_hosts(hosts: Sequence[str], runs: int) -> Samples:
    """Seconds for a command on all hosts at once, each way."""
    samples: Samples = {way: [] for way in MANY}
    with ThreadPoolExecutor(len(hosts)) as pool:
        for _ in range(runs):
            with tempfile.TemporaryDirectory(prefix="pve-") as name, masters_ended(hosts, Path(name)):
                for way, taken in zip(MANY, one_round(pool, hosts, Path(name)), strict=True):
                    samples[way].append(taken)
    return samples


def one_round(pool: ThreadPoolExecutor, hosts: Sequence[str], folder: Path) -> tuple[float, ...]:
    """Seconds of each way, in the order of MANY."""

    def everywhere(work: Callable[[str], object]) -> float:
        return cases.seconds(lambda: list(pool.map(work, hosts)))

    executors = {host: executor(host, folder) for host in hosts}
    run = partial(_run, executors)
    cold, warm = everywhere(run), everywhere(run)
    for each_one in executors.values():
        each_one.close()
    theirs = everywhere(on_new_connection)
    kept = partial(by_ssh, folder=folder)
    return cold, theirs, everywhere(kept), warm, everywhere(kept)


def _run(executors: dict[str, SSHExecutor], host: str) -> None:
    executors[host].run(COMMAND)


# ---------------------------------------------------------------------------------------------------------- guests


@contextmanager
def guests(api: Api, number: int) -> Iterator[list[str]]:
    """The addresses of so many virtual machines that answer; they are removed in the end."""
    node, vmids = f"/nodes/{NODE}/qemu", range(FIRST_VMID, FIRST_VMID + number)
    hosts = [f"10.99.0.{FIRST_ADDRESS + place}" for place in range(number)]
    public = quote(key().with_suffix(".pub").read_text().strip(), safe="")
    for vmid, host in zip(vmids, hosts, strict=True):
        api.finish(api.call("POST", f"{node}/{TEMPLATE}/clone", newid=vmid, name=f"vm{vmid}"))
        login = {"ciuser": "root", "sshkeys": public, "ipconfig0": f"ip={host}/24"}
        api.finish(api.call("POST", f"{node}/{vmid}/config", **login))
    crowd.finish_all(api, [api.call("POST", f"{node}/{vmid}/status/start") for vmid in vmids])
    for host in hosts:
        until(lambda host=host: crowd.says_ssh(host))
    try:
        yield hosts
    finally:
        crowd.finish_all(api, [api.call("POST", f"{node}/{vmid}/status/stop") for vmid in vmids])
        crowd.finish_all(api, [api.call("DELETE", f"{node}/{vmid}") for vmid in vmids])


def many_guests(runs: int) -> Samples:
    """Make the guests and measure."""
    api = Api(lab_folder())
    until(lambda: answers(api))
    with guests(api, GUESTS) as hosts:
        for host in hosts:
            until(lambda host=host: accepts(host))
        return many_hosts(hosts, runs)


def accepts(host: str) -> bool:
    """Whether the login works there; cloud-init may still be at it."""
    try:
        on_new_connection(host)
    except (paramiko.SSHException, OSError):
        return False
    return True


if __name__ == "__main__":
    wanted = {"one": one_host, "many": many_guests}[sys.argv[1]]
    print(json.dumps(wanted(int(sys.argv[2]))))
