# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster of a document: one list of nodes, told to each of them, of which the first makes it and the others join.

What is done about the node that is asked is planned by the module cluster's resource. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Plan, Reader, Resource, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources import cluster
from ansible_collections.homelab.pve.plugins.module_utils.resources.cluster_info import STATUS, links_of, read_members

MEMBER: Options = {
    "name": {"type": "str", "required": True},
    "ip": {"type": "str"},
    "links": {"type": "list", "elements": "str"},
    "nodeid": {"type": "int"},
    "votes": {"type": "int"},
    "fingerprint": {"type": "str"},
}
"""A node of the list. ``ip`` is where the others reach it, and its first link unless there are ``links``."""

OPTIONS: Options = {
    "enabled": {"type": "bool", "default": True},
    "name": {"type": "str"},
    "nodes": {"type": "list", "elements": "dict", "options": MEMBER, "default": []},
    "token_coefficient": {"type": "int", "no_log": False},
    "peer_fingerprint": {"type": "str"},
    "peer_password": {"type": "str", "no_log": True},
    "wait_timeout": {"type": "float", "default": 300},
}
OWN = ("links", "nodeid", "votes")
"""What a member says about itself in the words of the module cluster."""

USUAL_VOTES = 1


@dataclass(frozen=True)
class Asked:
    """What is known of the node that is asked, and the addresses it is known by."""

    found: cluster.Found
    addresses: frozenset[str]


def describe(read: Reader, _wish: Values) -> Asked:
    """The node that is asked, its cluster if it is in one, and the guests that would keep it from joining."""
    found = cluster.describe(read, {"state": cluster.JOINED})
    rows = read.get(STATUS) or []
    return Asked(found, frozenset(str(row["ip"]) for row in rows if row.get("local") and row.get("ip")))


def plan(wish: Values, have: Asked) -> Plan:
    """Make the cluster, join it, or nothing. Raises ConfigError and RefusedError."""
    if not wish["enabled"]:
        return _alone(have.found)
    members = _members(wish)
    if have.found.members is not None:
        return _within(wish, members, have.found.members.nodes, have)
    own = _own(members, have)
    return _making(wish, own, have) if own is members[0] else _joining(wish, members[0], own, have)


def _alone(found: cluster.Found) -> Plan:
    there = found.members
    if there is None:
        return Plan(reason=f"node {found.node} is in no cluster, as wished (enabled: false)")
    stays = f"Node {found.node} stays in cluster {there.name}: Proxmox VE has no way out of a cluster (enabled: false)."
    return Plan(reason=f"node {found.node} is in cluster {there.name} and can't leave it", warnings=(stays,))


def _members(wish: Values) -> Sequence[Values]:
    """The nodes of the list. Raises ConfigError for a list nothing can be made of."""
    members: Sequence[Values] = wish["nodes"]
    names = [str(member["name"]) for member in members]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"Option 'nodes' of the cluster: {', '.join(twice)} stands there more than once.")
    missing = [option for option in ("name", "nodes") if not wish.get(option)]
    if missing:
        raise ConfigError(f"Option '{missing[0]}' of the cluster is needed: its name, and its nodes, the first first.")
    return members


def _own(members: Sequence[Values], have: Asked) -> Values:
    """The member that is the asked node: by its name, else by its address."""
    by_name = next((member for member in members if member["name"] == have.found.node), None)
    own = by_name or next((member for member in members if member.get("ip") in have.addresses), None)
    if own is None:
        known = ", ".join(f"{member['name']} ({member.get('ip') or 'no ip'})" for member in members)
        raise RefusedError(
            f"Node {have.found.node} ({', '.join(sorted(have.addresses)) or 'no address'}) is none of the cluster's "
            f"nodes: {known}. Add it to cluster.nodes, or ask another node (option host)."
        )
    return own


