# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making a cluster, joining one, and taking a node out (PVE::API2::ClusterConfig; API: ``/cluster/config``)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    INTEGER,
    TEXT,
    Codec,
    Json,
    Properties,
    matching,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Until,
    Values,
    decoded,
    diff,
    parsed,
    shown,
    url,
    views,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.cluster_info import (
    Members,
    cluster,
    is_quorate,
    links_of,
    read_members,
)

CONFIG = "/cluster/config"
JOIN = f"{CONFIG}/join"
LINKS = 8
CREATED, JOINED, REMOVED = "present", "joined", "absent"

LINK = Properties(default_key="address", kinds={"address": "str", "priority": "int"}, limits={"priority": (0, 255)})


def _links(value: Json) -> list[str]:
    found = [LINK.encode(LINK.parse(item)) for item in ([value] if isinstance(value, str) else value)]
    if len(found) > LINKS:
        raise ValueError(f"these are {len(found)} links; a cluster has {LINKS} at most")
    return found


LINK_LIST = Codec(_links, _links, ", ".join, ansible_type="list", ansible_spec={"elements": "str"})


def _fingerprint(value: object) -> str:
    text = str(value)
    digits = re.sub("[: ]", "", text).upper()
    if not re.fullmatch(r"[0-9A-F]{64}", digits):
        raise ValueError(f"'{text}' is no SHA-256 fingerprint: it has 32 pairs of hexadecimal digits, as AB:CD:...")
    return ":".join(digits[index : index + 2] for index in range(0, len(digits), 2))


FIELDS: tuple[Field, ...] = (
    Field(
        "clustername",
        matching(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,13}[A-Za-z0-9])?", "a name of 15 letters, digits and '-' at most"),
    ),
    Field("links", LINK_LIST),
    Field("nodeid", within(INTEGER, 1)),
    Field("votes", within(INTEGER, 0)),
    Field("token_coefficient", within(INTEGER, 0), wire="token-coefficient", spec={"no_log": False}),
)
# The connection has a password and a fingerprint of its own, so the other node's are named after it.
PEER: tuple[Field, ...] = (
    Field("hostname"),
    Field("peer_fingerprint", replace(TEXT, parse=_fingerprint), wire="fingerprint"),
    Field("peer_password", wire="password", secret=True),
)
CREATION_ONLY = ("clustername", "token_coefficient")
"""What the other nodes of a cluster have decided on already."""

OPTIONS: Options = {
    "state": {"type": "str", "choices": [CREATED, JOINED, REMOVED], "default": CREATED},
    "node": {"type": "str"},
    "force": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 300},
}
WRITES = (f"POST {CONFIG}", f"POST {JOIN}", f"DELETE {CONFIG}/nodes/{{}}")

ADVICE: Values = {
    r"fingerprint '.*' not verified": "This is the fingerprint that the node at hostname has: make sure that it is the "
    "one you mean, and set peer_fingerprint to it. The module cluster_info tells the fingerprints of a cluster. "
    "Nothing was changed.",
    r"401 authentication failure": "peer_password is the password of root@pam on the node at hostname. Nothing was "
    "changed.",
    r"Can't connect to": "hostname is an address of a node of the cluster that the joining node can reach. Nothing was "
    "changed.",
    r"cannot use IP '.*', not found on local node": "links are addresses of the joining node itself. Nothing was "
    "changed.",
    r"no nodes found|invalid corosync\.conf": "The node at hostname is in no cluster: make one there first "
    "(state: present).",
    r"link \d+ exists in cluster config|doesn't exist in cluster config": "Give as many links as the cluster has; the "
    "module cluster_info lists them.",
    r"can't add existing node": "The cluster has a node of this name. If that is gone for good, take it out first "
    "(state: absent with node, asked of a node of the cluster).",
    r"its certificate is not trusted": "The node has got a certificate of its cluster. Connect with the cluster's "
    "ca_path (/etc/pve/pve-root-ca.pem) or the new fingerprint from now on, and run again.",
}


@dataclass(frozen=True)
class Found:
    """What is known: the cluster, None of a node that is in none, and what the wish needs to be judged by."""

    node: str
    """Name of the node that was asked."""

    members: Members | None
    guests: tuple[int, ...] = ()
    """Ids of the guests of a node that is to join."""

    online: frozenset[str] = frozenset()
    """Nodes of the cluster that are on; read for a removal only."""


def describe(read: Reader, wish: Values) -> Found:
    """The cluster that the asked node is in."""
    members = read_members(read)
    if members is not None:
        online = _online(read) if wish["state"] == REMOVED and wish.get("node") in members.nodes else frozenset()
        return Found(members.asked, members, online=online)
    rows = read.get("/cluster/status")
    guests = read.get("/cluster/resources", {"type": "vm"}) if wish["state"] == JOINED else ()
    node = next(str(row["name"]) for row in rows if row.get("local"))
    return Found(node, None, tuple(sorted(int(row["vmid"]) for row in guests)))


def _online(read: Reader) -> frozenset[str]:
    rows = read.get("/cluster/status")
    return frozenset(str(row["name"]) for row in rows if row["type"] == "node" and row.get("online"))


def plan(wish: Values, have: Found) -> Plan:
    """Make, join, take out, or nothing."""
    return {CREATED: _creation, JOINED: _joining, REMOVED: _removal}[str(wish["state"])](wish, have)


