# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is asked of a cluster in whatever order, what it tells afterwards fits together.

Hypothesis makes up sequences of requests, valid ones for the most part. Some are refused and some tasks fail, as on a
real cluster; after each the lists, the guests, the volumes, the pools and the tasks must agree with each other.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from aiohttp import web
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from lab.api import seed
from lab.api.server import LabApi, storage_entry
from lab.api.serving import Served
from lab.api.volumes import guest_volumes

NODES = ("father", "mother", "son")
STORAGES = ("local", "local-lvm", "shared")
CONTENT = "images,rootdir,iso,vztmpl,backup,import,snippets"
POOLS = ("dev", "ops")
SNAPSHOTS = ("before", "after")
NEW_DISK = {"qemu": "scsi1", "lxc": "mp0"}
TEMPLATE = "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst"
# Left to themselves: the templates that the lab begins with.
SEEDED = (9000, 9001)
EXAMPLES, STEPS = 9, 20

vmids = st.integers(100, 106)
nodes = st.sampled_from(NODES)
storages = st.sampled_from(STORAGES)
kinds = st.sampled_from(["qemu", "lxc"])
flags = st.sampled_from([0, 1])
picks = st.integers(0, 99)


class Answer(NamedTuple):
    """What a request was answered with."""

    status: int
    data: Any
    text: str


class Guest(NamedTuple):
    """A guest of the list of everything."""

    kind: str
    vmid: int
    node: str

    @property
    def path(self) -> str:
        """Where it is."""
        return f"/nodes/{self.node}/{self.kind}/{self.vmid}"