def _within(wish: Values, members: Sequence[Values], there: Mapping[str, Values], have: Asked) -> Plan:
    """The node is in a cluster: whether in this one, and who is missing."""
    own = next((member for member in members if member["name"] == have.found.node), {})
    known = {name for name, entry in there.items()} | {str(entry.get("pve_addr")) for entry in there.values()}
    absent = [str(member["name"]) for member in members if not {member["name"], member.get("ip")} & known]
    plan = cluster.plan({"state": cluster.CREATED, "clustername": wish["name"], **_said(own)}, have.found)
    return replace(plan, warnings=tuple(_remarks(wish, members, absent, there)))


def _remarks(
    wish: Values, members: Sequence[Values], absent: Sequence[str], there: Mapping[str, Values]
) -> Iterator[str]:
    if absent:
        yield (
            f"Not in cluster {wish['name']} yet: {', '.join(absent)}. Apply the document on each of them "
            "(playbooks/state-fleet.yml does)."
        )
    named = {member["name"] for member in members} | {member.get("ip") for member in members}
    extra = sorted(name for name, entry in there.items() if not {name, entry.get("pve_addr")} & named)
    if extra:
        yield (
            f"In cluster {wish['name']}, but not in the document: {', '.join(extra)}. A node is taken out, once it is "
            "switched off for good, by the module cluster (state: absent)."
        )


def _making(wish: Values, own: Values, have: Asked) -> Plan:
    given = {"clustername": wish["name"], "token_coefficient": wish.get("token_coefficient"), **_own_options(own)}
    return cluster.plan({"state": cluster.CREATED, **given}, have.found)


def _joining(wish: Values, first: Values, own: Values, have: Asked) -> Plan:
    peer = {
        "hostname": first.get("ip") or first["name"],
        "peer_fingerprint": wish.get("peer_fingerprint") or first.get("fingerprint"),
        "peer_password": wish.get("peer_password"),
    }
    missing = [option for option, value in peer.items() if not value]
    if missing:
        raise ConfigError(
            f"Option '{missing[0]}' of the cluster is needed for node {have.found.node} to join the cluster of "
            f"{peer['hostname']}: the SHA-256 fingerprint of that node's certificate (the module cluster_info tells "
            "it), and the password of root@pam there, best as a secret: ${secret:cluster.password}."
        )
    plan = cluster.plan({"state": cluster.JOINED, **peer, **_own_options(own), "force": False}, have.found)
    later = f"Once node {have.found.node} has joined, it has what the cluster has: the rest is then planned anew."
    return replace(plan, warnings=(later,))


def _said(own: Values) -> dict[str, Json]:
    """What a member says about itself."""
    return {option: own[option] for option in OWN if own.get(option) is not None}


def _own_options(own: Values) -> dict[str, Json]:
    """A member's own options. Its address is its first link, where it is one that corosync takes."""
    told = _said(own)
    return told if "links" in told or not _is_address(own.get("ip")) else {**told, "links": [own["ip"]]}


def _is_address(text: Json) -> bool:
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return True


def result(have: Asked) -> dict[str, Json]:
    """The cluster with its nodes; nothing of a node that is in none."""
    return cluster.result(have.found)


def listed(read: Reader) -> Iterator[dict[str, Json]]:
    """The cluster of the node that is asked, as an entry. Who joins and how is not kept by anybody."""
    there = read_members(read)
    if there is not None:
        yield {"name": there.name, "nodes": [_member(name, there.nodes[name]) for name in _by_id(there.nodes)]}


def _by_id(nodes: Mapping[str, Values]) -> list[str]:
    """The node that made the cluster is the first."""
    return sorted(nodes, key=lambda name: (int(nodes[name]["nodeid"]), name))


def _member(name: str, entry: Values) -> dict[str, Json]:
    links, votes = links_of(entry), int(entry["quorum_votes"])
    address = entry.get("pve_addr") or next(iter(links), None)
    return {
        "name": name,
        "ip": address,
        **({"links": links} if links != [address] else {}),
        **({"votes": votes} if votes != USUAL_VOTES else {}),
    }


FLEET = Resource(
    kind="cluster",
    options=OPTIONS,
    describe=describe,
    plan=plan,
    result=result,
    writes=(f"POST {cluster.CONFIG}", f"POST {cluster.JOIN}"),
)
