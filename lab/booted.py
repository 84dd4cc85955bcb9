# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab of several nodes: boots them, and serves their APIs from the lab's first process, outside of them all."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiohttp import web

from lab import father, layout
from lab.api import certificates, seed
from lab.api.booted import BootedApi
from lab.api.certificates import Pair
from lab.api.daemon import make_template_volumes
from lab.api.doors import SHUTDOWN_TIMEOUT, Door
from lab.api.server import LabApi, storage_entry
from lab.api.site import Site
from lab.api.state import read_document
from lab.guests.host import open_unix
from lab.guests.machine import Library
from lab.guests.rack import Rack
from lab.members import Member, Plan

_SHARED = "shared"
_SITE = "site.json"
_NODE_DOWN_BOUND = 10.0
# Root's key pair, and authorized_keys where PVE has them; by the node itself, whose paths they are.
_MAKE_KEYS = (
    "from pathlib import Path; from lab.api import node_keys; node_keys.ensure(Path('/root'), Path('/etc/pve'))"
)


def clusters(state: Path, plan: Plan) -> dict[str, list[str]]:
    """The nodes by the one their API began with: as they were when the lab went down."""
    path = state / _SITE
    if path.exists():
        known: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
        return known
    names = [member.name for member in plan.members]
    return {name: [name] for name in names} if plan.standalone else {names[0]: names}


def seed_of(state: Path, name: str) -> seed.Seed:
    """What a node holds at first: father as always; one that is to join a cluster must have no guests."""
    tokens = father.tokens(state)
    outer = seed.outer(tokens)
    return outer if name == layout.FATHER else seed.Seed(outer.storages, (), tokens)


class BootedSite(Site):
    """The nodes of a lab, which keeps in mind who joined whom."""

    def __init__(self, lab: BootedLab) -> None:
        """Start without a node."""
        super().__init__()
        self._lab = lab

    async def join(self, node: str, cluster: object) -> None:
        """Make a node that is alone one of a cluster's."""
        alone = self.api_of(node)
        assert isinstance(alone, BootedApi)  # noqa: S101 - this lab's own
        assert isinstance(cluster, BootedApi)  # noqa: S101
        await alone.stop_attaching(node)
        await super().join(node, cluster)
        cluster.let_attach(node)
        self._lab.publish(node, cluster)
        self._lab.let_in_one_another(cluster)
        self._lab.remember()


