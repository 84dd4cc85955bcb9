# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's API: fakepve's server with the areas on top."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from lab.api import certificates, local_calls, precheck
from lab.api.agent import AgentArea
from lab.api.cluster import ClusterArea
from lab.api.container_motion import ContainerMotionArea
from lab.api.container_spec import boot_order
from lab.api.control import ControlArea
from lab.api.directory import ROOT, Token, hash_password, split_token
from lab.api.doors import Door, Port
from lab.api.estate import EstateArea
from lab.api.fake import API, Call, FakeVm, Next
from lab.api.guestlist import GuestListArea
from lab.api.moving import MovingArea
from lab.api.nodes import OFF
from lab.api.pools import PoolsArea
from lab.api.quorum import QuorumArea
from lab.api.release import RELEASE, VERSION, is_known
from lab.api.seed import TEMPLATE_DISK_SIZE, Seed, Template
from lab.api.status import StatusArea
from lab.api.templates import TemplateArea
from lab.guests.driver import GuestDriver
from lab.guests.none import NoneDriver


def storage_entry(definition: Mapping[str, Any]) -> dict[str, Any]:
    """fakepve's record of a storage with this definition."""
    return {"active": 1, "files": set(), "volumes": {}, **definition}


@dataclass(frozen=True)
class Places:
    """Where a node keeps things: guests' volumes, the files of its storages, its state (None: nowhere)."""

    volumes: Path
    files: Path
    state_file: Path | None = None

    @classmethod
    def below(cls, folder: Path) -> Places:
        """Everything below one folder, and no state that outlives the process."""
        return cls(folder / "volumes", folder / "files")


# What a cluster is called that was there from the start.
CLUSTER = "lab"


class LabApi(
    PoolsArea,
    EstateArea,
    ContainerMotionArea,
    MovingArea,
    TemplateArea,
    StatusArea,
    AgentArea,
    ClusterArea,
    QuorumArea,
    ControlArea,
    GuestListArea,
):
    """A node's API, or that of a cluster. Give it a seed and a guest driver, then :meth:`start` it."""

    port: int

    def __init__(
        self,
        node: str = "father",
        seed: Seed | None = None,
        driver: GuestDriver | None = None,
        places: Places | None = None,
        others: Iterable[str] = (),
        *,
        release: str = RELEASE,
        **options: object,
    ) -> None:
        """Take the node's name, what it holds at first, and where its guests come from.

        Without a driver guests exist as states only. ``others`` are further nodes of its cluster, without guests of
        their own at first. ``release`` is the one it says it is of: before 9 it has HA groups instead of rules,
        before 8.1 no pools in pools.
        ``options`` are fakepve's: host, port, user, password.
        """
        super().__init__(**options)
        self.node = node
        self.nodes = {name: {"online": True} for name in (node, *others)}
        self.cluster_name = CLUSTER
        self.version, self.release_version = VERSION if release == RELEASE else f"{release}.0", release
        self.driver = driver or NoneDriver()
        self.boots_empty_disks = isinstance(self.driver, NoneDriver)
        self._scratch = tempfile.TemporaryDirectory(prefix="homelab-pve-lab-")
        places = places or Places.below(Path(self._scratch.name))
        self.volumes_dir, self.files_root = places.volumes, places.files
        self.state_file = places.state_file
        self.plant(seed or Seed())

    def plant(self, seed: Seed) -> None:
        """Take over a seed: what the node held before is gone."""
        self.storages = {name: storage_entry(definition) for name, definition in seed.storages.items()}
        self.spare_disks = tuple(dict(disk) for disk in seed.disks)
        self.repositories = seed.repositories
        self.vms = [self._template(template) for template in seed.templates]
        root = self.directory.users[ROOT]
        root.tokens = {split_token(tokenid)[1]: Token(secret, privsep=0) for tokenid, secret in seed.tokens.items()}
        root.password = None if seed.password is None else hash_password(seed.password)

    def _template(self, template: Template) -> FakeVm:
        volumes = self.storages[template.storage]["volumes"]
        volumes[template.volume] = {
            "content": "images",
            "format": "raw",
            "size": TEMPLATE_DISK_SIZE,
            "vmid": template.vmid,
            "ctime": 0,
            "bootable": True,
        }
        return FakeVm(template.vmid, template.name, node=self.node, config=template.config(), template=True)

    def resolve(self, request: web.Request, prefix: str) -> Any:  # noqa: ANN401 - fakepve's Match
        """The schema match of a request, None of what the release does not have yet."""
        match = super().resolve(request, prefix)
        return match if match and is_known(match.template, self.release_version, request.method) else None

    @web.middleware
    async def _dispatch(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """Look at the guests before every answer: one may have powered itself off."""
        await self.look()
        match = self.resolve(request, API)
        with self.on_node(match.params.get("node") if match else None):
            return await super()._dispatch(request, handler)

    async def node_state_changed(self, name: str, before: str, after: str) -> None:
        """A node that goes off takes its tasks and its guests with it."""
        await super().node_state_changed(name, before, after)
        if after == OFF:
            await self.stop_workers_of(name)
            for guest in [guest for guest in (*self.vms, *self.cts) if guest.node == name]:
                if guest.status == "running":
                    await self.driver.kill(guest.vmid)
                    self._lose_power(guest)
        self.changed()

    async def start(self, certfile: str, keyfile: str) -> None:
        """Open a door for each node, with a certificate and its key (PEM files): the first at host and port."""
        self.certificate = Path(certfile)
        self.fingerprint = certificates.fingerprint(self.certificate)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certfile, keyfile)
        for name in self.nodes:
            await Door(name, Port(self.host, self.port if name == self.node else 0), tls).attach(self)
        self.port = self.doors_of(self.node)[0].port

    def application(self) -> web.Application:
        """The API's aiohttp application."""
        precheck.keep_log_quiet()
        app: web.Application = self._build_app()
        # Behind the log of requests, in front of everything that reads a request's body.
        app.middlewares.insert(1, precheck.middleware(self._authenticate))
        app.middlewares.insert(0, local_calls.middleware(self))
        return app

    async def start_on_boot(self) -> None:
        """Start the guests that are to run whenever the node does, in the order of their ``startup``."""
        wanted = [guest for guest in (*self.vms, *self.cts) if str(guest.config.get("onboot")) == "1"]
        for guest in sorted(wanted, key=lambda guest: (boot_order(guest.config), guest.vmid)):
            if guest.template:
                continue
            if isinstance(guest, FakeVm):
                await self._start(Call({"node": self.node, "vmid": guest.vmid}, "root@pam"))
            else:
                await self._lxc_start("root@pam", {"node": guest.node, "vmid": guest.vmid})
        self.wake_manager()

    def wake_manager(self) -> None:
        """Have the HA manager see to what it was told before the lab went down."""
        if self.ha_resources:
            self._ask_manager()

    async def stop(self) -> None:
        """Stop listening, interrupt the tasks and end the guests."""
        await self.close_doors()
        await self.stop_workers()
        await self.driver.close()
        self._scratch.cleanup()
