# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be checked of nodes, storages, users, tokens and the cluster."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.codecs import truth
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.state.policy import (
    PATTERNS,
    Check,
    Judged,
    Subject,
    judged,
    like,
    unknown,
)
from ansible_collections.homelab.pve.plugins.module_utils.state.policy_facts import DAY, ONLINE, Facts

SEEING_FACTORS = ("User.Modify", "Sys.Audit")
"""Either of them, on /access/groups, shows the second factors of others (PVE::API2::TFA)."""

BY_PASSWORD = ("passwordauthentication", "kbdinteractiveauthentication")
"""Options of sshd with which it asks for a password."""

LETS_IN = frozenset({"yes"})
"""Of PermitRootLogin: what lets root in by password (sshd_config(5))."""


def certificate_expiry(facts: Facts, subject: Subject, options: Values) -> Judged:
    """The certificate it serves ends late enough."""
    found = facts.certificate(subject.id)
    if found is None or not found.get("notafter"):
        return unknown("the node doesn't tell its certificate")
    days = (float(found["notafter"]) - facts.now) / DAY
    return judged(
        days >= options["min_days"],
        f"its certificate {found['filename']} ends in {days:.0f} days" if days >= 0 else "its certificate has ended",
        f"a certificate for {options['min_days']} days at least",
        "Renew it: module certificate for one of your own, pvecm updatecerts --force for the node's own.",
    )


def subscription(facts: Facts, subject: Subject, _options: Values) -> Judged:
    """Its subscription is active."""
    found = str(facts.subscription(subject.id).get("status") or "notfound").lower()
    remedy = "Set a subscription key, or leave this policy out where the enterprise repository isn't used."
    return judged(found == "active", f"its subscription is {found}", "an active subscription", remedy)


def no_root_password(facts: Facts, subject: Subject, _options: Values) -> Judged:
    """Nobody gets in as root by a password."""
    if subject.id != facts.here():
        return unknown(
            f"only the sshd of {facts.here()} can be asked, which this run is connected to",
            f"Run it against {subject.id} with transport: ssh.",
        )
    try:
        told = facts.sshd()
    except ConfigError:
        return unknown("HTTPS doesn't lead to the node's sshd", "Run it with transport: ssh.")
    root = told.get("permitrootlogin", "")
    words = [option for option in BY_PASSWORD if told.get(option) == "yes"]
    found = f"PermitRootLogin is {root}, and sshd takes {' and '.join(words) or 'keys only'}"
    remedy = "Set PermitRootLogin prohibit-password in /etc/ssh/sshd_config, and reload ssh. Put your key there first."
    return judged(root not in LETS_IN or not words, found, "no login as root by a password", remedy)


def node_online(_facts: Facts, subject: Subject, _options: Values) -> Judged:
    """It is there."""
    found = str(subject.thing.get("status") or "unknown")
    return judged(found == ONLINE, f"it is {found}", "a node that is online", "Look at the node, and its network.")


def memory_overcommit(facts: Facts, subject: Subject, options: Values) -> Judged:
    """Its guests don't have more memory than it may promise."""
    rows = facts.read.get("/cluster/resources", {"type": "vm"}) or ()
    mine = [row for row in rows if row.get("node") == subject.id and not truth(row.get("template") or 0)]
    counted = [row for row in mine if options["stopped"] or row.get("status") == "running"]
    total = int(subject.thing.get("maxmem") or 0)
    if not total:
        return unknown("the node doesn't tell its memory")
    percent = 100 * sum(int(row.get("maxmem") or 0) for row in counted) / total
    return judged(
        percent <= options["max_percent"],
        f"{len(counted)} guests have {percent:.0f} % of its memory",
        f"{options['max_percent']:g} % at most",
        "Move guests to another node, or give them less memory.",
    )


def storage_space(facts: Facts, subject: Subject, options: Values) -> Judged:
    """It isn't too full."""
    rows = facts.spaces(subject.id)
    if not rows:
        return unknown("no node tells how full it is")
    fill = {str(row["node"]): 100 * float(row.get("disk") or 0) / float(row["maxdisk"]) for row in rows}
    node, percent = max(fill.items(), key=lambda item: item[1])
    return judged(
        percent <= options["max_percent"],
        f"{percent:.0f} % of it is used (on {node})",
        f"{options['max_percent']:g} % at most",
        "Remove what is not needed (modules prune, storage_content), or enlarge it.",
    )


def retention(_facts: Facts, subject: Subject, _options: Values) -> Judged:
    """What takes backups says how many are kept."""
    row = subject.thing
    if "backup" not in str(row.get("content") or ""):
        return judged(True, "it takes no backups", "", "")
    found = str(row.get("prune-backups") or "")
    good = bool(found) and "keep-all=1" not in found
    remedy = "Set prune_backups of the storage, such as {keep-daily: 7, keep-weekly: 4}, or it fills up."
    return judged(good, f"it keeps {found or 'all backups'}", "a bound for the number of backups", remedy)


def two_factor(facts: Facts, subject: Subject, _options: Values) -> Judged:
    """The user has a second factor."""
    if not truth(subject.thing.get("enable", 1)):
        return judged(True, "the user is disabled", "", "")
    if subject.id in facts.with_second_factor():
        return judged(True, "there is a second factor", "a second factor", "")
    if not facts.may(SEEING_FACTORS, "/access/groups"):
        return unknown("the login may not see others' second factors", "Grant Sys.Audit on /access/groups.")
    remedy = "Let the user add one in the web interface, or add a TOTP with the module tfa_entry."
    return judged(False, "there is no second factor", "a second factor", remedy)


