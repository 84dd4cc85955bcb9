"""A node's network, name servers and backups, as its API makes them on the real node."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.integration.conftest import NodeApi, Stand

pytestmark = pytest.mark.lab
NETWORK = "/nodes/father/network"
BRIDGE = "vmbr9"
VMID = 310


@pytest.fixture(scope="module")
def api(stand: Stand) -> NodeApi:
    """The node's API."""
    return stand.father()


@pytest.fixture
def bridged(api: NodeApi) -> Iterator[NodeApi]:
    """The node's API; what a test edits is gone afterwards."""
    yield api
    api.call("DELETE", NETWORK)
    if BRIDGE in [item["iface"] for item in api.call("GET", NETWORK)]:
        api.call("DELETE", f"{NETWORK}/{BRIDGE}")
        api.call("PUT", NETWORK)


def addresses(stand: Stand, name: str) -> list[str]:
    """The addresses of an interface of the node."""
    found = stand.try_ssh("father", f"ip -json address show {name}")
    links = json.loads(found.stdout) if found.returncode == 0 else []
    return [f"{item['local']}/{item['prefixlen']}" for link in links for item in link["addr_info"]]


def test_an_edit_waits_in_a_file_and_ifreload_applies_it(stand: Stand, bridged: NodeApi) -> None:
    bridged.call("POST", NETWORK, iface=BRIDGE, type="bridge", autostart=1, cidr="10.88.0.1/24", comments="lab")
    assert f"iface {BRIDGE}" in stand.ssh("father", "cat /etc/network/interfaces.new")
    assert f"iface {BRIDGE}" not in stand.ssh("father", "cat /etc/network/interfaces")
    assert addresses(stand, BRIDGE) == []

    bridged.call("PUT", NETWORK)
    assert "10.88.0.1/24" in addresses(stand, BRIDGE)
    assert bridged.call("GET", f"{NETWORK}/{BRIDGE}")["active"] == 1
    assert stand.try_ssh("father", "test -e /etc/network/interfaces.new").returncode != 0

    bridged.call("DELETE", f"{NETWORK}/{BRIDGE}")
    bridged.call("PUT", NETWORK)
    assert stand.try_ssh("father", f"ip link show {BRIDGE}").returncode != 0


def test_name_servers_and_hosts_are_the_nodes_own_files(stand: Stand, api: NodeApi) -> None:
    before = api.call("GET", "/nodes/father/dns")
    api.call("PUT", "/nodes/father/dns", search="lab.example", dns1=before.get("dns1", "10.99.0.1"))
    assert "search lab.example\n" in stand.ssh("father", "cat /etc/resolv.conf")
    api.call("PUT", "/nodes/father/dns", **before)
    assert api.call("GET", "/nodes/father/dns") == before

    hosts = api.call("GET", "/nodes/father/hosts")
    api.call("POST", "/nodes/father/hosts", data=hosts["data"] + "10.99.0.77 elsewhere\n", digest=hosts["digest"])
    assert "10.99.0.77" in stand.ssh("father", "getent hosts elsewhere")
    api.call("POST", "/nodes/father/hosts", data=hosts["data"])


def test_a_restored_guest_has_its_files(stand: Stand, api: NodeApi) -> None:
    api.clone(9001, VMID, "kept", stand.key)
    stand.ssh(api.start(VMID), "echo kept > /root/state; sync")
    api.guest(VMID, "POST", "/status/stop")
    api.call("POST", "/nodes/father/vzdump", vmid=VMID, storage="local", mode="stop")
    (archive,) = [item["volid"] for item in api.call("GET", "/nodes/father/storage/local/content", content="backup")]
    api.guest(VMID, "DELETE", "")
    api.call("POST", "/nodes/father/qemu", vmid=VMID, archive=archive, storage="local-lvm")
    assert stand.ssh(api.start(VMID), "cat /root/state") == "kept\n"
    api.guest(VMID, "POST", "/status/stop")
    api.guest(VMID, "DELETE", "")
    api.call("DELETE", f"/nodes/father/storage/local/content/{archive}")
