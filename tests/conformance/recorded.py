# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorded nodes as the transcripts found them, and playing a transcript against such a node.

What a transcript needs beyond a fresh node stands in ``start/<transcript>.json``:

``nodes``     the other nodes of the cluster
``storages``  name -> definition, beside ``local``
``vms``       vmid, node, config, and name, status, template where it matters
``cts``       vmid, node, config, and status, template where it matters
``volumes``   storage -> name -> size in bytes, format, vmid and more, as the API's own record has them
``files``     name on ``local`` -> its size in bytes; null for one that was not there yet
``pools``     name -> VMIDs; ``comments``: name -> what was said of it
``unreachable``  servers, volume groups, pools and mount points of storages that are not there
``tasks``     finished tasks, oldest first: type, id, and user, node, status where they are others than usual;
              ``times`` for one that ended so several times
``resolver``  the text of resolv.conf, where it was another one
``boots``     false: nothing answers in a guest, because nothing was on the disks
``events``    number of a request -> what happened to nodes right before it: ``[node, state]``,
              ``["expected", votes]`` (`pvecm expected`), ``["later", seconds]``, ``["rate", lab seconds]``,
              ``["lost", seconds]`` (so long after a node was lost), ``["vms", VMs that were made]``,
              ``["turn", 0]`` (the HA manager looks), ``["rush", lab seconds]`` (and does all it has to)
``alone``     true: the nodes are in no cluster yet (joined.py)
``ha``        the nodes that the HA manager knows, as it has been used before
``at_once``   numbers of the requests that were sent before the HA manager had looked
``rate``      lab seconds per real second, where the answers come late
``access``    roles, groups, users, ACL: requests to play first, as [method, path, parameters]
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from fakepve import FakeCt  # type: ignore[import-untyped]

from lab.api import interfaces, seed
from lab.api.certificates import Pair
from lab.api.ha_manager import ROUND
from lab.api.images import header
from lab.api.server import LabApi, storage_entry
from lab.api.serving import ServedLab, serve

from . import golden

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "golden"
STARTS = Path(__file__).parent / "start"
NODE = "father"
CLUSTER = "lab"
# The recorded node had one storage for everything.
LOCAL: Mapping[str, Any] = {
    "type": "dir",
    "path": "/var/lib/vz",
    "content": "snippets,iso,images,rootdir,import,vztmpl,backup",
    "prune-backups": "keep-all=1",
}
# An image of 200 MiB; what qemu-img wrote for it has 196616 bytes.
IMAGE_SIZE = 196616
FILES = {
    "iso/test.iso": bytes(2 * 1024**2),
    "import/cloud.qcow2": header(200 * 1024**2).ljust(IMAGE_SIZE, b"\0"),
    "snippets/user.yaml": b"#cloud-config\npackages: [curl]\n".ljust(28, b"\n")[:28],
    "vztmpl/debian-13-mini_13.1-1_amd64.tar.zst": b"",
}
# The text files of the recorded nodes; their names and the last part of their addresses.
NETWORK = """\
auto lo
iface lo inet loopback

iface eno1 inet manual

iface eno2 inet manual

auto vmbr0
iface vmbr0 inet static
\taddress 10.77.0.{number}/24
\tgateway 10.77.0.1
\tbridge-ports eno1
\tbridge-stp off
\tbridge-fd 0

source /etc/network/interfaces.d/*
"""
RESOLVER = "search lab.test\nnameserver 10.77.0.1\n"
HOSTS = "127.0.0.1 localhost.localdomain localhost\n10.77.0.{number} {name}.lab.test {name}\n"


