"""Module guest_ip against the lab's API."""

from __future__ import annotations

import pytest

from .conftest import Modules, Result


@pytest.fixture
def running(modules: Modules) -> Result:
    """A running clone with an agent and an address by DHCP."""
    return modules.ok("vm", name="web", vmid=210, clone="debian-12", state="started", ipconfig={"ipconfig0": "ip=dhcp"})


def test_address_by_mac(modules: Modules, running: Result) -> None:
    mac = running["nics"]["net0"]["mac"]
    result = modules.unchanged("guest_ip", vmid=210, mac=mac.lower(), subnet="10.99.0.0/24")
    assert (result["ip"], result["prefix"], result["mac"], result["node"]) == ("10.99.0.110", 24, mac, "father")


def test_address_by_network_card(modules: Modules, running: Result) -> None:
    result = modules.unchanged("guest_ip", vmid=210, nic="net0")
    assert (result["ip"], result["mac"]) == ("10.99.0.110", running["nics"]["net0"]["mac"])
    assert modules.message("guest_ip", vmid=210, nic="net7") == (
        "vm 210 (web) on father has no network card 'net7'. Name one of its configuration."
    )


@pytest.mark.parametrize(
    ("criterion", "described"),
    [
        ({"mac": "BC:24:11:00:00:00"}, "IPv4 address on MAC BC:24:11:00:00:00"),
        ({"subnet": "192.0.2.0/24"}, "IPv4 address in 192.0.2.0/24"),
        ({"interface": "eth7", "family": "any"}, "address on interface eth7"),
        ({"family": "ipv6"}, "IPv6 address"),
    ],
)
def test_no_such_address(modules: Modules, running: Result, criterion: dict[str, str], described: str) -> None:
    mac = running["nics"]["net0"]["mac"].lower()
    message = modules.message("guest_ip", vmid=210, wait_timeout=0.1, **criterion)
    assert message == (
        f"vm 210 (web) on father had no {described} after 0.1 s. "
        f"Its agent last answered: lo (00:00:00:00:00:00) 127.0.0.1, eth0 ({mac}) 10.99.0.110. "
        "Check that the guest has booted, that qemu-guest-agent runs in it, and that its network is configured."
    )


def test_a_stopped_guest_is_waited_for(modules: Modules) -> None:
    modules.ok("vm", name="web", vmid=210, clone="debian-12")
    message = modules.message("guest_ip", vmid=210, wait_timeout=0.1)
    assert message.startswith("vm 210 (web) on father had no IPv4 address after 0.1 s. Its agent last answered: ")
    assert "not running" in message


def test_a_vm_without_an_agent_is_hopeless(modules: Modules) -> None:
    modules.ok("vm", name="bare", vmid=211, state="started")
    assert modules.message("guest_ip", vmid=211, wait_timeout=60) == (
        "vm 211 (bare) on father cannot tell its address: No QEMU guest agent configured. "
        "Enable its agent (option agent of the module vm), install qemu-guest-agent in it, and restart it."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"vmid": 4711},
            "There is no guest with vmid 4711, or the login may not see it. "
            "Check the vmid, and that the login has the privilege VM.Audit on /vms/4711.",
        ),
        (
            {"vmid": 210, "subnet": "10.99"},
            "Option 'subnet': '10.99' does not appear to be an IPv4 or IPv6 network. Write it as 192.0.2.0/24.",
        ),
        ({"vmid": 210, "mac": "eth0"}, "Option 'mac': 'eth0' is not a MAC address"),
    ],
)
def test_wrong_input(modules: Modules, options: dict[str, object], message: str) -> None:
    assert modules.message("guest_ip", **options) == message
