# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making a cluster, joining one and leaving it: ``/cluster/config`` (pve-cluster, PVE/API2/ClusterConfig.pm and
PVE/Cluster/Setup.pm; ../golden cluster-create-join).
"""

from __future__ import annotations

import ipaddress
import secrets
from typing import TYPE_CHECKING, Any

from aiohttp import web

from lab.api.access import AccessArea, unauthorized
from lab.api.certificates import Pair
from lab.api.corosync import LINKS, TOKEN_COEFFICIENT, Corosync, CorosyncError, Member
from lab.api.directory import ROOT
from lab.api.doors import DoorArea
from lab.api.fake import Call, Next, PveError, Route, TaskError, Values, die, pve_schema
from lab.api.node import NodeArea
from lab.api.site import Site
from lab.api.tasks import TaskArea, log_line

if TYPE_CHECKING:
    from lab.api.server import LabApi

CONFIG = "/cluster/config"
ONE_NODE = CONFIG + "/nodes/{node}"
JOIN_API_VERSION = 1
CONFIG_FILE, KEY_FILE = "/etc/pve/corosync.conf", "/etc/corosync/authkey"
FAILED_DEPENDENCY = 424
NOT_CLUSTERED = "node is not in a cluster, no join info available!"
NO_LINKS = "no links and no fallback ip (new_node_ip) given, cannot join cluster"
NOT_JOINABLE = "Check if node may join a cluster failed!"
# Lab seconds, after ../golden cluster-create-join: until a new cluster's file system has started,
SETTLES = 3.0
# until a node that joins has its own stopped, and until its daemons answer as the cluster's.
STOPS, RESTARTS = 1.0, 9.0
CREATED = (
    "Corosync Cluster Engine Authentication key generator.",
    "Gathering 2048 bits for key from /dev/urandom.",
    f"Writing corosync key to {KEY_FILE}.",
    f"Writing corosync config to {CONFIG_FILE}",
    "Restart corosync and cluster filesystem",
)
JOINED = (
    "waiting for quorum...OK",
    "(re)generate node files",
    "generate new node certificate",
    "merge authorized SSH keys",
    "generated new node certificate, restart pveproxy and pvedaemon services",
)


def links_of(values: Values) -> tuple[dict[int, str], dict[int, int]]:
    """Addresses and priorities of the ``link<n>`` of a request, by their number."""
    given = {number: str(values[f"link{number}"]) for number in range(LINKS) if f"link{number}" in values}
    parts = {number: [part.partition("=") for part in text.split(",")] for number, text in given.items()}
    options = {
        number: {key if sign else "address": value or key for key, sign, value in part}
        for number, part in parts.items()
    }
    addresses = {number: option["address"] for number, option in options.items() if "address" in option}
    return addresses, {number: int(option["priority"]) for number, option in options.items() if "priority" in option}


class JoiningArea(DoorArea, TaskArea, NodeArea, AccessArea):
    """Mixin: ``/cluster/config``."""

    # The nodes of the lab, when there are more than this API's own.
    site: Site | None = None
    # Who signs the certificates of this cluster's nodes.
    authority: Pair | None = None

    def __init__(self, **options: object) -> None:
        """Start in no cluster."""
        super().__init__(**options)
        self._corosync: Corosync | None = None
        # Lab time from which a new cluster is told of; nodes whose daemons are being restarted.
        self._clustered_from = 0.0
        self._restarting: set[str] = set()
        # Fingerprints of the certificates of nodes that do not serve the API's own.
        self.fingerprints: dict[str, str] = {}

    def routes(self) -> list[Route]:
        """``/cluster/config``."""
        return [
            ("GET", CONFIG, self._config_index),
            ("POST", CONFIG, self._create_cluster),
            ("GET", f"{CONFIG}/nodes", self._corosync_nodes),
            ("POST", ONE_NODE, self._add_node),
            ("DELETE", ONE_NODE, self._remove_node),
            ("GET", f"{CONFIG}/totem", self._totem),
            ("GET", f"{CONFIG}/qdevice", self._qdevice),
            ("GET", f"{CONFIG}/apiversion", self._join_version),
            ("GET", f"{CONFIG}/join", self._join_info),
            ("POST", f"{CONFIG}/join", self._join),
        ]

    # ------------------------------------------------------------------ state

    @property
    def corosync(self) -> Corosync | None:
        """The cluster's configuration, None of a node alone. Nodes that began as a cluster have one from the start."""
        if self._corosync is None and len(self.nodes) > 1:
            members = {name: Member(number, 1, {0: self.address_of(name)}) for number, name in enumerate(self.nodes, 1)}
            self._corosync = Corosync(self.cluster_name, len(members), members=members)
        return self._corosync

    @property
    def corosync_conf(self) -> Values | None:
        """The same as JSON, to be saved."""
        return self.corosync.document() if self.corosync else None

    @corosync_conf.setter
    def corosync_conf(self, document: Values | None) -> None:
        self._corosync = Corosync.load(document) if document else None

    def is_clustered(self) -> bool:
        """Whether the nodes tell of a cluster: a moment after it was made."""
        return self.corosync is not None and self.clock.now() >= self._clustered_from

    def addresses_of(self, node: str) -> list[str]:
        """Every address of a node's interfaces, that of its bridge first."""
        with self.on_node(node):
            items = self.network_items(self.network_text())
            return list(dict.fromkeys([self.address(), *(item["address"] for item in items if "address" in item)]))

    def address_of(self, node: str) -> str:
        """The address a node is known by in its cluster; nodes that have no network of their own follow the first."""
        if self._corosync is not None and node in self._corosync.members:
            return self._peer_address(node)
        if node in self.node_texts or node == self.node:
            return self.addresses_of(node)[0]
        return str(ipaddress.ip_address(self.addresses_of(self.node)[0]) + list(self.nodes).index(node))

    def _peer_address(self, node: str) -> str:
        own = self.addresses_of(node)[0] if node in self.node_texts or node == self.node else None
        return own or next(iter(self._corosync.members[node].links.values())) if self._corosync else ""

    def fingerprint_of(self, node: str) -> str:
        """The fingerprint of the certificate that a node serves."""
        return self.fingerprints.get(node, self.fingerprint)

    def is_restarting(self, node: str) -> bool:
        """Whether the daemons of a node that joined are being restarted."""
        return node in self._restarting

    def _authenticate(self, request: web.Request) -> str | None:
        """A node whose daemons are being restarted knows nobody."""
        if self.is_restarting(self.reached_node()):
            raise unauthorized("Authentication failed!")
        return super()._authenticate(request)

    async def answer(
        self,
        request: web.Request,
        match: Any,  # noqa: ANN401 - fakepve's Match
        params: Values,
        user: str,
        call: Any = None,  # noqa: ANN401
    ) -> object:
        """A node in the configuration is a name like any other: it need not be one of the cluster's."""
        if match is not None and match.template == ONE_NODE:
            params, match = params | match.params, pve_schema.Match(match.template, {}, match.methods)
        return await super().answer(request, match, params, user, call)

    @web.middleware
    async def _dispatch(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """The refusal of join information is one of the few whose message has no newline."""
        try:
            return await super()._dispatch(request, handler)
        except PveError as error:
            if error.status != FAILED_DEPENDENCY:
                raise
            body = {"data": None, "message": error.message}
            return web.json_response(body, status=error.status, reason=error.message)

    # ------------------------------------------------------------------ views

    async def _config_index(self, _call: Call) -> list[Values]:
        return [{"name": name} for name in ("nodes", "totem", "join", "qdevice", "apiversion")]

    async def _corosync_nodes(self, _call: Call) -> list[Values]:
        members = self.corosync.members if self.corosync else {}
        return [{"node": name, **member.options(name)} for name, member in members.items()]

    async def _totem(self, _call: Call) -> Values | None:
        return self.corosync.totem() if self.corosync else None

    async def _qdevice(self, _call: Call) -> Values:
        return {}

    async def _join_version(self, _call: Call) -> str:
        return str(JOIN_API_VERSION)

    async def _join_info(self, call: Call) -> Values:
        config = self.corosync
        if config is None:
            raise PveError(FAILED_DEPENDENCY, NOT_CLUSTERED)
        preferred = call.get("node") or self.reached_node()
        if preferred not in config.members:
            raise die(f"unknown node '{preferred}'")
        return {
            "nodelist": [self._join_entry(name, member) for name, member in config.members.items()],
            "preferred_node": preferred,
            "totem": config.totem(),
            "config_digest": config.digest(),
        }

    def _join_entry(self, name: str, member: Member) -> Values:
        return {**member.options(name), "pve_addr": self.address_of(name), "pve_fp": self.fingerprint_of(name)}

    # --------------------------------------------------------------- creating

    async def _create_cluster(self, call: Call) -> str:
        if self.corosync is not None:
            raise die(f"cluster config '{CONFIG_FILE}' already exists")

        async def body() -> None:
            for line in CREATED:
                log_line(line)
            self._found(call)

        upid: str = await self.task(self.node, "clustercreate", call["clustername"], call.user, body)
        return upid

    def _found(self, call: Call) -> None:
        """Write the configuration of a cluster of this node alone."""
        addresses, priorities = links_of(call.values)
        links = addresses or {0: self.address_of(self.node)}
        member = Member(int(call.get("nodeid") or 1), int(call.get("votes") or 1), links)
        coefficient = int(call.get("token-coefficient", TOKEN_COEFFICIENT))
        self._corosync = Corosync(call["clustername"], 1, coefficient, priorities, {self.node: member})
        self.cluster_name = call["clustername"]
        self._clustered_from = self.clock.now() + SETTLES

    # ----------------------------------------------------------------- nodes

    async def _add_node(self, call: Call) -> Values:
        config = self.corosync
        if config is None:
            raise PveError(500, "invalid corosync.conf", {"error0": "no nodes found"})
        addresses, _ = links_of(call.values)
        if not addresses and not call.get("new_node_ip"):
            raise die(NO_LINKS)
        links = addresses or dict.fromkeys(config.links()[:1], call["new_node_ip"])
        try:
            self.admit(call["node"], links, call.values)
        except CorosyncError as error:
            raise die(str(error)) from error
        self.nodes.setdefault(call["node"], {"state": "off"})
        return {"corosync_authkey": secrets.token_hex(16), "corosync_conf": config.text(), "warnings": []}

    def admit(self, node: str, links: dict[int, str], values: Values) -> None:
        """Add a node to the configuration. Raises CorosyncError."""
        config = self.corosync
        if config is None:
            raise CorosyncError("invalid corosync.conf")
        votes = int(values.get("votes", 1))
        member = Member(int(values.get("nodeid") or config.free_id()), votes, links)
        config.add(node, member, force=bool(values.get("force")))

    async def _remove_node(self, call: Call) -> None:
        if call["node"] == self.reached_node():
            raise die("Cannot delete myself from cluster!")
        try:
            name = self.corosync.remove(call["node"]) if self.corosync else ""
        except CorosyncError as error:
            raise die(str(error)) from error
        self.nodes.pop(name, None)
        for door in self.doors_of(name):
            await door.close()

    # ---------------------------------------------------------------- joining

    async def _join(self, call: Call) -> str:
        node = self.reached_node()

        async def body() -> None:
            await self._join_steps(node, call)

        upid: str = await self.task(node, "clusterjoin", "", call.user, body)
        return upid

    async def _join_steps(self, node: str, call: Call) -> None:
        addresses, _ = links_of(call.values)
        self._check_joinable(node, addresses, force=bool(call.get("force")))
        cluster = self._log_in(node, call)
        log_line("Login succeeded.")
        log_line("check cluster join API version")
        own = self.address_of(node)
        if not addresses:
            log_line(f"No cluster network links passed explicitly, fallback to local node IP '{own}'")
        log_line("Request addition of this node")
        await self.clock.sleep(STOPS)
        self._request_addition(cluster, node, addresses or {0: own}, call.values)
        log_line("Join request OK, finishing setup locally")
        log_line("stopping pve-cluster service")
        log_line(f"backup old database to '/var/lib/pve-cluster/backup/config-{int(self.clock.now())}.sql.gz'")
        await self._change_over(node, cluster)
        log_line(f"successfully added node '{node}' to cluster.")

    def _check_joinable(self, node: str, links: dict[int, str], *, force: bool) -> None:
        errors = list(self._reasons_against(node, links))
        if not errors:
            return
        log_line("detected the following error(s):")
        for error in errors:
            for line in error.split("\n"):
                log_line(line)
        if not force:
            raise TaskError(NOT_JOINABLE)

    def _reasons_against(self, node: str, links: dict[int, str]) -> list[str]:
        clustered = self.corosync is not None
        guests = any(guest.node == node for guest in [*self.vms, *self.cts])
        own = self.addresses_of(node)
        files = [
            f"* authentication key '{KEY_FILE}' already exists",
            f"* cluster config '{CONFIG_FILE}' already exists",
        ]
        return [
            *(files if clustered else []),
            *(["* this host already contains virtual guests"] if guests else []),
            *(["* corosync is already running, is this node already in a cluster?!"] if clustered else []),
            *(
                f"* link{number}: cannot use IP '{address}', not found on local node!\n"
                for number, address in links.items()
                if address not in own
            ),
        ]

    def _log_in(self, node: str, call: Call) -> LabApi:
        """The API of the node that was named. Raises TaskError for one that does not let this node in."""
        host = call["hostname"]
        log_line(f"Establishing API connection with host '{host}'")
        obstacle = self.site.obstacle(node, host) if self.site else "No route to host"
        there = self.site.find(host) if self.site else None
        if obstacle or there is None or self.site is None:
            raise TaskError(f"500 Can't connect to {host}:8006 ({obstacle})")
        cluster = self.site.api_of(there)
        served = cluster.fingerprint_of(there)
        if str(call["fingerprint"]).upper() != served:
            raise TaskError(f"fingerprint '{served}' not verified, abort!")
        if not cluster.directory.login(ROOT, call["password"]):
            raise TaskError("401 authentication failure")
        return cluster

    @staticmethod
    def _request_addition(cluster: LabApi, node: str, links: dict[int, str], values: Values) -> None:
        errors: dict[str, Any] = {} if cluster.corosync else {"error0": "no nodes found"}
        try:
            cluster.admit(node, links, values)
        except CorosyncError as error:
            log_line(f"An error occurred on the cluster node: {error}")
            for text in errors.values():
                log_line(f"! {text}")
            raise TaskError("Cluster join aborted!") from error

    async def _change_over(self, node: str, cluster: LabApi) -> None:
        """The node is the cluster's; until its daemons have been restarted it knows nobody."""
        cluster._restarting.add(node)
        try:
            if self.site is not None:
                await self.site.join(node, cluster)
            for line in JOINED:
                log_line(line)
            await cluster.clock.sleep(RESTARTS)
        finally:
            cluster._restarting.discard(node)
