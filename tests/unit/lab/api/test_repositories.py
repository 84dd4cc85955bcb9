# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Package repositories and the subscription of a node."""

from __future__ import annotations

from .conftest import Client

APT = "/nodes/father/apt/repositories"
SUBSCRIPTION = "/nodes/father/subscription"
KEY = "pve1c-0123456789"


def statuses(client: Client) -> dict[str, int | None]:
    return {row["handle"]: row.get("status") for row in client.get(APT)["standard-repos"]}


def test_repositories_are_added_and_switched(client: Client) -> None:
    assert (statuses(client)["enterprise"], statuses(client)["no-subscription"]) == (1, None)
    client.put(APT, handle="no-subscription")
    client.post(APT, path="/etc/apt/sources.list.d/pve-enterprise.sources", index=0, enabled=0)
    assert (statuses(client)["enterprise"], statuses(client)["no-subscription"]) == (0, 1)
    client.put(APT, handle="enterprise")
    assert statuses(client)["enterprise"] == 1


def test_refusals(client: Client) -> None:
    path = "/etc/apt/sources.list.d/debian.sources"
    assert client.ask("PUT", APT, handle="nope").reason == "unknown repository handle 'nope'"
    assert client.ask("POST", APT, path="/etc/x", index=0).reason == "invalid path - /etc/x"
    assert client.ask("POST", APT, path=path, index=9).reason == "invalid index - 9"
    outdated = client.ask("POST", APT, path=path, index=0, enabled=0, digest="0" * 64)
    assert outdated.reason.startswith("detected modified configuration")


def test_a_key_is_kept_until_it_is_removed(client: Client) -> None:
    client.put(SUBSCRIPTION, key=KEY)
    told = client.get(SUBSCRIPTION)
    assert (told["key"], told["status"]) == (KEY, "active")
    client.post(SUBSCRIPTION, force=1)
    client.delete(SUBSCRIPTION)
    assert client.get(SUBSCRIPTION)["status"] == "notfound"


def test_the_index_is_fetched_in_a_task(client: Client) -> None:
    assert client.run("POST", "/nodes/father/apt/update") == "OK"