def token_separation(_facts: Facts, subject: Subject, _options: Values) -> Judged:
    """The token has privileges of its own."""
    good = truth(subject.thing.get("privsep", 1))
    found = "it has privileges of its own" if good else "it may do all that its user may"
    return judged(good, found, "privilege separation", "Set privsep: true, and give the token entries in acl.")


def token_expiry(facts: Facts, subject: Subject, options: Values) -> Judged:
    """The token ends some day."""
    ends = int(subject.thing.get("expire") or 0)
    wanted = f"an end within {options['max_days']} days" if options["max_days"] is not None else "an end"
    remedy = "Set expire of the token, and make a new one before it ends."
    if not ends:
        return judged(False, "it never ends", wanted, remedy)
    days = (ends - facts.now) / DAY
    found = f"it ends in {days:.0f} days" if days >= 0 else "it has ended"
    return judged(options["max_days"] is None or days <= options["max_days"], found, wanted, remedy)


def same_version(facts: Facts, _subject: Subject, _options: Values) -> Judged:
    """All nodes run the same release."""
    online = [str(row["node"]) for row in facts.nodes() if row.get("status", ONLINE) == ONLINE]
    versions = {node: facts.version(node) for node in online}
    found = ", ".join(f"{node} has {version}" for node, version in versions.items())
    remedy = "Update the nodes behind, one after the other, with their guests moved away."
    return judged(len(set(versions.values())) <= 1, found, "the same release on all nodes", remedy)


def quorum(facts: Facts, _subject: Subject, options: Values) -> Judged:
    """The cluster has a majority, and nodes enough."""
    rows = facts.cluster()
    cluster = next((row for row in rows if row.get("type") == "cluster"), None)
    online = sum(truth(row.get("online") or 0) for row in rows if row.get("type") == "node")
    quorate = cluster is None or truth(cluster.get("quorate") or 0)
    return judged(
        quorate and online >= options["min_nodes"],
        f"{online} nodes are online, {'with' if quorate else 'without'} quorum",
        f"quorum, and {options['min_nodes']} nodes online at least",
        "Bring the nodes back, or add some (module cluster).",
    )


def cluster_firewall(facts: Facts, _subject: Subject, _options: Values) -> Judged:
    """The firewall is on; without it no other is."""
    on = int((facts.read.get("/cluster/firewall/options") or {}).get("enable") or 0) > 0
    remedy = "Allow your own access first, then set enable: true (firewall.options, level cluster)."
    return judged(on, f"the firewall is {'on' if on else 'off'}", "the firewall on", remedy)


def bridges_allowed(facts: Facts, subject: Subject, options: Values) -> Judged:
    """A node has no other bridges than these."""
    rows = facts.read.get(f"/nodes/{subject.id}/network") or ()
    there = sorted(str(row["iface"]) for row in rows if row.get("type") in ("bridge", "OVSBridge"))
    wrong = [name for name in there if not like(name, options["allowed"])]
    return judged(
        not wrong,
        f"it has {', '.join(wrong or there) or 'no bridge'}",
        f"no bridge but {', '.join(map(str, options['allowed']))}",
        "Remove the bridge (network of a document), or allow it.",
    )


PERCENT: Options = {"max_percent": {"type": "float", "required": True}}

ESTATE_CHECKS: tuple[Check, ...] = (
    Check(
        "certificate_expiry",
        "nodes",
        certificate_expiry,
        "The certificate the node serves holds for O(min_days) days more.",
        {"min_days": {"type": "float", "default": 30}},
    ),
    Check("subscription", "nodes", subscription, "The node's subscription is active."),
    Check("no_root_password", "nodes", no_root_password, "Nobody gets in by SSH as root with a password."),
    Check("online", "nodes", node_online, "The node is online."),
    Check(
        "memory_overcommit",
        "nodes",
        memory_overcommit,
        "The guests that run (with O(stopped) all) have no more than O(max_percent) % of the node's memory.",
        {**PERCENT, "stopped": {"type": "bool", "default": False}},
    ),
    Check(
        "node_bridges",
        "nodes",
        bridges_allowed,
        "The node has no bridge but O(allowed).",
        {"allowed": {**PATTERNS, "required": True}},
    ),
    Check("storage_space", "storages", storage_space, "No more than O(max_percent) % of the storage is used.", PERCENT),
    Check("retention", "storages", retention, "A storage that takes backups says how many of them are kept."),
    Check("two_factor", "users", two_factor, "A user who is enabled has a second factor."),
    Check("token_separation", "tokens", token_separation, "The token has privileges of its own."),
    Check(
        "token_expiry",
        "tokens",
        token_expiry,
        "The token ends, within O(max_days) days where that is set.",
        {"max_days": {"type": "float"}},
    ),
    Check("same_version", "cluster", same_version, "All nodes run the same release of Proxmox VE."),
    Check(
        "quorum",
        "cluster",
        quorum,
        "The cluster has quorum, and O(min_nodes) nodes online.",
        {"min_nodes": {"type": "int", "default": 1}},
    ),
    Check("cluster_firewall", "cluster", cluster_firewall, "The firewall is switched on for the cluster."),
)
