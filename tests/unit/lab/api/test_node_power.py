# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power of nodes."""

from __future__ import annotations

from collections.abc import Callable

from lab.api.serving import ServedLab

from .conftest import Client, client_of

NODE = "/nodes/son"


def status(client: Client) -> str:
    return next(str(row["status"]) for row in client.get("/nodes") if row["node"] == "son")


def test_a_node_goes_down_and_is_woken(lab_cluster_api: ServedLab, until: Callable[[Callable[[], bool]], None]) -> None:
    client = client_of(lab_cluster_api)
    client.lab.clock.rate = 100
    wake = f"{NODE}/wakeonlan"
    assert client.ask("POST", wake).reason == "No wake on LAN MAC address defined for 'son'!"
    client.put(f"{NODE}/config", wakeonlan="BC:24:11:00:00:01")
    client.post(f"{NODE}/status", command="shutdown")
    until(lambda: status(client) == "offline")
    assert client.post(wake) == "BC:24:11:00:00:01"
    until(lambda: status(client) == "online")


def test_a_node_that_restarts_begins_anew(
    lab_cluster_api: ServedLab, until: Callable[[Callable[[], bool]], None]
) -> None:
    client = client_of(lab_cluster_api)
    client.lab.clock.rate = 100
    client.post(f"{NODE}/status", command="reboot")
    until(lambda: status(client) == "offline")
    until(lambda: status(client) == "online")
    assert client.get(f"{NODE}/status")["uptime"] < client.get("/nodes/father/status")["uptime"]
