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
        f"The last answer: lo (00:00:00:00:00:00) 127.0.0.1, eth0 ({mac}) 10.99.0.110. "
        "Check that the guest has booted, that qemu-guest-agent runs in it, and that its network is configured."
    )


def test_by_name(modules: Modules, running: Result) -> None:
    result = modules.unchanged("guest_ip", name="web")
    assert (result["ip"], result["vmid"], result["name"]) == ("10.99.0.110", 210, "web")


def test_a_stopped_guest_is_waited_for(modules: Modules) -> None:
    modules.ok("vm", name="web", vmid=210, clone="debian-12")
    assert modules.message("guest_ip", vmid=210, wait_timeout=0.1) == (
        "vm 210 (web) on father had no IPv4 address after 0.1 s. The last answer: VM 210 is not running. "
        "Start it first (module vm, state: started)."
    )


def test_an_agent_that_does_not_run_is_waited_for(modules: Modules, running: Result) -> None:
    modules.lab.api.inject({"kind": "hang-agent", "vmid": 210})
    assert modules.message("guest_ip", vmid=210, wait_timeout=0.1) == (
        "vm 210 (web) on father had no IPv4 address after 0.1 s. The last answer: QEMU guest agent is not running. "
        "Check that the guest has booted, that qemu-guest-agent runs in it, and that its option agent was on when it "
        "was started."
    )


def test_a_vm_without_an_agent_is_hopeless(modules: Modules) -> None:
    modules.ok("vm", name="bare", vmid=211, state="started")
    assert modules.message("guest_ip", vmid=211, wait_timeout=60) == (
        "Cannot ask vm 211 (bare) on father for its address: "
        "GET /nodes/father/qemu/211/agent/network-get-interfaces: 500 No QEMU guest agent configured.\n"
        "Enable the agent (option agent of the module vm), stop the guest and start it."
    )


def test_an_agent_that_may_not_tell_is_hopeless(modules: Modules, running: Result) -> None:
    modules.lab.api.inject({"kind": "block-agent", "vmid": 210, "commands": ["guest-network-get-interfaces"]})
    assert modules.message("guest_ip", vmid=210, wait_timeout=60).startswith(
        "Cannot ask vm 210 (web) on father for its address: GET /nodes/father/qemu/210/agent/network-get-interfaces: "
        "500 Agent error: Command guest-network-get-interfaces has been disabled: the command is not allowed.\n"
        "The agent's own configuration in the guest forbids it"
    )


@pytest.fixture
def box(modules: Modules) -> Modules:
    """A container with a fixed address on its second card."""
    name = "debian-13-standard_13.1-2_amd64.tar.zst"
    template = modules.lab.api.file_path("local", f"vztmpl/{name}")
    template.parent.mkdir(parents=True, exist_ok=True)
    template.touch()
    cards = {"net0": "name=eth0,bridge=vmbr0", "net1": "name=eth1,bridge=vmbr0,ip=192.0.2.7/24"}
    made = {"ostemplate": f"local:vztmpl/{name}", "rootfs": "local-lvm:1", "net": cards}
    modules.converge("container", vmid=310, hostname="box", state="started", **made)
    return modules


def test_a_container(box: Modules) -> None:
    found = box.unchanged("guest_ip", name="box", nic="net1")
    assert (found["ip"], found["prefix"], found["interface"], found["vmid"]) == ("192.0.2.7", 24, "eth1", 310)
    assert "has no network card 'net2'" in box.message("guest_ip", vmid=310, nic="net2")


def test_a_container_that_is_off(box: Modules) -> None:
    box.ok("container", vmid=310, state="stopped", force=True)
    assert box.message("guest_ip", vmid=310, wait_timeout=0.1) == (
        "container 310 (box) on father had no IPv4 address after 0.1 s. The last answer: no interfaces. "
        "Check that the container is started, and that its network is configured."
    )


def test_least_privileges(modules: Modules, running: Result) -> None:
    limited = modules.limited({"/vms/210": ["VM.Audit", "VM.GuestAgent.Audit"]})
    assert limited.ok("guest_ip", vmid=210)["ip"] == "10.99.0.110"
    assert "VM.Audit on /vms/210" in modules.limited({"/vms/210": ["VM.GuestAgent.Audit"]}).message(
        "guest_ip", vmid=210
    )
    assert modules.limited({"/vms/210": ["VM.Audit"]}).message("guest_ip", vmid=210, wait_timeout=60) == (
        "Cannot ask vm 210 (web) on father for its address: GET /nodes/father/qemu/210/agent/network-get-interfaces: "
        "403 Permission check failed (/vms/210, VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted). Grant "
        "VM.GuestAgent.Audit or VM.GuestAgent.Unrestricted on /vms/210 to the user, and to the token if it has "
        "privilege separation. Proxmox VE says the same of what does not exist."
    )


def test_least_privileges_of_a_container(box: Modules) -> None:
    assert box.limited({"/vms/310": ["VM.Audit"]}).ok("guest_ip", vmid=310, subnet="192.0.2.0/24")["ip"] == "192.0.2.7"
    assert "VM.Audit on /vms/310" in box.limited({"/vms/310": ["VM.PowerMgmt"]}).message("guest_ip", vmid=310)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"vmid": 4711},
            "There is no guest with vmid 4711. Check the vmid.",
        ),
        (
            {"vmid": 210, "subnet": "10.99"},
            "Option 'subnet': '10.99' does not appear to be an IPv4 or IPv6 network. Write it as 192.0.2.0/24.",
        ),
        ({"vmid": 210, "mac": "eth0"}, "Option 'mac': 'eth0' is not a MAC address"),
        ({"subnet": "10.99.0.0/24"}, "one of the following is required: vmid, name"),
        ({"vmid": 210, "name": "web"}, "parameters are mutually exclusive: vmid|name"),
        ({"vmid": 210, "mac": "x", "nic": "net0"}, "parameters are mutually exclusive: mac|nic"),
        ({"vmid": 210, "wait_timeout": -1}, "Option 'wait_timeout' is -1; it has to be 0 or more."),
        (
            {"vmid": 210, "family": "ipx"},
            "value of family must be one of: ipv4, ipv6, any, got: ipx",
        ),
        (
            {"name": "nobody"},
            "There is no guest named 'nobody', or the login may not see it. "
            "Check the name, and that the login has the privilege VM.Audit on the guest.",
        ),
    ],
)
def test_wrong_input(modules: Modules, options: dict[str, object], message: str) -> None:
    assert modules.message("guest_ip", **options) == message
