# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of a state document: settings of the cluster and its nodes, and what is declared once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values, url, without
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources import (
    acme_account,
    acme_plugin,
    cluster_options,
    hardware_mapping,
    metrics_server,
    node,
    node_repositories,
    notification_endpoint,
    notification_matcher,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.node_settings import PARTS
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Kept, Kind, Remark, nothing, secret
from ansible_collections.homelab.pve.plugins.module_utils.state.listers import declared, nodes

# ------------------------------------------------------------------- settings


def options(read: Reader) -> Iterator[Entry]:
    """The cluster's options that are set."""
    have = cluster_options.settings(cluster_options.describe(read, {}))
    found = {item.name: have[item.name] for item in cluster_options.FIELDS if not item.codec.empty(have.get(item.name))}
    if found:
        yield found


def settings(read: Reader) -> Iterator[Entry | Remark]:
    """What is set on each node that can be asked."""
    for name, online in nodes(read):
        if online:
            yield from _settings(read, name)
        else:
            yield Remark(f"Node {name} is offline: its settings are left out.")


def _settings(read: Reader, name: str) -> Iterator[Entry | Remark]:
    entry: Entry = {"node": name}
    for path, of_answer in _parts(name):
        try:
            entry |= of_answer(read.get(path) or {})
        except PveError as error:
            yield Remark(f"Node {name}: {error}")
    yield entry


def _parts(name: str) -> Iterator[tuple[str, Callable[[Values], Entry]]]:
    """What is read of a node, and what an answer says."""
    for part in PARTS:
        yield part.at(name), partial(declared, part.fields, hide=partial(secret, "nodes", name))
    yield url(node_repositories.PATH, name), _repositories


def _repositories(answer: Values) -> Entry:
    """Proxmox' own repositories that are configured, by their handles; others are told by place, which may differ."""
    rows = [row for row in answer.get("standard-repos") or () if row.get("status") is not None]
    found = [{"handle": row["handle"], "enabled": bool(int(row["status"]))} for row in rows]
    return {"repositories": found} if found else {}


ACTING = ("POST /nodes/{}/status", "POST /nodes/{}/wakeonlan", "POST /nodes/{}/subscription")
"""What restarts a node, wakes it, or has its subscription checked: a document says what is set, not what is done."""

NODE = replace(
    node.NODE,
    options={
        **without(node.NODE.options, "subscription_max_age"),
        "state": {"type": "str", "choices": ["present"], "default": "present"},
    },
    writes=tuple(write for write in node.NODE.writes if write not in ACTING),
)
# ------------------------------------------------------------------- hardware

PARTS_OF_MAPPING = ("type", "id", *(item.name for item in hardware_mapping.SECTION.fields))


def mappings(read: Reader) -> Iterator[Entry]:
    """The mappings of devices and folders, without what a check of them found."""
    for row in hardware_mapping.info(read, {})["mappings"]:
        yield {name: row[name] for name in PARTS_OF_MAPPING if row.get(name) not in (None, "")}


# -------------------------------------------------------------------- metrics

WITH_TOKEN = ("http", "https")


def metrics(read: Reader) -> Iterator[Entry]:
    """The metrics servers; the list says little, so each is read."""
    for name in sorted(str(row["id"]) for row in read.get("/cluster/metrics/server") or ()):
        hide = partial(secret, "metrics", name)
        have = read.get(url(metrics_server.ITEM, name))
        entry = {"id": name, **declared(metrics_server.FIELDS, have, hide)}
        if have.get("type") == "influxdb" and have.get("influxdbproto") in WITH_TOKEN:
            entry["token"] = hide("token")  # kept in a file of its own, which is never told
        yield entry


# -------------------------------------------------------------- notifications


TRIED = "test"
"""Option that sends a message."""

ENDPOINT = replace(
    notification_endpoint.NOTIFICATION_ENDPOINT,
    options=without(notification_endpoint.NOTIFICATION_ENDPOINT.options, TRIED),
    plan=lambda wish, have: notification_endpoint.plan({**wish, TRIED: "never"}, have),
    writes=tuple(write for write in notification_endpoint.WRITES if not write.endswith("/test")),
)


def endpoints(read: Reader) -> Iterator[Entry]:
    """The endpoints that aren't just as Proxmox VE brings them."""
    for kind in notification_endpoint.TYPES:
        rows = read.get(f"{notification_endpoint.BASE}/endpoints/{kind}") or ()
        yield from _changed(rows, partial(_endpoint, kind))


def _endpoint(kind: str, row: Values) -> Entry:
    hide = partial(secret, "notifications.endpoints", f"{kind}/{row['name']}")
    entry = {"type": kind, "name": row["name"], **declared(notification_endpoint.FIELDS, row, hide)}
    if kind == "gotify":
        entry["token"] = hide("token")
    if kind == "smtp" and row.get("username"):
        entry["server_password"] = hide("server_password")
    return entry


def matchers(read: Reader) -> Iterator[Entry]:
    """The matchers that aren't just as Proxmox VE brings them."""
    section = notification_matcher.SECTION
    rows = read.get(section.collection) or ()
    return _changed(rows, lambda row: {"name": row["name"], **declared(section.fields, row)})


def _changed(rows: Iterable[Values], entry: Callable[[Values], Entry]) -> Iterator[Entry]:
    """What Proxmox VE brings itself is there anyway, and can be set back only."""
    for row in rows:
        origin = row.get("origin")
        if origin == notification_endpoint.CHANGED_BUILTIN:
            yield Kept(entry(row))
        elif origin != notification_endpoint.BUILTIN:
            yield entry(row)


# --------------------------------------------------------------- certificates


def accounts(read: Reader) -> Iterator[Entry]:
    """The accounts with certificate authorities; the list has only names, so each is read."""
    for name in sorted(str(row["name"]) for row in read.get(acme_account.COLLECTION) or ()):
        have = acme_account.flat(read.get(url(acme_account.ITEM, name)))
        yield {"name": name, **declared(acme_account.SECTION.fields, have)}


def plugins(read: Reader) -> Iterator[Entry]:
    """The plugins for challenges, without the one that is always there if it is as it comes."""
    for row in read.get(acme_plugin.COLLECTION) or ():
        name = str(row["plugin"])
        entry = {"id": name, **declared(acme_plugin.SECTION.fields, row, partial(secret, "acme.plugins", name))}
        if name != acme_plugin.STANDALONE:
            yield entry
        elif set(entry) - {"id", "type"}:
            yield Kept(entry)


ROWS: tuple[Kind, ...] = (
    Kind("options", cluster_options.CLUSTER_OPTIONS, (), options, single=True, removable=nothing),
    Kind("acme.accounts", acme_account.ACME_ACCOUNT, ("name",), accounts),
    Kind("acme.plugins", acme_plugin.ACME_PLUGIN, ("id",), plugins),
    Kind(
        "nodes",
        NODE,
        ("node",),
        settings,
        after=("acme.accounts", "acme.plugins"),
        per_node=True,
        removable=nothing,
        audit=("Sys.Audit", "/nodes"),
    ),
    Kind("mappings", hardware_mapping.HARDWARE_MAPPING, ("type", "id"), mappings, audit=("Mapping.Audit", "/mapping")),
    Kind("metrics", metrics_server.METRICS_SERVER, ("id",), metrics),
    Kind("notifications.endpoints", ENDPOINT, ("type", "name"), endpoints),
    Kind(
        "notifications.matchers",
        notification_matcher.NOTIFICATION_MATCHER,
        ("name",),
        matchers,
        after=("notifications.endpoints",),
    ),
)
