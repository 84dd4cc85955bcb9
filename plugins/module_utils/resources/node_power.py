# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power of a node: restarted, shut down, woken (PVE::API2::Nodes, node_cmd and wakeonlan).

PVE answers before the node goes down, so what became of it is watched.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import BOUND, Reader, Step, Until, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError

SETTLED = 3.0
"""Seconds by which a node's start has to be later to count as another one: it is told to the second."""

NO_MAC = {
    "No wake on LAN MAC address": "Set the node's wakeonlan while it is up.",
    "cannot wake my self": "Connect to another node of the cluster.",
}
STATUS = "/nodes/{}/status"


@dataclass(frozen=True)
class Power:
    """Whether a node is up, and when it was started, in seconds since the epoch; None where nobody asked."""

    online: bool
    started: float | None = None


def describe(read: Reader, wish: Values) -> Power | None:
    """How the node is; what a change of it needs to know. None where its power isn't declared."""
    node, state = str(wish["node"]), wish["state"]
    if state == "present":
        return None
    if BOUND in wish and state == "off":
        return Power(False)  # it was seen going down, and it may be the one that would answer
    rows = read.get("/nodes")
    row = next((row for row in rows if row["node"] == node), None)
    if row is None:
        known = ", ".join(sorted(str(row["node"]) for row in rows))
        raise RefusedError(f"There is no node '{node}'. Nodes are {known}.")
    online = row.get("status") == "online"
    return Power(online, _started(read, node) if online and state == "rebooted" else None)


def _started(read: Reader, node: str) -> float | None:
    """When the node was started, by its own clock; None while it doesn't answer."""
    uptime = (read.get(url(STATUS, node)) or {}).get("uptime")
    now = (read.get(url("/nodes/{}/time", node)) or {}).get("time")
    return None if uptime is None or now is None else float(now) - float(uptime)


def steps(node: str, state: str, power: Power) -> tuple[Step, ...]:
    """What leads to the state."""
    if state == "rebooted":
        return (_reboot(node, power),)
    if (state == "on") == power.online:
        return ()
    return (_wake(node) if state == "on" else _shut_down(node),)


def _reboot(node: str, power: Power) -> Step:
    if not power.online or power.started is None:
        raise RefusedError(f"Cannot restart node {node}: the cluster says that it is offline. Wake it (state: on).")
    before = power.started

    def seen(read: Reader) -> Json:
        started = _started(read, node)
        return True if started is not None and started > before + SETTLED else None

    return Step(
        "POST",
        url(STATUS, node),
        {"command": "reboot"},
        f"restart node {node}",
        once=True,
        restarts=True,
        until=Until(seen, f"Node {node} did not come back within {{timeout}} s. Look at its console."),
    )


def _shut_down(node: str) -> Step:
    def seen(read: Reader) -> Json:
        rows = read.get("/nodes")
        # Nobody answers any more where it was the node itself that did.
        gone = not rows or any(row["node"] == node and row.get("status") != "online" for row in rows)
        return True if gone else None

    return Step(
        "POST",
        url(STATUS, node),
        {"command": "shutdown"},
        f"shut down node {node}",
        once=True,
        restarts=True,
        until=Until(
            seen, f"Node {node} is still up after {{timeout}} s. Look at its console, and at what its guests do."
        ),
    )


def _wake(node: str) -> Step:
    def seen(read: Reader) -> Json:
        up = any(row["node"] == node and row.get("status") == "online" for row in read.get("/nodes") or [])
        return True if up else None

    words = f"Node {node} did not come up within {{timeout}} s. Check its wakeonlan, its firmware and its network card."
    return Step(
        "POST",
        url("/nodes/{}/wakeonlan", node),
        {},
        f"wake node {node}",
        advice=NO_MAC,
        until=Until(seen, words),
    )
