"""A network change that cuts the node off takes itself back; one that is confirmed stays."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.homelab.pve.plugins.filter.bridge_interfaces import MAIN_FILE, bridge_interfaces

from lab.errors import LabError
from tests.integration.conftest import Stand, until
from tests.integration.test_modules import play

pytestmark = pytest.mark.lab
PROGRAM = Path(__file__).parents[2] / "plugins" / "module_utils" / "network_change.py"
VMID = 150
MAC = "bc:24:11:00:0a:50"


@pytest.fixture(scope="module")
def guest(stand: Stand) -> Iterator[str]:
    """Address of a running guest with the program in it."""
    api = stand.father()
    api.clone(9001, VMID, "network", stand.key, net0=f"virtio={MAC},bridge=vmbr0")
    address = api.start(VMID)
    source = base64.b64encode(PROGRAM.read_bytes()).decode()
    stand.ssh(address, f"echo {source} | base64 -d >/root/change.py")
    yield address
    api.guest(VMID, "POST", "/status/stop")
    api.guest(VMID, "DELETE", "")


def files(stand: Stand, address: str) -> str:
    return stand.ssh(address, f"cat {MAIN_FILE}")


def program(stand: Stand, address: str, *words: str) -> tuple[int, str]:
    done = stand.try_ssh(address, " ".join(["python3 /root/change.py", *words]))
    return done.returncode, done.stderr.strip()


def is_taken_back(stand: Stand, address: str) -> bool:
    """Whether the guest, reached at this address again, says so."""
    try:
        return stand.try_ssh(address, "test -e /run/homelab-pve-network/rolled-back").returncode == 0
    except LabError:
        return False  # The lab knows guests by the addresses they have right now.


def encoded(text: str) -> str:
    """The arguments for a new text of the main file."""
    return f"{base64.b64encode(json.dumps({MAIN_FILE: text}).encode()).decode()} vmbr0 {MAC}"


def bridged(text: str, address: str = "dhcp") -> str:
    changed = bridge_interfaces({MAIN_FILE: text}, bridge="vmbr0", uplink="eth0", address=address, gateway="192.0.2.1")
    return changed[MAIN_FILE]


def test_text_that_is_no_configuration_is_refused(stand: Stand, guest: str) -> None:
    before = files(stand, guest)
    code, message = program(stand, guest, "apply", "5", encoded("iface eth0 inet nonsense\n"))
    assert code == 1
    assert message.startswith(f"ifupdown2 refuses the new {MAIN_FILE}, nothing is changed: error: ")
    assert files(stand, guest) == before


def test_change_that_cuts_the_node_off_is_taken_back(stand: Stand, guest: str) -> None:
    before, resolver = files(stand, guest), stand.ssh(guest, "cat /etc/resolv.conf")
    # The controller is cut off in the middle: what this call answers is of no interest.
    stand.try_ssh(guest, f"timeout 20 python3 /root/change.py apply 2 {encoded(bridged(before, '192.0.2.9/24'))}")
    until(lambda: is_taken_back(stand, guest), "the way back", bound=60)
    assert files(stand, guest) == before
    assert stand.ssh(guest, "cat /etc/resolv.conf") == resolver
    code, message = program(stand, guest, "confirm")
    assert code == 1
    assert message.startswith("The change was taken back, nothing is changed.")


def test_confirmed_change_stays(stand: Stand, guest: str) -> None:
    wanted = bridged(files(stand, guest))
    assert program(stand, guest, "apply", "30", encoded(wanted)) == (0, "")
    assert program(stand, guest, "confirm") == (0, "")
    assert files(stand, guest) == wanted
    assert guest in stand.ssh(guest, "ip -4 -brief address show vmbr0")
    # A port with a lower address does not change the bridge's: 3 is NET_ADDR_SET.
    assert stand.ssh(guest, "cat /sys/class/net/vmbr0/address /sys/class/net/vmbr0/addr_assign_type").split() == [
        MAC,
        "3",
    ]
    assert "nameserver" in stand.ssh(guest, "cat /etc/resolv.conf")


def test_a_node_that_the_module_cuts_off_comes_back(stand: Stand) -> None:
    before = files(stand, "father")
    (iface,) = [
        row["iface"] for row in stand.father().call("GET", "/nodes/father/network") if row.get("address") == "10.99.0.2"
    ]
    play("network-cut", iface=iface)
    assert files(stand, "father") == before
    assert f"{iface} " in stand.ssh("father", "ip -4 -brief address show to 10.99.0.2")