@dataclass(frozen=True)
class Start:
    """What a node had when its transcript began, beyond what every recorded node had."""

    nodes: tuple[str, ...] = ()
    storages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    vms: tuple[Mapping[str, Any], ...] = ()
    cts: tuple[Mapping[str, Any], ...] = ()
    volumes: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    files: Mapping[str, int | None] = field(default_factory=dict)
    pools: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: {"dev": ()})
    tasks: tuple[Mapping[str, Any], ...] = ()
    unreachable: tuple[str, ...] = ()
    comments: Mapping[str, str] = field(default_factory=dict)
    resolver: str = RESOLVER
    boots: bool = True
    access: tuple[tuple[str, str, Mapping[str, Any]], ...] = ()
    events: Mapping[str, tuple[tuple[str, Any], ...]] = field(default_factory=dict)
    rate: float = 1.0
    at_once: tuple[int, ...] = ()
    ha: tuple[str, ...] = ()
    alone: bool = False


def start_of(transcript: str) -> Start:
    """The starting state of a transcript, by its name; that of a fresh node where it needs no other."""
    path = STARTS / f"{transcript}.json"
    given = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    unknown = set(given) - {item.name for item in fields(Start)}
    if unknown:
        raise ValueError(f"{path}: no such parts of a starting state: {', '.join(sorted(unknown))}")
    return Start(**given)


def node_texts(name: str, number: int, resolver: str) -> dict[str, str]:
    """The text files of one recorded node."""
    return {
        "etc/network/interfaces": interfaces.HEADER + NETWORK.format(number=number),
        "etc/resolv.conf": resolver,
        "etc/hosts": HOSTS.format(name=name, number=number),
    }


