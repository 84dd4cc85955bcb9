# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers: what the driver is told of a configuration, and what is told of a container's interfaces."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.api.container_spec import boot_order, cards, guest_spec, interface, mounts
from lab.guests.driver import Mount, Nic

MAC = "BC:24:11:00:00:01"
CONFIG = {
    "hostname": "web.example",
    "nameserver": "10.0.0.53",
    "rootfs": "local-lvm:vm-101-disk-0,size=4G",
    "net0": f"name=eth0,bridge=vmbr0,hwaddr={MAC},ip=10.0.0.2/24,gw=10.0.0.1,ip6=fd00::2/64,gw6=fd00::1,type=veth",
    "mp0": "local-lvm:vm-101-disk-1,mp=/data/,size=1G",
    "mp3": "/srv/share,mp=/mnt/share,ro=1",
    "mp4": "/dev/sdb1,mp=/device",
}


def test_a_configuration_becomes_a_specification() -> None:
    spec = guest_spec(101, CONFIG, Path("/volumes/x"), lambda volume: Path("/files", volume))
    assert (spec.kind, spec.hostname, spec.nameserver, spec.searchdomain) == ("lxc", "web.example", "10.0.0.53", None)
    assert spec.disk == Path("/volumes/x")
    assert spec.nics == (Nic("eth0", MAC, "vmbr0", "10.0.0.2/24", "10.0.0.1", "fd00::2/64", "fd00::1", 0),)
    assert spec.mounts == (
        Mount(Path("/files/local-lvm:vm-101-disk-1"), "/data"),
        Mount(Path("/srv/share"), "/mnt/share", read_only=True, of_node=True),
    )


def test_what_runs_in_it_is_what_the_configuration_names() -> None:
    config = {"entrypoint": "serve --all", "env": "A=1\0B=two words", "net0": "name=eth0,bridge=vmbr0,host-managed=1"}
    spec = guest_spec(101, config, Path("/x"), Path)
    assert (spec.entrypoint, spec.environment) == ("serve --all", ("A=1", "B=two words"))
    assert spec.nics[0].host_managed
    plain = guest_spec(101, CONFIG, Path("/x"), Path)
    assert (plain.entrypoint, plain.environment, plain.nics[0].host_managed) == (None, (), False)


def test_a_container_without_a_name_has_its_number() -> None:
    assert guest_spec(101, {}, Path("/x"), Path).hostname == "CT101"


@pytest.mark.parametrize(
    ("options", "address", "address6"),
    [
        ("ip=dhcp,ip6=auto", "dhcp", "auto"),
        ("ip=manual", None, None),
        ("ip=10.0.0.9/8", "10.0.0.9/8", None),
        ("ip6=dhcp", None, "dhcp"),
    ],
)
def test_addresses_of_a_card(options: str, address: str | None, address6: str | None) -> None:
    (nic,) = cards({"net2": f"name=eth7,bridge=vmbr1,hwaddr={MAC},{options}"})
    assert (nic.name, nic.bridge, nic.number, nic.address, nic.address6) == ("eth7", "vmbr1", 2, address, address6)


def test_cards_are_in_order_and_only_those_that_are_plugged_in() -> None:
    config = {
        "net10": f"name=eth10,bridge=vmbr0,hwaddr={MAC}",
        "net2": f"name=eth2,bridge=vmbr0,hwaddr={MAC}",
        "net3": f"name=eth3,bridge=vmbr0,hwaddr={MAC},link_down=1",
        "net4": f"name=eth4,hwaddr={MAC}",
    }
    assert [nic.name for nic in cards(config)] == ["eth2", "eth10"]


def test_unused_volumes_are_not_mounted() -> None:
    assert mounts({"unused0": "local-lvm:vm-101-disk-2", "rootfs": "local-lvm:vm-101-disk-0"}, Path) == ()


def test_an_interface_as_the_endpoint_tells_it() -> None:
    addresses = [
        {"family": "inet", "local": "10.0.0.2", "prefixlen": 24, "scope": "global"},
        {"family": "inet6", "local": "fd00::2", "prefixlen": 64},
    ]
    assert interface({"ifname": "eth0", "address": "bc:24:11:00:00:01", "addr_info": addresses}) == {
        "name": "eth0",
        "hwaddr": "bc:24:11:00:00:01",
        "hardware-address": "bc:24:11:00:00:01",
        "inet": "10.0.0.2/24",
        "inet6": "fd00::2/64",
        "ip-addresses": [
            {"ip-address-type": "inet", "ip-address": "10.0.0.2", "prefix": "24"},
            {"ip-address-type": "inet6", "ip-address": "fd00::2", "prefix": "64"},
        ],
    }


def test_guests_start_with_their_node_in_order() -> None:
    configs = [{"startup": "order=10,up=5"}, {}, {"startup": "2"}, {"startup": "up=30"}, {"startup": "order=1"}]
    assert [configs.index(config) for config in sorted(configs, key=boot_order)] == [4, 2, 0, 1, 3]
