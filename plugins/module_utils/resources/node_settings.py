# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a node, in the parts PVE keeps them in: DNS, hosts, time zone, options, subscription.

Each part is read and written at a path of its own (PVE::API2::Nodes, PVE::API2::NodeConfig, PVE::API2::Subscription).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    DESCRIPTION,
    INTEGER,
    TEXT,
    Codec,
    Json,
    Properties,
    matching,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Change,
    Field,
    Step,
    Values,
    decoded,
    encoded,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError

KEY_FORM = re.compile(r"pve\d[a-z](?:-arm)?-[0-9a-f]{10}")
SERVERS = ("dns1", "dns2", "dns3")
DOMAINS = 6
"""How many options acmedomain0, acmedomain1, ... there are."""


@dataclass(frozen=True)
class Part:
    """What is read at one path. ``steps`` writes changes: node, what is there in PVE's form, and the changes."""

    path: str
    fields: tuple[Field, ...]
    steps: Callable[[str, Values, Sequence[Change]], tuple[Step, ...]]
    writes: tuple[str, ...] = ("PUT",)

    def wanted(self, wish: Values) -> bool:
        """Whether something of it is wished."""
        return any(wish.get(item.name) is not None for item in self.fields)

    def at(self, node: str) -> str:
        """Where it is."""
        return url("/nodes/{}/{}", node, self.path)


def _reason(node: str, changes: Sequence[Change]) -> str:
    return f"set {', '.join(sorted(change.key for change in changes))} of node {node}"


def _after(fields: Sequence[Field], have: Values, changes: Sequence[Change]) -> dict[str, Json]:
    """What will be there, by option."""
    return {**decoded(fields, have), **{change.key: change.after for change in changes}}


# ------------------------------------------------------------------------- DNS


def _address(value: object) -> str:
    return str(ip_address(str(value))) if value not in (None, "") else ""


ADDRESS = Codec(_address, _address, TEXT.encode)


def _dns(node: str, have: Values, changes: Sequence[Change]) -> tuple[Step, ...]:
    """PVE writes the file anew: what isn't sent is gone, and there is no file without a search domain."""
    after = _after(DNS.fields, have, changes)
    if not after.get("search"):
        raise ConfigError(f"Cannot set DNS of node {node}: Proxmox VE needs a search domain with it. Set search.")
    set_, told = [name for name in SERVERS if after.get(name)], list(SERVERS)
    if set_ != told[: len(set_)]:
        gap = next(name for name in SERVERS if not after.get(name))
        raise ConfigError(f"Cannot set DNS of node {node}: {set_[-1]} is set and {gap} is not. Set them in order.")
    params = {name: after[name] for name in ("search", *SERVERS) if after.get(name)}
    return (Step("PUT", DNS.at(node), params, _reason(node, changes)),)


DNS = Part("dns", (Field("search"), *(Field(name, ADDRESS) for name in SERVERS)), _dns)

# ----------------------------------------------------------------------- hosts

LOOPBACK = re.compile(r"127\.|::1$|0\.0\.0\.0$")
FILE = Codec(DESCRIPTION.parse, DESCRIPTION.decode, lambda text: f"{text}\n")


def names_node(text: str, node: str) -> bool:
    """Whether a line of a hosts file gives the node an address that others can reach."""
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    return any(node in line[1:] and not LOOPBACK.match(line[0]) for line in lines if line)


def _hosts(node: str, have: Values, changes: Sequence[Change]) -> tuple[Step, ...]:
    """A node finds its own address by this file, and its services don't start without it (pvecm(1))."""
    (change,) = changes
    if not names_node(str(change.after or ""), node):
        raise RefusedError(
            f"Cannot set hosts of node {node}: no line gives {node} an address other than a loopback one, and Proxmox "
            f"VE does not start without it. Add a line such as '192.0.2.10 {node}.example.com {node}'."
        )
    params = {**encoded(changes), **({"digest": have["digest"]} if have.get("digest") else {})}
    return (Step("POST", HOSTS.at(node), params, _reason(node, changes)),)


HOSTS = Part("hosts", (Field("hosts", FILE, wire="data"),), _hosts, ("POST",))

# ------------------------------------------------------------------------ time


