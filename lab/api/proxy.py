# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is between a request and the node that is to carry it out, and what PVE says when it cannot get there.

A real node looks at who asks, then passes a request on to the node it names (unless it knows the answer itself), and
there from the proxy daemon to the API daemon where root is needed. Each of the ways may be closed. Answers and delays
are those of ../golden quorum and ha-3node; the delays run on the lab's clock.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aiohttp import web

from lab.api.doors import DoorArea
from lab.api.fake import API, Next, TaskError, die, is_local, not_implemented
from lab.api.nodes import HUNG, NO_PMXCFS, NO_PVEDAEMON, OFF, PVEDAEMON_HUNG, REFUSING
from lab.background import Background

NODE = re.compile(r"/nodes/\{node\}(?P<rest>.*)")
# What a node answers itself about any other: directories, what is in /etc/pve or known to all, and what it tunnels.
# In PVE these methods have no ``proxyto`` (apidoc).
OWN = (
    ("GET", r""),
    (
        "GET",
        r"/(apt|certificates|certificates/acme|ceph|ceph/cfg|ceph/osd/\{osdid\}|ceph/pool/\{name\}|firewall|hardware"
        r"|hardware/pci/\{pci-id-or-mapping\}|scan|capabilities/qemu/cpu(-flags)?|replication/\{id\}"
        r"|sdn/fabrics/\{fabric\}|sdn/vnets/\{vnet\}|sdn/zones/\{zone\}|services/\{service\}|storage/\{storage\}"
        r"|tasks/\{upid\}|(qemu|lxc)/\{vmid\}/snapshot/\{snapname\})",
    ),
    ("GET", r"(/(qemu|lxc)/\{vmid\})?/rrd(data)?"),
    ("*", r"/(qemu|lxc)/\{vmid\}/firewall(/(rules|aliases|ipset|refs)(/.*)?)?"),
    ("*", r"(/(qemu|lxc)/\{vmid\})?/(vncproxy|vncshell|termproxy|vncwebsocket|mtunnel|mtunnelwebsocket)"),
    ("POST", r"/wakeonlan"),
)
PASSED_ON_BESIDES = frozenset({("GET", "/cluster/sdn/dry-run")})
_OWN = tuple((method, re.compile(rest)) for method, rest in OWN)

NO_ACCESS_LIST = "RPCEnvironment init request failed: Unable to load access control list: Connection refused"
TIMED_OUT, REFUSED, NO_ROUTE = "Connection timed out", "Connection refused", "No route to host"
UNREACHABLE, NO_ANSWER, FAILED = 595, 596, 500
# Lab seconds. A connection that nobody takes, and an answer that does not come, are given up after so long.
GIVEN_UP = 30.0
# A node without power: the answer until so long after it went off, and how long it takes.
POWERED_OFF = ((30.0, TIMED_OUT, GIVEN_UP), (44.0, NO_ROUTE, 14.0), (float("inf"), NO_ROUTE, 3.0))
# The first request after the cluster file system stopped, and every other one.
FIRST_WITHOUT_FILES, WITHOUT_FILES = 10.0, 3.0
# Until ssh gives a node up that drops its packets (pve-behaviour: a migration to it).
NO_SSH = 134.0
# A name that no DNS server knows, as none answers.
LOOKUP = 10.0


@dataclass(frozen=True)
class Trouble:
    """Why a request is not carried out. ``later``: it waits where it is, and is when the node goes on."""

    status: int
    reason: str
    delay: float = 0.0
    later: bool = False

    def answer(self) -> web.Response:
        """PVE's answer: no body, no content type, whatever format was asked for."""
        return web.Response(status=self.status, reason=self.reason)


@lru_cache(maxsize=2048)
def is_passed_on(method: str, template: str) -> bool:
    """Whether a node passes a request on to the node in its path."""
    found = NODE.fullmatch(template)
    if found is None:
        return (method, template) in PASSED_ON_BESIDES
    return not any(verb in ("*", method) and own.fullmatch(found["rest"]) for verb, own in _OWN)


def powered_off(age: float) -> Trouble:
    """What asking a node gives that has been off for so many lab seconds."""
    reason, delay = next((reason, delay) for until, reason, delay in POWERED_OFF if age < until)
    return Trouble(UNREACHABLE, reason, delay)


