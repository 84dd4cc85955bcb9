# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pvecm (PVE/CLI/pvecm.pm of pve-cluster), and what corosync-quorumtool prints (../golden cluster-create-join)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.commands import client, command, passwords
from lab.commands.client import ApiError, CommandError
from lab.commands.command import Command, Tree, as_line, lines, own, refusing
from lab.commands.options import Properties, Values

CONFIG = "/cluster/config"
NO_CLUSTER = "Error: Corosync config '/etc/pve/corosync.conf' does not exist - is this node part of a cluster?"
SECTION = "PVE::API2::ClusterConfig"
TEXT = {"type": "string"}
FLAG = {"type": "boolean", "optional": 1}
LINKS: Properties = {f"link{number}": {"type": "string", "optional": 1} for number in range(8)}
# corosync counts a ring up by four whenever the members change; in ../golden it is 5 with the first of a cluster.
RING_STEP, RING_START = 4, 1
BLOCKED = 2
# Seconds that a node which joins may take to answer again, and between two tries.
PATIENCE, PAUSE = 120.0, 0.2


@dataclass(frozen=True)
class Member:
    """A node of the cluster as corosync knows it."""

    name: str
    number: int
    address: str
    votes: int
    online: bool
    local: bool


@dataclass(frozen=True)
class Quorum:
    """The votes of a cluster as this node sees it."""

    name: str
    version: int
    members: tuple[Member, ...]
    expected: int
    quorate: bool

    @property
    def present(self) -> list[Member]:
        """The members that this node sees."""
        return [member for member in self.members if member.online]

    @property
    def total(self) -> int:
        """The votes that are there."""
        return sum(member.votes for member in self.present)

    @property
    def needed(self) -> int:
        """The votes it takes."""
        return self.expected // 2 + 1


def read() -> Quorum:
    """What the API knows of the cluster. Raises CommandError on a node that is in none."""
    entries: list[Mapping[str, Any]] = client.call("GET", "/cluster/status")
    whole = [entry for entry in entries if entry["type"] == "cluster"]
    if not whole:
        raise CommandError(NO_CLUSTER, client.NO_SUCH_FILE)
    votes, known = _votes(), client.local("quorum", {"node": client.node()})
    members = tuple(_member(entry, votes, known["seen"]) for entry in entries if entry["type"] == "node")
    expected = known["expected"] or sum(member.votes for member in members)
    cluster = whole[0]
    return Quorum(str(cluster["name"]), int(cluster["version"]), members, expected, bool(known["quorate"]))


def _votes() -> dict[str, int]:
    """Votes by node; a node has one unless its cluster says otherwise."""
    try:
        nodes = client.call("GET", f"{CONFIG}/nodes")
    except ApiError:
        return {}
    return {str(node.get("name", node.get("node"))): int(node.get("quorum_votes", 1)) for node in nodes}


def _member(entry: Mapping[str, Any], votes: Mapping[str, int], seen: Sequence[str]) -> Member:
    name = str(entry["name"])
    address = str(entry.get("ip", ""))
    return Member(name, int(entry["nodeid"]), address, votes.get(name, 1), name in seen, name == client.node())


def _titled(title: str, rows: list[tuple[str, object]]) -> list[str]:
    return [title, "-" * len(title), *(f"{label + ':':<17} {value}" for label, value in rows), ""]


def _members(quorum: Quorum) -> list[str]:
    rows = [
        f"0x{member.number:08x} {member.votes:>10} {member.address}{' (local)' if member.local else ''}"
        for member in quorum.present
    ]
    return ["Membership information", "----------------------", "    Nodeid      Votes Name", *rows]


def status_text(quorum: Quorum, now: str) -> str:
    """``pvecm status``."""
    lowest = min(member.number for member in quorum.present)
    here = next(member.number for member in quorum.members if member.local)
    blocked = " " if quorum.quorate else "Activity blocked"
    return lines(
        [
            *_titled(
                "Cluster information",
                [
                    ("Name", quorum.name),
                    ("Config Version", quorum.version),
                    ("Transport", "knet"),
                    ("Secure auth", "on"),
                ],
            ),
            *_titled(
                "Quorum information",
                [
                    ("Date", now),
                    ("Quorum provider", "corosync_votequorum"),
                    ("Nodes", len(quorum.present)),
                    ("Node ID", f"0x{here:08x}"),
                    ("Ring ID", f"{lowest:x}.{quorum.version * RING_STEP + RING_START:x}"),
                    ("Quorate", "Yes" if quorum.quorate else "No"),
                ],
            ),
            *_titled(
                "Votequorum information",
                [
                    ("Expected votes", quorum.expected),
                    ("Highest expected", quorum.expected),
                    ("Total votes", quorum.total),
                    ("Quorum", f"{quorum.needed} {blocked}"),
                    ("Flags", "Quorate " if quorum.quorate else ""),
                ],
            ),
            *_members(quorum),
        ]
    )


