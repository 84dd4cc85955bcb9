# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab against transcripts of a real Proxmox VE: the number of answers that agree may only grow."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakepve import FakeCt  # type: ignore[import-untyped]

from lab.api import interfaces, seed
from lab.api.certificates import Pair
from lab.api.images import header
from lab.api.server import LabApi, storage_entry
from lab.api.serving import ServedLab, serve

from . import golden

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "golden"
AGREEMENT = Path(__file__).parent / "agreement.json"
FLOORS = json.loads(AGREEMENT.read_text(encoding="utf-8"))
# The recorded node had one storage for everything.
STORAGES = {
    "local": {
        "type": "dir",
        "path": "/var/lib/vz",
        "content": "snippets,iso,images,rootdir,import,vztmpl,backup",
        "prune-backups": "keep-all=1",
    }
}

FILES = {
    "iso/test.iso": bytes(2 * 1024**2),
    "import/cloud.qcow2": header(200 * 1024**2),
    "snippets/user.yaml": b"#cloud-config\n",
    "vztmpl/debian-13-mini_13.1-1_amd64.tar.zst": b"",
}
PROCESSORS = 2
# The text files of the recorded nodes; their names and the last part of their addresses.
NETWORK = """\
auto lo
iface lo inet loopback

iface eno1 inet manual

iface eno2 inet manual

auto vmbr0
iface vmbr0 inet static
\taddress 10.77.0.{number}/24
\tgateway 10.77.0.1
\tbridge-ports eno1
\tbridge-stp off
\tbridge-fd 0

source /etc/network/interfaces.d/*
"""
RESOLVER = "search lab.test\nnameserver 10.77.0.1\n"
HOSTS = "127.0.0.1 localhost.localdomain localhost\n10.77.0.{number} {name}.lab.test {name}\n"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the optional transcripts of a real Proxmox VE are not here"),
]


# The recorded cluster, and the transcripts of it: they begin with a VM and a container that another one had made.
OTHER_NODES = ("mother", "son")
ON_A_CLUSTER = frozenset({"flows-05-network", "ha-3node", "migrate"})
PROXIED: dict[str, Any] = {
    "boot": "order=scsi0",
    "kvm": 0,
    "memory": "128",
    "meta": "creation-qemu=10.0.13,ctime=1795178063",
    "scsi0": "local:310/vm-310-disk-0.qcow2,size=1G",
    "smbios1": "uuid=50969a1f-9518-4281-874d-b321440b448b",
    "vmgenid": "b7b1d8af-3d81-4b99-91f0-eca0b4e6258d",
}
CONTAINER: dict[str, Any] = {
    "arch": "amd64",
    "hostname": "ct311",
    "memory": 64,
    "ostype": "debian",
    "rootfs": "local:311/vm-311-disk-0.raw,size=1G",
    "swap": 512,
    "unprivileged": 1,
}


def prepare_cluster(api: LabApi) -> None:
    """Make the guests the recorded cluster had."""
    onlyson = {"type": "dir", "path": "/srv/onlyson", "content": "images,rootdir,backup", "nodes": "son"}
    api.storages["onlyson"] = storage_entry(onlyson)
    api.add_vm(310, "proxied", node="son", config=PROXIED, pool="span")
    api.cts.append(FakeCt(311, node="mother", config=CONTAINER, defaults=False))
    api.pools["span"] = {310, 311}
    api._sync_pools()
    volume = {"content": "images", "format": "qcow2", "size": 1024**3, "vmid": 310, "ctime": 0, "node": "son"}
    api.storages["local"]["volumes"]["310/vm-310-disk-0.qcow2"] = volume


# A container that the transcript of backups was recorded with.
BACKED_UP: dict[str, Any] = {
    "arch": "amd64",
    "cmode": "shell",
    "cores": 1,
    "cpuunits": 200,
    "description": "ct desc\n",
    "features": "nesting=1,keyctl=1",
    "hostname": "newname",
    "memory": 320,
    "nameserver": "10.77.0.1",
    "net0": "name=eth0,bridge=vmbr0,firewall=1,gw=10.77.0.1,hwaddr=BC:24:11:8E:5F:C8,ip=10.77.0.21/24,type=veth",
    "onboot": 1,
    "ostype": "debian",
    "rootfs": "local:201/vm-201-disk-0.raw,size=1792M",
    "searchdomain": "lab.test",
    "startup": "order=2,up=5,down=10",
    "swap": 128,
    "tags": "a;b",
    "timezone": "Europe/Vienna",
    "tty": 4,
    "unprivileged": 1,
}
SECOND = {**CONTAINER, "hostname": "CT202", "rootfs": "local:202/vm-202-disk-1.raw,size=1G"}


