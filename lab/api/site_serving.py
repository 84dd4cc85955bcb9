# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serving the nodes of a site from a thread of this process: each alone, with an authority of its own."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.api import interfaces, seed
from lab.api.certificates import Pair, issue, make_authority
from lab.api.server import LabApi
from lab.api.serving import CALL_TIMEOUT, Served, ServedLab
from lab.api.site import Site

HOST = "127.0.0.1"
TOKEN_ID = "root@pam!homelab"  # noqa: S105 - the name of a token
# The nodes' own addresses; they exist in what the nodes tell, not in this process.
FIRST_ADDRESS = 2


@dataclass(frozen=True)
class ServedSite:
    """The nodes of a site, each at an address of its own."""

    site: Site
    loop: asyncio.AbstractEventLoop
    ca_path: Path
    password: str
    tokens: dict[str, str]

    def at(self, node: str) -> ServedLab:
        """A node's API; after a join it is the cluster's, with the token of the node that made the cluster."""
        api = self.site.api_of(node)
        served = Served(api, self.loop)
        return ServedLab(served, self.ca_path, TOKEN_ID, self.tokens[api.node], self.password, door=node)


def alone(node: str, number: int, token: str, password: str) -> LabApi:
    """A node with an address of its own."""
    tokens = {TOKEN_ID: token}
    planted = seed.nested(tokens, password) if number else seed.outer(tokens, password)
    api = LabApi(node, planted, host=HOST, port=0)
    address = f"10.99.0.{FIRST_ADDRESS + number}/"
    api.node_texts[node] = {"etc/network/interfaces": interfaces.DEFAULT.replace("10.99.0.2/", address)}
    return api


def certified(api: LabApi, folder: Path) -> Pair:
    """The certificate a node serves, by an authority of its own."""
    api.authority = make_authority(Pair(folder / "ca.pem", folder / "ca.key"))
    names = [api.node, "localhost", HOST, *api.addresses_of(api.node)]
    return issue(api.authority, Pair(folder / "server.pem", folder / "server.key"), list(dict.fromkeys(names)))


@contextmanager
def serve_alone(apis: Iterable[LabApi], folder: Path) -> Iterator[tuple[Site, asyncio.AbstractEventLoop, Path]]:
    """Serve each API by itself until the block ends; a client that trusts the file trusts all of them."""
    site, made = Site(), {api: certified(api, folder / api.node) for api in apis}
    bundle = folder / "ca.pem"
    bundle.write_bytes(b"".join(api.authority.certificate.read_bytes() for api in made if api.authority))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="lab-site", daemon=True)
    thread.start()
    try:
        for api, certificate in made.items():
            site.add(api)
            Served(api, loop).call(api.start(str(certificate.certificate), str(certificate.key)))
        yield site, loop, bundle
        for api in made:
            Served(api, loop).call(api.stop())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CALL_TIMEOUT)
        loop.close()


@contextmanager
def serve_site(names: Iterable[str], folder: Path) -> Iterator[ServedSite]:
    """Serve nodes that are alone until the block ends."""
    password, tokens = secrets.token_hex(8), {name: secrets.token_hex(16) for name in names}
    apis = [alone(name, number, tokens[name], password) for number, name in enumerate(tokens)]
    with serve_alone(apis, folder) as (site, loop, bundle):
        yield ServedSite(site, loop, bundle, password, tokens)
