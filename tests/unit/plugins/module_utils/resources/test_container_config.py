"""A container's options: none of Proxmox VE's is missing, and each is written and read back as it means."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import encoded
from ansible_collections.homelab.pve.plugins.module_utils.resources.container import CONTAINER
from ansible_collections.homelab.pve.plugins.module_utils.resources.container_config import CONFIG, shown_nics
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_config import changes

SCHEMA = Path(__file__).resolve().parents[5].parent / "shared" / "pve-api" / "pve-9.1.json.gz"
# Parameters of PVE's requests that are no options of the module, and what stands for them.
INSTEAD = {
    "delete": "an empty value",
    "digest": "the engine's",
    "force": "restoring a backup",
    "ha-managed": "the option ha",
    "ignore-unpack-errors": "ignore_unpack_errors",
    "lock": "PVE's own",
    "restore": "restoring a backup",
    "revert": "a wish for the present value",
    "ssh-public-keys": "ssh_public_keys",
    "start": "state: started",
    "template": "state: template",
    "unique": "restoring a backup",
}
NUMBERED = {"dev[n]": "dev", "mp[n]": "mp", "net[n]": "net"}


@pytest.mark.shared
@pytest.mark.skipif(not SCHEMA.is_file(), reason="the optional schema of Proxmox VE's API is not here")
def test_no_option_is_missing() -> None:
    with gzip.open(SCHEMA) as stream:
        paths = json.load(stream)
    known: set[str] = set()
    for path, verb in (("/nodes/{node}/lxc", "POST"), ("/nodes/{node}/lxc/{vmid}/config", "PUT")):
        known |= set(paths[path][verb]["parameters"])
    wanted = {NUMBERED.get(name, name) for name in known - set(INSTEAD)} - {"unused[n]"}
    assert sorted(wanted - set(CONTAINER.argument_spec())) == []


@pytest.mark.parametrize(
    ("wish", "have", "params"),
    [
        ({"memory": "1G", "swap": 0}, {"memory": 512, "swap": 512}, {"memory": 1024, "swap": 0}),
        ({"memory": "512M", "cpulimit": 0, "console": True, "tty": 2}, {"memory": 512}, {}),
        ({"tags": ["B", "a"]}, {"tags": "a;b"}, {}),
        ({"description": "text"}, {"description": "text\n"}, {}),
        ({"description": ""}, {"description": "text\n"}, {"delete": "description"}),
        ({"nameserver": ["1.1.1.1", "9.9.9.9"]}, {"nameserver": "1.1.1.1"}, {"nameserver": "1.1.1.1 9.9.9.9"}),
        ({"features": {"nesting": 1}}, {"features": "keyctl=1"}, {"features": "keyctl=1,nesting=1"}),
        ({"features": {"keyctl": False}}, {"features": "nesting=1"}, {}),
        ({"features": {"mount": ["nfs", "cifs"]}}, {}, {"features": "mount=cifs;nfs"}),
        ({"env": {"B": "2", "A": 1}}, {}, {"env": "A=1\0B=2"}),
        ({"env": {"A": "1"}}, {"env": "A=1"}, {}),
        ({"startup": {"order": 2, "up": 5}}, {"startup": "order=2,up=5"}, {}),
        ({"net": {"net1": {"bridge": "vmbr0"}}}, {}, {"net1": "bridge=vmbr0,name=eth1"}),
        (
            {"net": {"net0": {"tag": 5}}},
            {"net0": "name=wan,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,type=veth"},
            {"net0": "bridge=vmbr0,hwaddr=BC:24:11:00:00:01,name=wan,tag=5,type=veth"},
        ),
        (
            {"net": {"net0": {"mac": "bc-24-11-00-00-01", "firewall": False, "type": "veth"}}},
            {"net0": "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01"},
            {},
        ),
        ({"net": {"net0": ""}}, {"net0": "name=eth0"}, {"delete": "net0"}),
        ({"dev": {"dev0": "/dev/ttyUSB0"}}, {"dev0": "/dev/ttyUSB0,deny-write=0"}, {}),
        ({"dev": {"dev0": {"path": "/dev/fuse", "mode": "0660"}}}, {}, {"dev0": "/dev/fuse,mode=0660"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_changes(wish: dict[str, Any], have: dict[str, Any], params: dict[str, Any]) -> None:
    found = changes(CONFIG.wanted(wish), CONFIG.current(have), renew_secrets=False)
    assert encoded(found) == params


@pytest.mark.parametrize(
    ("wish", "have", "waiting"),
    [
        ({"memory": 1024, "hostname": "a", "cores": 1, "net": {"net0": "name=a"}}, {}, []),
        ({"tty": 1, "features": "nesting=1"}, {}, ["features", "tty"]),
        ({"dev": {"dev0": "/dev/fuse"}}, {}, []),
        ({"dev": {"dev0": "/dev/kvm"}}, {"dev0": "/dev/fuse"}, ["dev0"]),
        ({"dev": {"dev0": ""}}, {"dev0": "/dev/fuse"}, ["dev0"]),
    ],
)
def test_what_waits_for_a_restart(wish: dict[str, Any], have: dict[str, Any], waiting: list[str]) -> None:
    found = changes(CONFIG.wanted(wish), CONFIG.current(have), renew_secrets=False)
    assert sorted(change.key for change in found if change.waits) == waiting


def test_cards_are_shown_with_their_address() -> None:
    config = {"net1": "name=eth1", "net0": "name=eth0,hwaddr=BC:24:11:00:00:01", "memory": 1}
    assert shown_nics(config) == {
        "net0": {"name": "eth0", "hwaddr": "BC:24:11:00:00:01", "mac": "BC:24:11:00:00:01"},
        "net1": {"name": "eth1", "mac": None},
    }
