"""Waiting for a guest's address."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    PermissionDeniedError,
    PveError,
    RefusedError,
    StepFailedError,
    WaitTimeoutError,
)
from ansible_collections.homelab.pve.plugins.module_utils.guest_address import ADDRESS_OPTIONS, guest_address

from .resources.reading import Table, row

AGENT = "/nodes/father/qemu/104/agent/network-get-interfaces"
MAC = "BC:24:11:00:00:01"
ETH0 = {"name": "eth0", "hardware-address": MAC.lower(), "ip-addresses": [{"ip-address": "10.99.0.5", "prefix": 24}]}
DEFAULTS = {name: spec.get("default") for name, spec in ADDRESS_OPTIONS.items()}


def ask(answers: dict[str, Any], **params: Any) -> dict[str, Any]:
    listed = {"/cluster/resources": [row(104, "web"), row(105, "db", type="lxc")]}
    return guest_address(Table({**listed, **answers}), {**DEFAULTS, "vmid": 104, "wait_timeout": 0, **params})


def error(message: str) -> PveError:
    return PveError("GET", AGENT, 500, message)


def test_an_address() -> None:
    found = ask({AGENT: {"result": [ETH0]}})
    assert (found["ip"], found["interface"], found["mac"], found["prefix"]) == ("10.99.0.5", "eth0", MAC, 24)


def test_of_a_network_card() -> None:
    config = {"/nodes/father/qemu/104/config": {"net1": f"virtio={MAC},bridge=vmbr0"}}
    assert ask({AGENT: {"result": [ETH0]}, **config}, nic="net1")["ip"] == "10.99.0.5"
    with pytest.raises(ConfigError, match="has no network card 'net0'"):
        ask({AGENT: {"result": [ETH0]}, **config}, nic="net0")


@pytest.mark.parametrize(
    "row",
    [
        {"name": "eth0", "hwaddr": MAC.lower(), "inet": "10.99.0.7/24"},
        {
            "name": "eth0",
            "hwaddr": MAC.lower(),
            "inet": "10.99.0.8/24",  # since Proxmox VE 9 only the last of the list
            "ip-addresses": [
                {"ip-address": "10.99.0.7", "prefix": 24, "ip-address-type": "inet"},
                {"ip-address": "10.99.0.8", "prefix": 24, "ip-address-type": "inet"},
            ],
        },
    ],
    ids=["PVE 8", "PVE 9"],
)
def test_a_container_needs_no_agent(row: dict[str, Any]) -> None:
    rows = [{"name": "lo", "inet": "127.0.0.1/8"}, row]
    found = ask({"/nodes/father/lxc/105/interfaces": rows}, vmid=105)
    assert (found["ip"], found["prefix"], found["mac"]) == ("10.99.0.7", 24, MAC)


def test_a_stopped_container() -> None:
    with pytest.raises(WaitTimeoutError, match=r"The last answer: no interfaces\. Check that the container is started"):
        ask({"/nodes/father/lxc/105/interfaces": None}, vmid=105)


@pytest.mark.parametrize(
    ("answer", "last"),
    [
        (error("QEMU guest agent is not running"), "QEMU guest agent is not running. Check that the guest has booted"),
        (error("VM 104 is not running"), "VM 104 is not running. Start it first"),
        (
            error("something else"),
            "something else. Check that the guest has booted, that qemu-guest-agent runs in it, and",
        ),
        ({"result": {"error": {"desc": "busy"}}}, "Agent error: busy. Check that the guest has booted"),
        ({"result": []}, "no interfaces. Check that the guest has booted"),
        ({}, "no interfaces. Check"),
        (None, "no interfaces. Check"),
        ({"result": [{"name": "eth0"}]}, "eth0 no address. Check"),
    ],
)
def test_the_failure_tells_the_last_answer(answer: Any, last: str) -> None:
    with pytest.raises(WaitTimeoutError) as caught:
        ask({AGENT: answer})
    assert f"had no IPv4 address after 0 s. The last answer: {last}" in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        error("No QEMU guest agent configured"),
        error("Method 'GET /x' not implemented"),
        PermissionDeniedError("GET", AGENT, 403, "Permission check failed (/vms/104, VM.GuestAgent.Audit)"),
        {"result": {"error": {"desc": "Command guest-network-get-interfaces has been disabled"}}},
    ],
)
def test_what_waiting_does_not_cure_fails_at_once(answer: Any) -> None:
    with pytest.raises(StepFailedError, match=r"^Cannot ask vm 104 \(web\) on father for its address: "):
        ask({AGENT: answer}, wait_timeout=600)


def test_a_guest_that_moves_is_followed() -> None:
    gone = error("Configuration file 'nodes/father/qemu-server/104.conf' does not exist")

    class Moving(Table):
        def get(self, path: str, params: Any = None) -> Any:
            found = super().get(path, params)
            return [row(104, "web", node="mother")] if path in self.asked[:-1] else found

    there = {"/nodes/mother/qemu/104/agent/network-get-interfaces": {"result": [ETH0]}}
    reader = Moving({"/cluster/resources": [row(104, "web")], AGENT: gone, **there})
    assert guest_address(reader, {**DEFAULTS, "vmid": 104, "wait_timeout": 60})["node"] == "mother"


def test_a_guest_that_is_gone_is_not_waited_for() -> None:
    gone = error("Configuration file 'nodes/father/qemu-server/104.conf' does not exist")

    class Going(Table):
        def get(self, path: str, params: Any = None) -> Any:
            found = super().get(path, params)
            return [] if path in self.asked[:-1] else found

    with pytest.raises(RefusedError, match="There is no guest with vmid 104"):
        reader = Going({"/cluster/resources": [row(104, "web")], "/cluster/nextid": "104", AGENT: gone})
        guest_address(reader, {**DEFAULTS, "vmid": 104, "wait_timeout": 600})