def _time(node: str, _have: Values, changes: Sequence[Change]) -> tuple[Step, ...]:
    if changes[0].after is None:
        raise ConfigError(f"Option 'timezone' is empty: node {node} always has a time zone. Set UTC for none.")
    advice = {"No such timezone": "Choose one of those that timedatectl list-timezones shows on the node."}
    return (Step("PUT", TIME.at(node), encoded(changes), _reason(node, changes), advice=advice),)


ZONE = matching(r"[A-Za-z0-9_+/-]+", "the name of a time zone such as Europe/Vienna")
TIME = Part("time", (Field("timezone", ZONE),), _time)

# --------------------------------------------------------------------- options

WAKEONLAN = Properties(
    default_key="mac",
    kinds={"mac": "mac", "bind-interface": "str", "broadcast-address": "str"},
    defaults={"broadcast-address": "255.255.255.255"},
)
ACME = Properties(kinds={"account": "str", "domains": "set"}, defaults={"account": "default"})
ACME_DOMAIN = Properties(
    default_key="domain",
    kinds={"domain": "lower", "plugin": "str", "alias": "lower"},
    defaults={"plugin": "standalone"},
)


def _config(node: str, have: Values, changes: Sequence[Change]) -> tuple[Step, ...]:
    params = {**encoded(changes), **({"digest": have["digest"]} if have.get("digest") else {})}
    return (Step("PUT", CONFIG.at(node), params, _reason(node, changes)),)


CONFIG = Part(
    "config",
    (
        Field("description", DESCRIPTION),
        Field("wakeonlan", WAKEONLAN.codec()),
        Field("startall_onboot_delay", within(INTEGER, 0, 300), wire="startall-onboot-delay", default=0),
        Field("ballooning_target", within(INTEGER, 0, 100), wire="ballooning-target", default=80),
        Field("acme", ACME.codec()),
        *(Field(f"acmedomain{number}", ACME_DOMAIN.codec()) for number in range(DOMAINS)),
    ),
    _config,
)

# ---------------------------------------------------------------- subscription


def _key(value: object) -> str:
    text = str(value).strip()
    if text and not KEY_FORM.fullmatch(text):
        raise ValueError("it is no subscription key; these look like pve2c-0123456789")
    return text


def _subscription(node: str, have: Values, changes: Sequence[Change]) -> tuple[Step, ...]:
    """Proxmox VE checks a key with Proxmox' server when it is set."""
    if "serverid" not in have:
        raise RefusedError(
            f"Proxmox VE hides the subscription key of node {node} from the login. Grant Sys.Audit on /nodes/{node} to "
            "the user, and to the token if it has privilege separation."
        )
    (change,) = changes
    if change.after is None:
        return (Step("DELETE", SUBSCRIPTION.at(node), {}, f"remove the subscription key of node {node}"),)
    return (Step("PUT", SUBSCRIPTION.at(node), encoded(changes), _reason(node, changes)),)


SUBSCRIPTION = Part(
    "subscription",
    (Field("subscription_key", Codec(_key, _key, TEXT.encode), wire="key", secret=True, readable=True),),
    _subscription,
    ("PUT", "DELETE", "POST"),
)


def checking(node: str, have: Values, max_age: int, now: float) -> tuple[Step, ...]:
    """Have the subscription's key checked again when the last check is older than ``max_age`` seconds."""
    if not have.get("key") or now - float(have.get("checktime") or 0) <= max_age:
        return ()
    reason = f"check the subscription key of node {node}"
    return (Step("POST", SUBSCRIPTION.at(node), {"force": 1}, reason),)


PARTS = (DNS, HOSTS, TIME, CONFIG, SUBSCRIPTION)
FIELDS: tuple[Field, ...] = tuple(item for part in PARTS for item in part.fields)
SUBSCRIPTION_TOLD = ("status", "productname", "level", "nextduedate", "message")


def shown(answers: Mapping[str, Values]) -> dict[str, Json]:
    """The parts that were read, by option; secrets left out."""
    found: dict[str, Json] = {}
    for part in PARTS:
        if part.path in answers:
            found |= decoded([item for item in part.fields if not item.secret], answers[part.path])
    if SUBSCRIPTION.path in answers:
        told = answers[SUBSCRIPTION.path]
        found["subscription"] = {name: told[name] for name in SUBSCRIPTION_TOLD if told.get(name) is not None}
    return found
