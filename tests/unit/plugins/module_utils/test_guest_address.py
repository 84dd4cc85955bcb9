"""Waiting for a guest's address."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, WaitTimeoutError
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


def test_a_container_needs_no_agent() -> None:
    rows = [{"name": "eth0", "hwaddr": MAC.lower(), "inet": "10.99.0.7/24"}, {"name": "lo", "inet": "127.0.0.1/8"}]
    found = ask({"/nodes/father/lxc/105/interfaces": rows}, vmid=105)
    assert (found["ip"], found["prefix"], found["mac"]) == ("10.99.0.7", 24, MAC)


@pytest.mark.parametrize(
    ("answer", "last"),
    [
        (error("QEMU guest agent is not running"), "QEMU guest agent is not running."),
        ({"result": []}, "no interfaces."),
        ({}, "no interfaces."),
        ({"result": [{"name": "eth0"}]}, "eth0 no address."),
    ],
)
def test_the_failure_tells_the_last_answer(answer: Any, last: str) -> None:
    with pytest.raises(WaitTimeoutError) as caught:
        ask({AGENT: answer})
    assert f"had no IPv4 address after 0 s. Its agent last answered: {last}" in str(caught.value)


@pytest.mark.parametrize("message", ["No QEMU guest agent configured", "Configuration file 'x' does not exist"])
def test_what_waiting_does_not_cure_fails_at_once(message: str) -> None:
    with pytest.raises(WaitTimeoutError, match=r"^vm 104 \(web\) on father cannot tell its address: "):
        ask({AGENT: error(message)}, wait_timeout=600)
