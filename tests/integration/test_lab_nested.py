"""Nodes inside nodes: a guest of the PVE template boots guests of its own, and those theirs."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.integration.conftest import NodeApi, Stand, TaskFailedError, until

pytestmark = pytest.mark.lab
NODE_TEMPLATE = 9000
IMAGE = "debian-12-genericcloud-amd64.qcow2"
BRIDGE = """\
auto lo
iface lo inet loopback

iface eth0 inet manual

auto vmbr0
iface vmbr0 inet dhcp
    bridge-ports eth0
    bridge-stp off
    bridge-fd 0
"""


def make_bridge(stand: Stand, address: str) -> None:
    """Move a node's address from its card to a bridge, while logged in over it."""
    stand.ssh(address, f"printf %s '{BRIDGE}' > /etc/network/interfaces && ifreload -a")


def api_of(stand: Stand, address: str, folder: Path) -> NodeApi:
    """A nested node's API with a token made on the node, and its own CA."""
    until(lambda: stand.try_ssh(address, "pvesh get /version").returncode == 0, f"the API of {address}")
    token = json.loads(stand.ssh(address, "pveum user token add root@pam test --privsep 0 --output-format json"))
    ca = folder / f"{address}.pem"
    ca.write_text(stand.ssh(address, "cat /etc/pve/pve-root-ca.pem"), encoding="utf-8")
    name = stand.ssh(address, "hostname").strip()
    return NodeApi(stand, address, ca, f"{token['full-tokenid']}={token['value']}", name)


def leaf(api: NodeApi, key: str, name: str) -> None:
    """VM 100 of a node from the lab's image server, not started."""
    api.call(
        "POST",
        f"/nodes/{api.node}/storage/local/download-url",
        content="import",
        filename=IMAGE,
        url=f"http://10.99.0.1:8080/images/{IMAGE}",
    )
    settings = {
        "scsi0": f"local:0,import-from=local:import/{IMAGE}",
        "agent": "1",
        "memory": "256",
        "boot": "order=scsi0",
    }
    cloud_init = {"ciuser": "root", "sshkeys": quote(key, safe=""), "ipconfig0": "ip=dhcp"}
    net0 = "virtio,bridge=vmbr0"
    api.call(
        "POST",
        f"/nodes/{api.node}/qemu",
        vmid=100,
        name=name,
        net0=net0,
        ide2="local:cloudinit",
        **settings,
        **cloud_init,
    )


def make_node(stand: Stand, host: str) -> None:
    """Turn the stopped VM 100 of a nested node into a node, as the PVE template's volume is one."""
    find = "find /var/lib/homelab-pve-lab/volumes -maxdepth 3 -type d -name 'vm-100-disk-0*'"
    volume = stand.ssh(host, find).strip()
    write = (
        f"from pathlib import Path; from lab.api.node_files import write_node_files; write_node_files(Path('{volume}'))"
    )
    stand.ssh(host, f'PYTHONPATH=/usr/lib/homelab-pve-lab python3 -c "{write}"')


def started(stand: Stand, api: NodeApi, vmid: int) -> str:
    """Start a VM and wait for its SSH server; returns its address."""
    address = api.start(vmid)
    until(lambda: stand.try_ssh(address, "true").returncode == 0, f"SSH of VM {vmid} on {api.node}")
    return address


def test_three_levels_of_nodes(stand: Stand, tmp_path: Path) -> None:
    father = stand.father()
    father.clone(NODE_TEMPLATE, 99900, "inner", stand.key)
    inner_address = started(stand, father, 99900)
    inner = api_of(stand, inner_address, tmp_path)
    leaf(inner, stand.key, "middle")
    with pytest.raises(TaskFailedError, match="bridge 'vmbr0' does not exist"):
        inner.guest(100, "POST", "/status/start")
    make_bridge(stand, inner_address)
    assert father.address(99900) == inner_address

    make_node(stand, inner_address)
    middle_address = started(stand, inner, 100)
    assert stand.ssh(middle_address, "hostname; cat /sys/module/kvm_intel/parameters/nested") == "middle\nY\n"
    middle = api_of(stand, middle_address, tmp_path)
    make_bridge(stand, middle_address)
    leaf(middle, stand.key, "leaf")
    leaf_address = started(stand, middle, 100)
    assert stand.ssh(leaf_address, "hostname; ls /usr/sbin/qm 2>&1 | wc -l") == "leaf\n1\n"
    assert len({inner_address, middle_address, leaf_address}) == 3
    assert stand.ssh("father", "pgrep -xc init") == "4\n"

    father.guest(99900, "POST", "/status/stop")
    assert stand.ssh("father", "pgrep -xc init") == "1\n"
    father.guest(99900, "DELETE", "")