def nodes_text(quorum: Quorum) -> str:
    """``pvecm nodes``."""
    rows = [
        f"{member.number:>10} {member.votes:>10} {member.name}{' (local)' if member.local else ''}"
        for member in quorum.present
    ]
    return lines(["", "Membership information", "----------------------", "    Nodeid      Votes Name", *rows])


def status(_values: Values) -> str:
    """``pvecm status``: corosync-quorumtool ends with 2 when there is no quorum."""
    quorum = read()
    text = status_text(quorum, time.strftime("%a %b %e %H:%M:%S %Y"))
    if not quorum.quorate:
        command.write(text)
        raise CommandError("", BLOCKED)
    return text


def nodes(_values: Values) -> str:
    """``pvecm nodes``."""
    return nodes_text(read())


def expected(values: Values) -> None:
    """``pvecm expected``: so many votes are all there are, as far as corosync is concerned."""
    read()
    client.local("expected", {"node": client.node(), "votes": int(values["expected"])})


def update_certificates(values: Values) -> str:
    """``pvecm updatecerts``: the node's API keeps its certificate up to date by itself."""
    told = ["(re)generate node files"]
    told += ["generate new node certificate"] if values.get("force") else []
    return "" if values.get("silent") else lines([*told, "merge authorized SSH keys"])


def add(values: Values) -> None:
    """``pvecm add``: this node joins the cluster of another."""
    host = str(values.pop("hostname"))
    values.pop("use_ssh", None)
    password = passwords.read(f"Please enter superuser (root) password for '{host}': ")
    given = {"fingerprint": _fingerprint(host), **values, "hostname": host, "password": password}
    log: list[str] = []
    ended = _followed(client.call("POST", f"{CONFIG}/join", given), log)
    command.write("".join(log))
    if client.is_error(ended):
        raise CommandError(ended)


def _followed(upid: str, log: list[str]) -> str:
    """Wait for the task of a join, in the middle of which the node's daemons are restarted."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return client.follow(upid, log.append)
        except CommandError:
            log.clear()
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)


def _fingerprint(host: str) -> str:
    """The fingerprint of a host's certificate; PVE asks whether it is right, the lab takes it."""
    import hashlib  # noqa: PLC0415 - only this command needs them
    import ssl  # noqa: PLC0415

    try:
        pem = ssl.get_server_certificate((host, 8006), timeout=10)
    except OSError as error:
        raise CommandError(f"500 Can't connect to {host}:8006 ({error.strerror or error})") from error
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    return ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))


# What is there for PVE's own programs, or needs a server of its own.
NOT_HERE = "not in the lab, whose nodes have no corosync"

PVECM: Tree = {
    "apiver": Command("GET", f"{CONFIG}/apiversion", (), as_line, section=SECTION),
    "create": Command("POST", CONFIG, ("clustername",), section=SECTION),
    "addnode": Command("POST", CONFIG + "/nodes/{node}", ("node",), section=SECTION),
    "delnode": Command("DELETE", CONFIG + "/nodes/{node}", ("node",), section=SECTION),
    "add": Command(
        words=("hostname",),
        own=add,
        properties={
            "hostname": TEXT,
            "nodeid": {"type": "integer", "minimum": 1, "optional": 1},
            "votes": {"type": "integer", "minimum": 0, "optional": 1},
            "force": FLAG,
            "fingerprint": {"type": "string", "optional": 1},
            "use_ssh": FLAG,
            **LINKS,
        },
        section="PVE::CLI",
    ),
    "status": own(status),
    "nodes": own(nodes),
    "expected": own(expected, ("expected",), expected={"type": "integer", "minimum": 1}),
    "updatecerts": own(update_certificates, force=FLAG, silent=FLAG, unmerge_known_hosts={**FLAG, "default": 0}),
    "keygen": own(refusing(NOT_HERE), ("filename",), filename=TEXT),
    "mtunnel": own(refusing(NOT_HERE), ("extra-args",), extra_args={"type": "array", "optional": 1}),
    "qdevice": {
        "setup": own(refusing(NOT_HERE), ("address",), address=TEXT, network={**TEXT, "optional": 1}, force=FLAG),
        "remove": own(refusing(NOT_HERE)),
    },
}