class BootedLab:
    """The nodes and their APIs."""

    def __init__(self, state: Path, plan: Plan, library: Library, forwards: Mapping[str, str]) -> None:
        """``forwards``: the loopback address of each node, which its certificate names too."""
        self.state, self.plan, self.library, self.forwards = state, plan, library, forwards
        specs = {member.name: father.spec(state, member) for member in plan.members}
        self.rack = Rack(specs, library, state / _SHARED)
        self.rack.fell = self._fell
        self.site = BootedSite(self)
        self._runners: list[web.AppRunner] = []

    # ------------------------------------------------------------------- start

    async def start(self) -> None:
        """Boot every node, and answer for each. Raises GuestError and OSError."""
        names = [member.name for member in self.plan.members]
        await asyncio.gather(*(self.rack.boot(name) for name in names))
        keys = [asyncio.create_task(self.rack.run(name, "python3", "-c", _MAKE_KEYS)) for name in names]
        for first, nodes in clusters(self.state, self.plan).items():
            await self._serve(first, nodes)
        for number, errors in await asyncio.gather(*keys):
            if number:
                raise OSError(f"root's SSH key could not be made: {errors}")
        self._publish_authorities()
        for api in list(self.site.apis()):
            self.let_in_one_another(api)
            await api.start_on_boot()

    async def _serve(self, first: str, nodes: Sequence[str]) -> None:
        """One API for these nodes."""
        api = await self._load(first, nodes)
        self.site.add(api)
        for name in nodes:
            await self._open(api, name)
        await self._listen_for_control(api)

    async def _load(self, first: str, nodes: Sequence[str]) -> BootedApi:
        """The API with its saved state, or with what it holds at first."""
        state_file = self.rack.data(first) / "api" / "state.json"
        others = tuple(name for name in nodes if name != first)
        api = BootedApi(first, seed_of(self.state, first), self.library, self.rack, state_file, others=others)
        api.authority = self._authority(first)
        if not certificates_there(api.authority):
            certificates.make_authority(api.authority)
        if state_file.exists():
            api.restore(read_document(state_file))
            return api
        state_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if others:
            api.storages[_SHARED] = storage_entry(seed.SHARED)
        await make_template_volumes(api, seed_of(self.state, first))
        api.changed()
        return api

    def _authority(self, first: str) -> Pair:
        folder = self.rack.data(first) / "pki"
        return Pair(folder / "ca.pem", folder / "ca.key")

    async def _open(self, api: BootedApi, name: str) -> None:
        """The ways into a node's API: its port, its own Unix socket, and the one into its containers."""
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server = self._certificate(api, name)
        tls.load_cert_chain(server.certificate, server.key)
        await Door(name, lambda: self.rack.listen(name, layout.API_PORT), tls).attach(api)
        await Door(name, lambda: self.rack.listen_local(name)).attach(api)
        api.let_attach(name)
        self.publish(name, api)

    def _certificate(self, api: BootedApi, name: str) -> Pair:
        assert api.authority is not None  # noqa: S101 - set when it was made
        folder = self.rack.data(name) / "pki"
        names = [*names_of(self._member(name)), self.forwards[name], "localhost", "127.0.0.1"]
        server = certificates.ensure(api.authority, Pair(folder / "server.pem", folder / "server.key"), names)
        if name == api.node:
            api.certificate = server.certificate
            api.fingerprint = certificates.fingerprint(server.certificate)
        api.fingerprints[name] = certificates.fingerprint(server.certificate)
        return server

    async def _listen_for_control(self, api: BootedApi) -> None:
        runner = web.AppRunner(api.control_app(), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT)
        await runner.setup()
        self._runners.append(runner)
        await web.SockSite(runner, open_unix(father.control_socket(self.state, self._member(api.node)))).start()

    def _member(self, name: str) -> Member:
        return next(member for member in self.plan.members if member.name == name)

    # -------------------------------------------------------------- what shows

    def publish(self, name: str, api: BootedApi) -> None:
        """Put the certificates where PVE has them on a node (pve-cluster, PVE/Cluster/Setup.pm)."""
        assert api.authority is not None  # noqa: S101
        etc = self.rack.root(name) / "etc/pve"
        (etc / "local").mkdir(parents=True, exist_ok=True)
        (etc / "pve-root-ca.pem").write_bytes(api.authority.certificate.read_bytes())
        server = self.rack.data(name) / "pki" / "server.pem"
        (etc / "local" / "pve-ssl.pem").write_bytes(server.read_bytes())

    def let_in_one_another(self, api: LabApi) -> None:
        """Have root of each node of a cluster log in to the others (pve-cluster, PVE/Cluster/Setup.pm)."""
        roots = [self.rack.root(name) for name in api.nodes]
        keys = [(root / "root/.ssh/id_rsa.pub").read_text(encoding="utf-8") for root in roots]
        pins = father.named_pins(self.state, [self._member(name) for name in api.nodes])
        for root in roots:
            (root / "etc/ssh/ssh_known_hosts").write_text(pins, encoding="utf-8")
            authorized = root / "etc/pve/priv/authorized_keys"
            present = authorized.read_text(encoding="utf-8")
            authorized.write_text(present + "".join(key for key in keys if key not in present), encoding="utf-8")

    def _publish_authorities(self) -> None:
        """Put the authorities of all nodes where clients of the lab look for them."""
        pairs = [api.authority for api in self.site.apis() if api.authority is not None]
        fresh = self.state / "ca.pem.new"
        fresh.write_bytes(b"".join(pair.certificate.read_bytes() for pair in pairs))
        fresh.replace(self.state / "ca.pem")

    def remember(self) -> None:
        """Keep which nodes share an API."""
        known = {api.node: list(api.nodes) for api in self.site.apis()}
        (self.state / _SITE).write_text(json.dumps(known) + "\n", encoding="utf-8")

    # --------------------------------------------------------------------- end

    async def _fell(self, name: str, wants_up: bool) -> None:
        api = self.site.api_of(name)
        assert isinstance(api, BootedApi)  # noqa: S101
        await api.node_fell(name, wants_up)

    async def ended(self) -> None:
        """Never: nodes that are all off can be switched on again."""
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """End tasks and guests, save, and end the nodes."""
        for runner in self._runners:
            await runner.cleanup()
        for api in list(self.site.apis()):
            await api.stop()
            api.changed()
        await self.rack.shut_down(_NODE_DOWN_BOUND)

    async def close(self) -> None:
        """Cut what is left; for a lab that did not come up."""
        for api in list(self.site.apis()):
            await api.driver.close()
        await self.rack.close()


def names_of(member: Member) -> list[str]:
    """What a node is called."""
    return [member.name, f"{member.name}.{layout.DOMAIN}", member.address]


def certificates_there(authority: Pair) -> bool:
    """Whether a certificate authority was made."""
    return authority.key.is_file()
