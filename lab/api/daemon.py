# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One node's API as a process: TLS on the network, Unix sockets for the node's commands and for control."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl

from aiohttp import web

from lab.api import addresses, certificates, node_keys, seed
from lab.api.attaching import AttachServer, socket_beside
from lab.api.certificates import Pair
from lab.api.config import ApiConfig
from lab.api.doors import SHUTDOWN_TIMEOUT, Door, Opener, Port
from lab.api.node_files import write_node_files
from lab.api.server import LabApi, Places
from lab.api.state import read_document
from lab.background import Background
from lab.guests.driver import GuestDriver
from lab.guests.host import open_unix
from lab.guests.namespace import NamespaceDriver
from lab.guests.none import NoneDriver

logger = logging.getLogger(__name__)

ALWAYS_NAMED = ("localhost", "127.0.0.1")


def driver_of(config: ApiConfig) -> GuestDriver:
    """The guest driver a configuration asks for."""
    return NoneDriver() if config.driver == "none" else NamespaceDriver()


def seed_of(config: ApiConfig) -> seed.Seed:
    """What the node holds when it starts for the first time."""
    if config.seed == "outer":
        return seed.outer(config.tokens, config.password)
    return seed.nested(config.tokens, config.password)


async def make_template_volumes(api: LabApi, planted: seed.Seed) -> None:
    """Give the seed's templates their volumes; a PVE template's makes every guest cloned from it a node."""
    for template in planted.templates:
        volume = f"{template.storage}:{template.volume}"
        await api.make_volume(volume)
        api.mark_bootable(volume, True)
        if template.node:
            write_node_files(api.volume_path(volume))


class Inherited:
    """An opener of a socket that this process was given. It listens all the time; a door that is shut lets it wait."""

    def __init__(self, descriptor: int) -> None:
        """Take the socket's descriptor."""
        self._descriptor = descriptor

    def __call__(self) -> socket.socket:
        """The socket; closing what is returned leaves it open."""
        return socket.socket(fileno=os.dup(self._descriptor))


class Daemon:
    """Serves a configuration until it is told to end."""

    def __init__(self, config: ApiConfig) -> None:
        """Make the API, with the saved state when there is one."""
        self.config = config
        self.first_start = not config.state_file.exists()
        self.api = LabApi(
            config.node,
            seed_of(config),
            driver_of(config),
            Places(config.volumes_dir, config.files_root, config.state_file),
            host=config.address,
            port=config.port,
        )
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._control: web.AppRunner | None = None
        self._attaching: AttachServer | None = None
        self._renewals = Background()

    async def start(self) -> None:
        """Load or plant the state, then listen everywhere."""
        await self._load()
        await self.renew_certificate()
        if self.config.etc_dir is not None:
            await asyncio.to_thread(node_keys.ensure, self.config.home, self.config.etc_dir)
        for opener in self._openers():
            await Door(self.config.node, opener, self.tls).attach(self.api)
        if (path := self.config.socket) is not None:
            await Door(self.config.node, lambda: open_unix(path)).attach(self.api)
        self._let_attach()
        await self._listen_for_control()
        self._stop_watching = addresses.watch(self._addresses_changed)
        await self.api.start_on_boot()

    async def stop(self) -> None:
        """Stop listening, end tasks and guests, save."""
        self._stop_watching()
        if self._attaching is not None:
            await self._attaching.stop()
        if self._control is not None:
            await self._control.cleanup()
        await self.api.stop()
        self.api.changed()

    # ----------------------------------------------------------------- state

    async def _load(self) -> None:
        if self.first_start:
            self.config.state_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            await make_template_volumes(self.api, seed_of(self.config))
            self.api.changed()
        else:
            self.api.restore(read_document(self.config.state_file))

    # ------------------------------------------------------------- listening

    def _openers(self) -> list[Opener]:
        """What listens on the network: an address, or sockets that were handed over."""
        if not self.config.listen_fds:
            return [Port(self.config.address, self.config.port)]
        return [Inherited(descriptor) for descriptor in self.config.listen_fds]

    async def _listen_for_control(self) -> None:
        if self.config.control_socket is not None:
            self._control = web.AppRunner(self.api.control_app(), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT)
            await self._control.setup()
            await web.SockSite(self._control, open_unix(self.config.control_socket)).start()

    def _let_attach(self) -> None:
        """Let the node's commands into its containers."""
        if self.config.socket is not None:
            self._attaching = AttachServer(self.api, self.config.node)
            self._attaching.start(open_unix(socket_beside(self.config.socket)))

    # ----------------------------------------------------------- certificate

    def _addresses_changed(self) -> None:
        self._renewals.start(self.renew_certificate())

    async def renew_certificate(self) -> None:
        """Serve a certificate that names every address the node has; connections that exist keep theirs.

        PVE makes it at installation, when the address is known. A guest of the lab gets its address after it was
        "installed", so the certificate follows the addresses instead.
        """
        names = [self.config.node, *self.config.names, *ALWAYS_NAMED, *await addresses.local_addresses()]
        folder = self.config.pki_dir
        authority = Pair(folder / "ca.pem", folder / "ca.key")
        server = certificates.ensure(authority, Pair(folder / "server.pem", folder / "server.key"), names)
        self.tls.load_cert_chain(server.certificate, server.key)
        self.api.certificate = server.certificate
        self.api.fingerprint = certificates.fingerprint(server.certificate)
        self._publish(authority, server)

    def _publish(self, authority: Pair, server: Pair) -> None:
        """Put the certificates where PVE has them (pve-cluster, PVE/Cluster/Setup.pm)."""
        if self.config.etc_dir is None:
            return
        local = self.config.etc_dir / "local"
        local.mkdir(parents=True, exist_ok=True)
        (self.config.etc_dir / "pve-root-ca.pem").write_bytes(authority.certificate.read_bytes())
        (local / "pve-ssl.pem").write_bytes(server.certificate.read_bytes())


async def serve(config: ApiConfig) -> None:
    """Serve until SIGTERM or SIGINT."""
    daemon = Daemon(config)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await daemon.start()
    logger.info("node %s: API on https://%s:%s", config.node, config.address, config.port)
    await ended.wait()
    await daemon.stop()
