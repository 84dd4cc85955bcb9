# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster with thousands of guests, the same ones for the same seed: for tests and benchmarks of size."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.api import seed as seeds
from lab.api.cloudinit import guest_spec
from lab.api.fake import FakeCt, FakeVm

if TYPE_CHECKING:
    from lab.api.server import LabApi

FIRST_VMID = 10_000
# The storage that every node sees; the other disks are on each node's own LOCAL.
SHARED, LOCAL = "ceph", "local-lvm"
ROLES = ("web", "db", "cache", "mail", "build", "desktop", "router")
GIB = 1024**3
# How large a part of the guests are containers, run, and have their disk on SHARED.
CONTAINERS, RUNNING, ON_SHARED = 0.25, 0.6, 0.5


@dataclass(frozen=True)
class Member:
    """One guest of a population."""

    vmid: int
    node: str
    container: bool
    running: bool
    role: str
    cores: int
    memory: int
    gigabytes: int
    shared: bool
    pool: str | None

    @property
    def name(self) -> str:
        """Its host name."""
        return f"{self.role}-{self.vmid}"

    @property
    def volume(self) -> str:
        """The volume id of its disk."""
        return f"{SHARED if self.shared else LOCAL}:vm-{self.vmid}-disk-0"

    @property
    def card(self) -> str:
        """The MAC address of its only card: Proxmox's prefix and the VMID."""
        return f"BC:24:11:{self.vmid >> 16 & 255:02X}:{self.vmid >> 8 & 255:02X}:{self.vmid & 255:02X}"


def members(nodes: list[str], guests: int, seed: int) -> list[Member]:
    """So many guests over the nodes; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - the same guests each time is the purpose
    return [
        Member(
            vmid=FIRST_VMID + number,
            node=chance.choice(nodes),
            container=chance.random() < CONTAINERS,
            running=chance.random() < RUNNING,
            role=chance.choice(ROLES),
            cores=chance.choice((1, 2, 4, 8)),
            memory=chance.choice((512, 1024, 2048, 4096, 8192)),
            gigabytes=chance.choice((4, 8, 32, 100)),
            shared=chance.random() < ON_SHARED,
            pool=chance.choice((None, f"team-{chance.randrange(20):02d}")),
        )
        for number in range(guests)
    ]


def vm_config(member: Member) -> dict[str, Any]:
    """What ``GET config`` shows of a VM."""
    return {
        "agent": "1",
        "boot": "order=scsi0",
        "cores": member.cores,
        "description": f"{member.role} of the population",
        "memory": str(member.memory),
        "name": member.name,
        "net0": f"virtio={member.card},bridge=vmbr0",
        "onboot": 1,
        "ostype": "l26",
        "scsi0": f"{member.volume},size={member.gigabytes}G",
        "scsihw": "virtio-scsi-single",
        "tags": member.role,
    }


def ct_config(member: Member) -> dict[str, Any]:
    """What ``GET config`` shows of a container."""
    return {
        "arch": "amd64",
        "cores": member.cores,
        "hostname": member.name,
        "memory": member.memory,
        "net0": f"name=eth0,bridge=vmbr0,hwaddr={member.card},ip=dhcp,type=veth",
        "ostype": "debian",
        "rootfs": f"{member.volume},size={member.gigabytes}G",
        "swap": 512,
        "tags": member.role,
        "unprivileged": 1,
    }


def node_names(known: list[str], count: int) -> list[str]:
    """The nodes there are, and ``node02``, ``node03`` ... until there are so many."""
    return [*known, *(f"node{number:02d}" for number in range(len(known) + 1, count + 1))]


async def populate(api: LabApi, guests: int = 10_000, nodes: int = 16, seed: int = 1) -> list[Member]:
    """Give a cluster nodes until there are so many, and this many guests beside those it has."""
    for name in node_names(list(api.nodes), nodes):
        if name not in api.nodes:
            api.add_node(name)
    for name, definition in ((SHARED, seeds.SHARED), (LOCAL, seeds.LVM_THIN)):
        api.storages.setdefault(name, {"active": 1, "files": set(), "volumes": {}, **definition})
    found = members(list(api.nodes), guests, seed)
    for member in found:
        await _add(api, member)
    api._sync_pools()
    return found


async def _add(api: LabApi, member: Member) -> None:
    storage, _, name = member.volume.partition(":")
    api.storages[storage]["volumes"][name] = {
        "content": "rootdir" if member.container else "images",
        "format": "raw",
        "size": member.gigabytes * GIB,
        "vmid": member.vmid,
        "ctime": 0,
    } | ({} if member.shared else {"node": member.node})
    if member.pool:
        api.pools.setdefault(member.pool, set()).add(member.vmid)
        api.pool_info.setdefault(member.pool, {"comment": None, "storage": set()})
    status = "running" if member.running else "stopped"
    if member.container:
        config = ct_config(member)
        api.cts.append(FakeCt(member.vmid, node=member.node, status=status, config=config, defaults=False))
        return
    guest = FakeVm(member.vmid, member.name, node=member.node, status=status, config=vm_config(member))
    api.vms.append(guest)
    if member.running:
        await api.driver.boot(guest_spec(member.vmid, guest.config, Path("/none"), "population"))
        guest.agent = {}