class ProxyArea(DoorArea):
    """Mixin: the way of a request from the node it reached to the one it is about."""

    changed: Callable[[], None]

    def __init__(self, **options: object) -> None:
        """Start with every way open."""
        super().__init__(**options)
        self._met_without_files: set[tuple[str, float]] = set()
        self._something_changed = asyncio.Event()
        self._waiting = Background()

    def node_changed(self, node: str) -> None:
        """Who waits for a node looks again."""
        super().node_changed(node)
        changed, self._something_changed = self._something_changed, asyncio.Event()
        changed.set()

    # ---------------------------------------------------------------- troubles

    def _files_trouble(self, node: str) -> Trouble | None:
        """A node without /etc/pve knows nobody's rights."""
        if self.node_state(node) != NO_PMXCFS:
            return None
        met = (node, self.node_state_since(node)) in self._met_without_files
        return Trouble(FAILED, NO_ACCESS_LIST, WITHOUT_FILES if met else FIRST_WITHOUT_FILES)

    def _answer_without(self, trouble: Trouble, node: str) -> web.Response:
        """The answer of a request that is not carried out; a node's second one without files comes sooner."""
        if trouble.reason == NO_ACCESS_LIST:
            self._met_without_files.add((node, self.node_state_since(node)))
        return trouble.answer()

    def _way_trouble(self, reached: str, node: str) -> Trouble | None:
        """What is between two nodes, up to the proxy daemon of the second."""
        state = self.node_state(node)
        if state == OFF:
            return powered_off(self.clock.now() - self.node_state_since(node))
        if self.is_cut_off(reached) or self.is_cut_off(node):
            return Trouble(UNREACHABLE, TIMED_OUT, GIVEN_UP)
        proxies = {REFUSING: Trouble(UNREACHABLE, REFUSED), HUNG: Trouble(NO_ANSWER, TIMED_OUT, GIVEN_UP, later=True)}
        return proxies.get(state) or self._files_trouble(node)

    def _daemon_trouble(self, node: str) -> Trouble | None:
        """The API daemon of the node that carries the request out."""
        daemons = {
            NO_PVEDAEMON: Trouble(UNREACHABLE, REFUSED),
            PVEDAEMON_HUNG: Trouble(NO_ANSWER, TIMED_OUT, GIVEN_UP, later=True),
        }
        return daemons.get(self.node_state(node))

    def trouble(self, node: str, *, needs_root: bool) -> Trouble | None:
        """Why a request that reached one node is not carried out on ``node``; None when it is."""
        reached = self.reached_node()
        way = self._way_trouble(reached, node) if node != reached else None
        return way or (self._daemon_trouble(node) if needs_root else None)

    async def _outlasts(self, look: Callable[[], Trouble | None]) -> Trouble | None:
        """The trouble there is, after its delay; None when it ended before."""
        begun = self.clock.monotonic()
        while (trouble := look()) is not None:
            left = begun + trouble.delay - self.clock.monotonic()
            if left <= 0:
                return trouble
            try:
                await self.clock.within(left, self._something_changed.wait())
            except TimeoutError:
                return trouble
        return None

    async def need_way(self, target: str) -> None:
        """Fail as a migration to a node that does not answer: ssh gives up in the end. Raises TaskError."""
        if self.is_powered(target) and not (self.is_cut_off(target) or self.is_cut_off(self.asked_node())):
            return
        await self.clock.sleep(NO_SSH)
        raise TaskError("migration aborted")

    # --------------------------------------------------------------------- way

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """Before it is known who asks."""
        reached = self.reached_node()
        trouble = self._files_trouble(reached)
        if trouble is not None and await self._outlasts(lambda: trouble if self._lacks_files(reached) else None):
            return self._answer_without(trouble, reached)
        answer: web.StreamResponse = await super()._middleware(request, handler)
        return answer

    def _lacks_files(self, node: str) -> bool:
        return self.node_state(node) == NO_PMXCFS

    @web.middleware
    async def _dispatch(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """Once it is known who asks: to the node, to its API daemon, and there to the handler."""
        match = self.resolve(request, API)
        if match is None or request.method not in match.methods:
            return not_implemented(request.method, request.path)
        passed_on = is_passed_on(request.method, match.template)
        node = str(match.params.get("node", self.reached_node())) if passed_on else self.reached_node()
        if node not in self.nodes and node != "localhost":
            await self.clock.sleep(LOOKUP)
            raise die(
                f"hostname lookup '{node}' failed - failed to get address info for: {node}: "
                "Temporary failure in name resolution"
            )
        needs_root = bool(match.methods[request.method].get("protected")) and not is_local(request)
        carry_out = self._carry_out(request, handler, match, node)
        if self.all_well():
            return await carry_out()

        def look() -> Trouble | None:
            return self.trouble(node, needs_root=needs_root)

        trouble = await self._outlasts(look)
        if trouble is None:
            return await carry_out()
        if trouble.later and request.method != "GET":
            self._when_it_goes_on(look, carry_out)
        return self._answer_without(trouble, node)

    def _carry_out(
        self,
        request: web.Request,
        handler: Next,
        match: Any,  # noqa: ANN401 - fakepve's Match
        node: str,
    ) -> Callable[[], Awaitable[web.StreamResponse]]:
        async def carry_out() -> web.StreamResponse:
            await self.meet_quorum(request.method, match.template, match.params, node)
            return await super(ProxyArea, self)._dispatch(request, handler)

        return carry_out

    async def meet_quorum(self, method: str, template: str, parameters: Mapping[str, str], node: str) -> None:
        """Raise what a node without quorum says of a request; the quorum's area does."""

    def _when_it_goes_on(
        self, look: Callable[[], Trouble | None], carry_out: Callable[[], Awaitable[web.StreamResponse]]
    ) -> None:
        """The request is where it was sent to: it is carried out when the daemon goes on, though nobody waits."""

        async def work() -> None:
            while (trouble := look()) is not None:
                if not trouble.later:
                    return
                await self._something_changed.wait()
            await carry_out()
            self.changed()

        self._waiting.start(work())

    async def close_doors(self) -> None:
        """Close them all; what waits for a node is not carried out any more."""
        await self._waiting.end()
        await super().close_doors()