def _creation(wish: Values, have: Found) -> Plan:
    wished = parsed(FIELDS, wish)
    if have.members is not None:
        return _unchanged(wished, have, have.members)
    _need(wish, ("clustername",), f"make a cluster of node {have.node}")
    name = wished["clustername"]
    return _plan(have, CONFIG, wished, f"make cluster {name} of node {have.node}")


def _joining(wish: Values, have: Found) -> Plan:
    _need(wish, ("hostname",), "join a cluster")
    wished = parsed((*FIELDS, *PEER), wish)
    there = have.members
    if there is not None:
        if not _belongs(wished, there):
            raise RefusedError(
                f"Cannot join the cluster of {wish['hostname']}: node {have.node} is in cluster {there.name} already, "
                "which has no node of this name, address or fingerprint. A node can't change its cluster: install it "
                "anew, or see to it by hand (Proxmox VE's manual, separate a node without reinstalling)."
            )
        return _unchanged(wished, have, there)
    reason = f"join the cluster of {wish['hostname']} with node {have.node}"
    _need(wish, ("peer_fingerprint", "peer_password"), reason)
    if have.guests and not wish["force"]:
        raise RefusedError(
            f"Cannot {reason}: it has guests: {', '.join(map(str, have.guests))}. Proxmox VE takes in empty nodes "
            "only, as ids may be used twice. Back the guests up and remove them, then restore them in the cluster."
        )
    sent = {name: value for name, value in wished.items() if name not in CREATION_ONLY}
    return _plan(have, JOIN, sent, reason, force=bool(wish["force"]))


def _plan(have: Found, path: str, wished: Values, reason: str, *, force: bool = False) -> Plan:
    """The one step, which ends when the node belongs to a quorate cluster."""
    changes = diff((*FIELDS, *PEER), wished, {})
    links = {f"link{number}": link for number, link in enumerate(wished.get("links", ()))}
    values = {change.field.key: change.after for change in changes if change.key != "links"}
    params = {**values, **links, **({"force": 1} if force else {})}
    until = Until(
        lambda read: is_quorate(read) or None,
        f"node {have.node} does not belong to a quorate cluster after {{timeout}} s. Look at 'pvecm status' on it.",
    )
    before, after = views(changes)
    step = Step("POST", path, params, reason, once=True, until=until, restarts=True, advice=ADVICE)
    return Plan((step,), changes, before=before, after=after)


def _need(wish: Values, names: Sequence[str], reason: str) -> None:
    missing = [name for name in names if not wish.get(name)]
    if missing:
        raise ConfigError(f"Option '{missing[0]}' is needed to {reason}.")


def _belongs(wished: Values, there: Members) -> bool:
    """Whether the node that is to be joined is in the cluster already."""
    host = str(wished["hostname"])
    known = {name for node, entry in there.nodes.items() for name in (node, entry.get("pve_addr"), *links_of(entry))}
    prints = {str(entry.get("pve_fp", "")).upper() for entry in there.nodes.values()}
    return host in known or host.partition(".")[0] in there.nodes or wished.get("peer_fingerprint") in prints


def _unchanged(wished: Values, have: Found, there: Members) -> Plan:
    """No step. Raises RefusedError for what can't be changed: all that is set when a cluster is made or joined."""
    entry = there.nodes[have.node]
    wire = {
        "clustername": there.name,
        "nodeid": entry.get("nodeid"),
        "votes": entry.get("quorum_votes"),
        "token-coefficient": there.totem.get("token_coefficient"),
        "links": links_of(entry),
    }
    # Priorities are told beside the addresses, so only the addresses are compared.
    bare = {name: _addresses(value) if name == "links" else value for name, value in wished.items()}
    for change in diff(FIELDS, bare, decoded(FIELDS, wire)):
        raise RefusedError(
            f"Cannot change {change.key} of node {have.node} in cluster {there.name} from "
            f"{shown(change.field, change.before)} to {shown(change.field, change.after)}: Proxmox VE sets it only "
            "when a cluster is made or joined. Keep the present value, or edit /etc/pve/corosync.conf as its manual "
            "says."
        )
    return Plan(reason=f"node {have.node} is in cluster {there.name}")


def _addresses(links: Sequence[str]) -> list[str]:
    return [str(LINK.parse(link)["address"]) for link in links]


def _removal(wish: Values, have: Found) -> Plan:
    node = wish.get("node")
    if not node:
        raise ConfigError("Option 'node' is needed: the name of the node that is to leave its cluster.")
    there = have.members
    if there is None or node not in there.nodes:
        return Plan(reason=f"node {node} is not in the cluster of node {have.node}")
    reason = f"remove node {node} from cluster {there.name}"
    if node == have.node:
        raise RefusedError(
            f"Cannot {reason}: it is the node that was asked. Switch it off, and ask another one (option host)."
        )
    if node in have.online and not wish["force"]:
        raise RefusedError(
            f"Cannot {reason}: it is online. Switch it off first, for good: it must never come back as it is. With "
            "force it is removed all the same."
        )
    step = Step("DELETE", url(f"{CONFIG}/nodes/{{}}", node), {}, reason)
    return Plan((step,), before={"node": node})


def result(have: Found) -> dict[str, Json]:
    """The module's return value."""
    return {"cluster": cluster(have.members)} if have.members else {}


CLUSTER = Resource(
    kind="cluster",
    options=OPTIONS,
    fields=(*FIELDS, *PEER),
    describe=describe,
    plan=plan,
    result=result,
    writes=WRITES,
)