def write_files(api: LabApi, start: Start) -> None:
    """Put the recorded node's files where the asked node has them."""
    given = {name: bytes(size or 0) for name, size in start.files.items()}
    for name, content in {**FILES, **given}.items():
        if start.files.get(name, 0) is None:
            continue
        path = api.file_path("local", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def add_guests(api: LabApi, start: Start) -> None:
    """Make the guests that were there."""
    for item in start.vms:
        named = {"name": item["name"]} if "name" in item else {}
        guest = api.add_vm(item["vmid"], item.get("name", ""), node=item.get("node", NODE), config=dict(item["config"]))
        guest.config.update(named)
        if not named:
            guest.config.pop("name", None)
        set_state(guest, item)
    for item in start.cts:
        container = FakeCt(item["vmid"], node=item.get("node", NODE), config=dict(item["config"]), defaults=False)
        set_state(container, item)
        api.cts.append(container)


def set_state(guest: Any, item: Mapping[str, Any]) -> None:
    """Whether a guest ran, and was a template (of a container its configuration tells)."""
    guest.status = item.get("status", guest.status)
    if item.get("template"):
        guest.template = True


def tasks_of(start: Start) -> list[Mapping[str, Any]]:
    """The tasks that had ended, each as often as it says."""
    return [item for item in start.tasks for _ in range(item.get("times", 1))]


def finished(number: int, item: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a task that had ended before the transcript began."""
    node, kind, user = item.get("node", NODE), item["type"], item.get("user", golden.TOKEN_ID)
    started = 0x60000000 + number
    pid = 1000 + number
    return {
        "upid": f"UPID:{node}:{pid:08X}:{pid * 7:08X}:{started:08X}:{kind}:{item.get('id', '')}:{user}:",
        "node": node,
        "pid": pid,
        "pstart": pid * 7,
        "starttime": started,
        "endtime": started,
        "type": kind,
        "id": str(item.get("id", "")),
        "user": user,
        "status": "stopped",
        "exitstatus": item.get("status", "OK"),
        "log": [],
    }


def prepare(api: LabApi, start: Start) -> None:
    """Give a node the state that a transcript began with."""
    api.cluster_name = CLUSTER
    api.node_texts = {node: node_texts(node, number, start.resolver) for number, node in enumerate(api.nodes, 2)}
    for node in api.nodes:
        with api.on_node(node):
            write_files(api, start)
    api.storages |= {name: storage_entry(definition) for name, definition in start.storages.items()}
    for storage, volumes in start.volumes.items():
        api.storages[storage]["volumes"] |= {name: {"ctime": 0, **record} for name, record in volumes.items()}
    add_guests(api, start)
    for record in (finished(number, item) for number, item in enumerate(tasks_of(start))):
        api.tasklog.append(record)
        api.tasks[record["upid"]] = record
    api.boots_empty_disks = start.boots
    api.ha_memory_of_manager().nodes = dict.fromkeys(start.ha, "online")
    api.unreachable |= set(start.unreachable)
    api.pools.update({name: set(members) for name, members in start.pools.items()})
    api._sync_pools()
    for pool, comment in start.comments.items():
        api.pool_info[pool] = {"comment": comment, "storage": set()}


async def lapse(api: LabApi, seconds: float) -> None:
    """Let lab time go by, in the rhythm of the HA manager."""
    while seconds > 0:
        api.clock.set(shift=api.clock.shift + min(seconds, ROUND))
        await api.manager_now()
        seconds -= ROUND


async def happen(api: LabApi, events: Iterable[tuple[str, Any]]) -> None:
    """What happened to nodes before a request."""
    for what, value in events:
        if what == "expected":
            api.expect_votes(value)
        elif what == "later":
            await lapse(api, float(value))
        elif what == "lost":
            ages = [api.clock.now() - api.node_state_since(name) for name in api.nodes if not api.is_powered(name)]
            await lapse(api, value - max(ages))
        elif what == "vms":
            add_guests(api, Start(vms=tuple(value)))
        elif what == "turn":
            api.manager_turn()
        elif what == "rush":
            api.clock.set(rate=value)
            await api.manager_now()
            api.clock.set(rate=1)
        elif what == "rate":
            api.clock.set(rate=value)
        else:
            api.set_node_state(what, value)
            await api.node_states_settled()


@contextmanager
def recorded_lab(start: Start, authority: Pair, certificate: Pair) -> Iterator[ServedLab]:
    """A served node, or cluster, with the recorded ones' token, password, files and starting state."""
    tokens = {golden.TOKEN_ID: golden.TOKEN_SECRET}
    planted = seed.Seed({"local": LOCAL}, (), tokens, golden.ROOT_PASSWORD)
    api = LabApi(seed=planted, others=start.nodes, host="127.0.0.1", port=0)
    # It acts when the player says so.
    api.manager_pause = 3600.0
    prepare(api, start)
    with serve(api, certificate) as served:
        lab = ServedLab(served, authority.certificate, golden.TOKEN_ID, golden.TOKEN_SECRET, golden.ROOT_PASSWORD)
        first = golden.Player(lab)
        for method, path, values in start.access:
            first.ask(method, path, values)
        yield lab


@dataclass(frozen=True)
class Played:
    """How many requests of a transcript were played, and which answers differed, with their values."""

    asked: int
    differences: tuple[tuple[golden.Step, str], ...]

    def line(self, name: str) -> str:
        """The verdict in one line."""
        return f"{name}: agree {self.asked - len(self.differences)} of {self.asked}"

    def details(self) -> str:
        """Every difference, a line each."""
        return "".join(f"  {step.seq} {step.name}: {what}\n" for step, what in self.differences)


def play(transcript: Path, authority: Pair, certificate: Pair) -> Played:
    """Play a transcript against a fresh node with the transcript's starting state."""
    asked, found = 0, []
    start = start_of(transcript.stem)
    with recorded_lab(start, authority, certificate) as lab:
        player = golden.Player(lab)
        lab.api.clock.set(rate=start.rate)
        for step in golden.winners_first(golden.steps(transcript)):
            lab.call(happen(lab.api, start.events.get(str(step.seq), ())))
            if step.method == golden.COMMAND:
                player.command(step)
            elif step.is_playable:
                asked += 1
                if difference := golden.difference(step, player.play(step, at_once=step.seq in start.at_once)):
                    found.append((step, difference))
    return Played(asked, tuple(found))