class Local:
    """The API of a cluster in a thread, asked by way of a Unix socket as a node's commands do: as root, without TLS."""

    def __init__(self) -> None:
        """Begin to serve a cluster of three nodes."""
        self.folder = tempfile.TemporaryDirectory(prefix="pve-")
        self.api = LabApi(seed=seed.outer({}), others=NODES[1:])
        self.api.storages["shared"] = storage_entry(seed.SHARED)
        self.api.storages["local"]["content"] = CONTENT
        self.served = Served(self.api, asyncio.new_event_loop())
        self.thread = threading.Thread(target=self.served.loop.run_forever, daemon=True)
        self.thread.start()
        self.socket = str(Path(self.folder.name, "api"))
        self.runner = self.served.call(self._listen())
        self.connection = http.client.HTTPConnection("localhost", timeout=30)
        self.connection.sock = socket.socket(socket.AF_UNIX)
        self.connection.sock.connect(self.socket)

    async def _listen(self) -> web.AppRunner:
        runner = web.AppRunner(self.api.application(), access_log=None, keepalive_timeout=3600)
        await runner.setup()
        await web.UnixSite(runner, self.socket).start()
        return runner

    def end(self) -> None:
        """Stop serving."""
        self.connection.close()
        self.served.call(self.runner.cleanup())
        self.served.call(self.api.stop())
        self.served.loop.call_soon_threadsafe(self.served.loop.stop)
        self.thread.join()
        self.served.loop.close()
        self.folder.cleanup()

    def ask(self, method: str, path: str, /, **values: Any) -> Answer:
        """Send a request."""
        words = urlencode(values)
        if method in ("GET", "DELETE") and words:
            path = f"{path}?{words}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = words if method in ("POST", "PUT") else None
        self.connection.request(method, f"/api2/json{path}", body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        return Answer(answer.status, json.loads(text)["data"] if text else None, f"{answer.reason} {text}")

    def get(self, path: str, /, **values: Any) -> Any:
        """The data of a GET that must succeed."""
        answer = self.ask("GET", path, **values)
        assert answer.status == 200, f"GET {path}: {answer}"
        return answer.data


class Cluster(RuleBasedStateMachine):
    """Requests to a cluster, and what must be true after each."""

    def __init__(self) -> None:
        """Begin with a fresh cluster."""
        super().__init__()
        self.lab = Local()
        # Volumes that were allocated by themselves, and so belong to no guest's configuration.
        self.loose: set[str] = set()
        self.digests: dict[int, tuple[str, str]] = {}

    def teardown(self) -> None:
        """Stop serving it."""
        self.lab.end()

    # -------------------------------------------------------------- asking

    def send(self, method: str, path: str, /, **values: Any) -> str | None:
        """Send a request and wait for its task; returns the task's exit status, None where the request was refused."""
        answer = self.lab.ask(method, path, **values)
        assert answer.status in (200, 400, 403, 500, 501), f"{method} {path} {values}: {answer}"
        assert "internal error" not in answer.text, f"{method} {path} {values}: {answer}"
        if answer.status != 200:
            return None
        if not str(answer.data).startswith("UPID:"):
            return "OK"
        return self.ended(answer.data)

    def ended(self, upid: str) -> str:
        """The exit status of a task, which must come to its end."""
        node = upid.split(":")[1]
        self.lab.served.call(self.until_stopped(upid))
        status = self.lab.get(f"/nodes/{node}/tasks/{upid}/status")
        assert "internal error" not in status["exitstatus"], self.lab.get(f"/nodes/{node}/tasks/{upid}/log")
        return str(status["exitstatus"])

    async def until_stopped(self, upid: str) -> None:
        """Wait for the worker of a task."""
        worker = self.lab.api._workers.get(upid)
        if worker is not None:
            await asyncio.wait({worker}, timeout=20)

    @property
    def guests(self) -> list[Guest]:
        """The guests that were made here."""
        listed = self.lab.get("/cluster/resources", type="vm")
        return [Guest(item["type"], item["vmid"], item["node"]) for item in listed if item["vmid"] not in SEEDED]

    def guest(self, pick: int) -> Guest:
        """One of them."""
        return self.guests[pick % len(self.guests)]

    def has_guests(self) -> bool:
        """Whether there is any."""
        return len(self.lab.api.vms) + len(self.lab.api.cts) > len(SEEDED)

    # --------------------------------------------------------------- rules

    @initialize(places=st.tuples(nodes, nodes, nodes, nodes), disks=st.tuples(storages, storages, storages, storages))
    def begin(self, places: tuple[str, ...], disks: tuple[str, ...]) -> None:
        """There are some guests, and a pool."""
        self.send("POST", "/pools", poolid="dev")
        for number, (node, storage) in enumerate(zip(places, disks, strict=True)):
            self.create(100 + number, node, ("qemu", "lxc")[number % 2], storage, ("", "dev")[number // 2])

    @rule(vmid=vmids, node=nodes, kind=kinds, storage=storages, pool=st.sampled_from(["", "dev"]))
    def create(self, vmid: int, node: str, kind: str, storage: str, pool: str) -> None:
        """Make a guest with a disk."""
        disk = {"scsi0": f"{storage}:1"} if kind == "qemu" else {"rootfs": f"{storage}:1", "ostemplate": TEMPLATE}
        self.send("POST", f"/nodes/{node}/{kind}", vmid=vmid, **disk, **({"pool": pool} if pool else {}))

    @rule(vmid=vmids, to=st.sampled_from(["father", "father", "son"]), full=flags)
    def clone_template(self, vmid: int, to: str, full: int) -> None:
        """Clone the template that the lab begins with."""
        self.send("POST", f"/nodes/father/qemu/{SEEDED[1]}/clone", newid=vmid, target=to, full=full)

    @precondition(has_guests)
    @rule(pick=picks, newid=vmids, full=flags)
    def clone(self, pick: int, newid: int, full: int) -> None:
        """Clone a guest."""
        self.send("POST", f"{self.guest(pick).path}/clone", newid=newid, full=full)

    @precondition(has_guests)
    @rule(pick=picks, action=st.sampled_from(["start", "start", "stop", "shutdown", "reboot", "suspend", "resume"]))
    def power(self, pick: int, action: str) -> None:
        """Change a guest's power."""
        self.send("POST", f"{self.guest(pick).path}/status/{action}")

    @precondition(has_guests)
    @rule(pick=picks, name=st.sampled_from(SNAPSHOTS), verb=st.sampled_from(["make", "make", "back", "drop"]))
    def snapshot(self, pick: int, name: str, verb: str) -> None:
        """Make a snapshot, go back to it, or remove it."""
        path = f"{self.guest(pick).path}/snapshot"
        if verb == "make":
            self.send("POST", path, snapname=name)
        elif verb == "back":
            self.send("POST", f"{path}/{name}/rollback")
        else:
            self.send("DELETE", f"{path}/{name}")

    @precondition(has_guests)
    @rule(pick=picks, purge=flags)
    def destroy(self, pick: int, purge: int) -> None:
        """Remove a guest."""
        self.send("DELETE", self.guest(pick).path, purge=purge)

    @precondition(has_guests)
    @rule(pick=picks, to=nodes, online=flags)
    def migrate(self, pick: int, to: str, online: int) -> None:
        """Move a guest to another node."""
        guest = self.guest(pick)
        how = {"online": online, "with-local-disks": 1} if guest.kind == "qemu" else {"restart": online}
        self.send("POST", f"{guest.path}/migrate", target=to, **how)

    @precondition(has_guests)
    @rule(pick=picks, storage=storages, delete=flags, second=flags)
    def move(self, pick: int, storage: str, delete: int, second: int) -> None:
        """Move a disk to another storage."""
        guest = self.guest(pick)
        if guest.kind == "qemu":
            disk = NEW_DISK["qemu"] if second else "scsi0"
            self.send("POST", f"{guest.path}/move_disk", disk=disk, storage=storage, delete=delete)
        else:
            volume = NEW_DISK["lxc"] if second else "rootfs"
            self.send("POST", f"{guest.path}/move_volume", volume=volume, storage=storage, delete=delete)

    @precondition(has_guests)
    @rule(pick=picks, size=st.sampled_from(["+1G", "3G", "1G"]))
    def resize(self, pick: int, size: str) -> None:
        """Grow a disk, or try to shrink it."""
        guest = self.guest(pick)
        self.send("PUT", f"{guest.path}/resize", disk="scsi0" if guest.kind == "qemu" else "rootfs", size=size)

    @precondition(has_guests)
    @rule(pick=picks, storage=storages)
    def attach(self, pick: int, storage: str) -> None:
        """Give a guest a second disk."""
        guest = self.guest(pick)
        value = f"{storage}:1" + (",mp=/data" if guest.kind == "lxc" else "")
        self.send("PUT", f"{guest.path}/config", **{NEW_DISK[guest.kind]: value})

    @precondition(has_guests)
    @rule(pick=picks, which=st.sampled_from(["second", "unused0", "unused1"]))
    def detach(self, pick: int, which: str) -> None:
        """Take a disk away, or remove one that is unused."""
        guest = self.guest(pick)
        self.send("PUT", f"{guest.path}/config", delete=NEW_DISK[guest.kind] if which == "second" else which)

    @precondition(has_guests)
    @rule(pick=picks, values=st.sampled_from([{"cores": 2}, {"memory": 256}, {"description": "x"}, {"tags": "b;a"}]))
    def configure(self, pick: int, values: dict[str, Any]) -> None:
        """Change a setting."""
        self.send("PUT", f"{self.guest(pick).path}/config", **values)

    @precondition(has_guests)
    @rule(pick=picks)
    def template(self, pick: int) -> None:
        """Make a template of a guest."""
        self.send("POST", f"{self.guest(pick).path}/template")

    @precondition(has_guests)
    @rule(pick=picks)
    def backup(self, pick: int) -> None:
        """Back a guest up."""
        guest = self.guest(pick)
        self.send("POST", f"/nodes/{guest.node}/vzdump", vmid=guest.vmid, storage="local", mode="stop")

    @rule(pick=picks, vmid=vmids, node=nodes, force=flags)
    def restore(self, pick: int, vmid: int, node: str, force: int) -> None:
        """Make a guest from an archive, or put one back."""
        archives = sorted(
            item["volid"] for item in self.lab.get(f"/nodes/{node}/storage/local/content", content="backup")
        )
        if not archives:
            return
        archive = archives[pick % len(archives)]
        if "vzdump-qemu" in archive:
            self.send("POST", f"/nodes/{node}/qemu", vmid=vmid, archive=archive, force=force)
        else:
            self.send("POST", f"/nodes/{node}/lxc", vmid=vmid, ostemplate=archive, restore=1, force=force)

    @rule(pool=st.sampled_from(POOLS), vmid=vmids, verb=st.sampled_from(["make", "join", "join", "leave", "drop"]))
    def pool(self, pool: str, vmid: int, verb: str) -> None:
        """Make, change or remove a pool."""
        if verb == "make":
            self.send("POST", "/pools", poolid=pool)
        elif verb == "drop":
            self.send("DELETE", "/pools", poolid=pool)
        else:
            more = {"delete": 1} if verb == "leave" else {"allow-move": 1}
            self.send("PUT", "/pools", poolid=pool, vms=vmid, **more)

    @rule(vmid=vmids, node=nodes, storage=storages, free=flags)
    def allocate(self, vmid: int, node: str, storage: str, free: int) -> None:
        """Make a volume that no configuration names, or remove it."""
        suffix = ".raw" if storage == "local" else ""
        folder = f"{vmid}/" if storage == "local" else ""
        volume = f"{storage}:{folder}vm-{vmid}-disk-9{suffix}"
        path = f"/nodes/{node}/storage/{storage}/content"
        if free:
            self.send("DELETE", f"{path}/{volume}")
        elif self.send("POST", path, vmid=vmid, filename=f"vm-{vmid}-disk-9{suffix}", size="1G"):
            self.loose.add(volume)

    # ---------------------------------------------------------- invariants

    @invariant()
    def what_it_tells_fits_together(self) -> None:
        """All of it, asked once."""
        everything = self.lab.get("/cluster/resources", type="vm")
        assert max(Counter(item["vmid"] for item in everything).values()) == 1
        guests = [Guest(item["type"], item["vmid"], item["node"]) for item in everything]
        configs = {guest: self.lab.get(f"{guest.path}/config") for guest in guests}
        self.lists_agree(everything)
        self.volumes_belong(configs)
        self.nothing_is_left_running()
        self.digests_follow({guest.vmid: config["digest"] for guest, config in configs.items()})
        self.pools_agree(everything)

    def lists_agree(self, everything: list[dict[str, Any]]) -> None:
        """The list of everything is the sum of the nodes' lists, and of what is told of each guest."""
        summary = {
            Guest(item["type"], item["vmid"], item["node"]): (item["name"], item["status"]) for item in everything
        }
        listed = {
            Guest(kind, int(item["vmid"]), node): (item["name"], item["status"])
            for node in NODES
            for kind in ("qemu", "lxc")
            for item in self.lab.get(f"/nodes/{node}/{kind}")
        }
        assert summary == listed
        current = {guest: self.lab.get(f"{guest.path}/status/current") for guest in summary}
        assert summary == {guest: (item["name"], item["status"]) for guest, item in current.items()}
        assert int(self.lab.get("/cluster/nextid")) not in {guest.vmid for guest in summary}

    def volumes_belong(self, configs: dict[Guest, dict[str, Any]]) -> None:
        """Every disk on a storage is one of a guest, and every disk of a guest is on its node's storage."""
        found = {
            (node, item["volid"])
            for node in NODES
            for storage in STORAGES
            for item in self.lab.get(f"/nodes/{node}/storage/{storage}/content")
            if item["content"] in ("images", "rootdir")
        }
        disks = {volume for _, volume in found if not re.search(r"vm-\d+-(cloudinit|state)", volume)}
        named = {volume for guest in [*self.lab.api.vms, *self.lab.api.cts] for volume in volumes_of(guest)}
        assert not disks - named - self.loose, "on a storage, and nobody's"
        assert not named - disks, "a guest's, and on no storage"
        assert {
            (guest.node, volume) for guest, config in configs.items() for volume in guest_volumes(config).values()
        } <= found, "a guest's, and on another node"

    def nothing_is_left_running(self) -> None:
        """Every task has ended, and no guest is locked or held."""
        assert not self.lab.api._workers
        assert not self.lab.get("/nodes/father/tasks", source="active")
        for guest in [*self.lab.api.vms, *self.lab.api.cts]:
            assert (guest.lock, guest.lock_holder) == (None, None), guest.vmid

    def digests_follow(self, digests: dict[int, str]) -> None:
        """A digest changes if and only if the configuration does, what waits and the snapshots included."""
        contents = {
            guest.vmid: json.dumps([guest.config, guest.pending, guest.snapshots], sort_keys=True)
            for guest in [*self.lab.api.vms, *self.lab.api.cts]
        }
        for vmid, digest in digests.items():
            content, before = self.digests.get(vmid, (contents[vmid], digest))
            assert (content == contents[vmid]) == (before == digest), (content, contents[vmid])
            self.digests[vmid] = contents[vmid], digest

    def pools_agree(self, everything: list[dict[str, Any]]) -> None:
        """The members of a pool are the guests that say they are in it."""
        said: dict[str, set[int]] = {pool["poolid"]: set() for pool in self.lab.get("/pools")}
        for item in everything:
            if item.get("pool"):
                said[item["pool"]].add(item["vmid"])
        for pool, members in said.items():
            listed = self.lab.get("/pools", poolid=pool)[0]["members"]
            assert {item["vmid"] for item in listed if "vmid" in item} == members


def volumes_of(guest: Any) -> set[str]:
    """Every disk that a guest's configuration and its snapshots name."""
    return {volume for config in [guest.config, *guest.snapshots.values()] for volume in guest_volumes(config).values()}


def test_what_a_cluster_tells_fits_together() -> None:
    run_state_machine_as_test(
        Cluster,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