FIRST = {**CONTAINER, "hostname": "ct1", "memory": 256, "cores": 2, "rootfs": "local:200/vm-200-disk-0.raw,size=1G"}


def prepare_guests(api: LabApi) -> None:
    """Make the guests that were there when the cluster itself was asked."""
    api.cts.append(FakeCt(200, node=api.node, config=FIRST, defaults=False))
    api.add_vm(900, "", node=api.node, config={"tags": "a;b;c;d"})
    api.vm(900).config.pop("name", None)


def prepare_backups(api: LabApi) -> None:
    """Make the containers that were backed up."""
    api.cts += [FakeCt(201, config=BACKED_UP, defaults=False), FakeCt(202, config=SECOND, defaults=False)]
    for guest in api.cts:
        guest.node = api.node


def node_texts(name: str, number: int) -> dict[str, str]:
    """The text files of one recorded node."""
    return {
        "etc/network/interfaces": interfaces.HEADER + NETWORK.format(number=number),
        "etc/resolv.conf": RESOLVER,
        "etc/hosts": HOSTS.format(name=name, number=number),
    }


def write_files(api: LabApi) -> None:
    """Put the recorded node's files where the asked node has them."""
    for name, content in FILES.items():
        path = api.file_path("local", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.fixture
def recorded_node(lab_authority: Pair, lab_certificate: Pair, request: pytest.FixtureRequest) -> Iterator[ServedLab]:
    """A node as the transcripts found it: its token, its password, one ISO image, one image to import."""
    start = seed.Seed(STORAGES, (), {golden.TOKEN_ID: golden.TOKEN_SECRET}, golden.ROOT_PASSWORD)
    area = request.node.callspec.params.get("area") if getattr(request.node, "callspec", None) else None
    clustered = area in ON_A_CLUSTER
    api = LabApi(seed=start, others=OTHER_NODES if clustered else (), host="127.0.0.1", port=0)
    api.node_texts = {node: node_texts(node, number) for number, node in enumerate(api.nodes, 2)}
    for node in api.nodes:
        with api.on_node(node):
            write_files(api)
    api.pools["dev"] = set()
    if clustered:
        prepare_cluster(api)
    if area == "cluster":
        prepare_guests(api)
    if area == "backup":
        prepare_backups(api)
    with serve(api, lab_certificate) as served:
        yield ServedLab(served, lab_authority.certificate, golden.TOKEN_ID, golden.TOKEN_SECRET, golden.ROOT_PASSWORD)


def play(player: golden.Player, steps: Iterable[golden.Step]) -> dict[str, str]:
    """Play a transcript. Returns what the lab said otherwise, by number and name of the request."""
    found: dict[str, str] = {}
    for number, step in enumerate(steps):
        if step.method == golden.COMMAND:
            player.command(step)
        elif difference := golden.difference(step, player.play(step)):
            found[f"{number} {step.name}"] = difference
    return found


@pytest.mark.parametrize("area", sorted(FLOORS))
def test_the_lab_agrees_with_a_real_node(
    area: str, recorded_node: ServedLab, capsys: pytest.CaptureFixture[str]
) -> None:
    if area == "pools":
        recorded_node.api.pools.clear()
    steps = [
        step for step in golden.steps(SHARED / f"{area}.json") if step.is_playable or step.method == golden.COMMAND
    ]
    differences = play(golden.Player(recorded_node), steps)
    asked = sum(step.is_playable for step in steps)
    agreed = asked - len(differences)
    with capsys.disabled():
        sys.stdout.write(f"\n{area}: agree {agreed} of {asked}\n")
    sys.stdout.write("\n".join(f"{name}: {what}" for name, what in differences.items()))
    assert agreed >= FLOORS[area], f"{area}: {agreed} answers agree, before it were {FLOORS[area]}; see above"
