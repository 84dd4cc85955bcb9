# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall's configuration in the lab's API."""

from __future__ import annotations

from .conftest import Client


def test_a_network_in_a_path_keeps_its_slash(client: Client) -> None:
    # PVE::API2::Firewall::IPSet has no fragment delimiter: the rest of the path is the member.
    members = "/cluster/firewall/ipset/admins"
    client.post("/cluster/firewall/ipset", name="admins")
    client.post(members, cidr="192.0.2.0/24")
    assert client.get(f"{members}/192.0.2.0%2F24")["cidr"] == "192.0.2.0/24"
    client.put(f"{members}/192.0.2.0%2F24", comment="office")
    assert client.get(members)[0]["comment"] == "office"
    client.delete(f"{members}/192.0.2.0/24")
    assert client.get(members) == []
