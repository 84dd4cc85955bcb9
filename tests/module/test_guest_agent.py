"""Module guest_agent against the lab's API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Modules, denied

WHERE = "vm 210 (web) on father"
AGENT = "/nodes/father/qemu/210/agent"
WEB: dict[str, Any] = {"vmid": 210}
HASH = "$5$salt$hash"


@pytest.fixture
def web(modules: Modules) -> Modules:
    """A running VM with an agent."""
    modules.ok("vm", name="web", vmid=210, clone="debian-12", state="started")
    return modules


def test_questions(web: Modules) -> None:
    result = web.unchanged("guest_agent", **WEB, command="ping")
    assert (result["result"], result["plan"]) == ({}, ["the agent answers"])
    assert len(web.lab.requests()) <= 2
    result = web.unchanged("guest_agent", name="web", command="fsfreeze-status")
    assert (result["result"], result["vmid"], result["node"]) == ("thawed", 210, "father")


def test_freezing(web: Modules) -> None:
    made = web.converge("guest_agent", **WEB, command="fsfreeze-freeze")
    assert (made["result"], made["plan"]) == (1, [f"freeze the file systems of {WHERE}"])
    assert web.unchanged("guest_agent", **WEB, command="fsfreeze-status")["result"] == "frozen"
    assert web.message("guest_agent", **WEB, command="fstrim") == (
        f"The agent of {WHERE} takes no fstrim now: its file systems are frozen (command fsfreeze-thaw ends that), or "
        "its configuration in the guest forbids it (/etc/sysconfig/qemu-ga or /etc/qemu/qemu-ga.conf)."
    )
    web.converge("guest_agent", **WEB, command="fsfreeze-thaw")


def test_trimming(web: Modules) -> None:
    for _again in range(2):
        assert web.ok("guest_agent", check=True, **WEB, command="fstrim")["result"] is None
        assert web.lab.writes() == []
        made = web.ok("guest_agent", **WEB, command="fstrim")
        assert (made["changed"], made["result"]["paths"][0]["path"]) == (True, "/")


@pytest.mark.parametrize(
    ("command", "state"),
    [
        ("shutdown", "stopped"),
        ("suspend-disk", "stopped"),
        ("suspend-ram", "suspended"),
        ("suspend-hybrid", "suspended"),
    ],
)
def test_rest(web: Modules, command: str, state: str) -> None:
    web.converge("guest_agent", **WEB, command=command)
    assert web.unchanged("guest_agent", **WEB, command=command)["plan"] == [f"{WHERE} is {state} already"]


def test_a_password(web: Modules) -> None:
    crypted: dict[str, Any] = {
        **WEB,
        "command": "set-user-password",
        "username": "root",
        "user_password": HASH,
        "crypted": True,
    }
    made = web.converge("guest_agent", **crypted)
    assert made["plan"] == [f"set the password of user root in {WHERE}"]
    plain = {**crypted, "user_password": "correct horse", "crypted": False}
    for _again in range(2):
        made = web.ok("guest_agent", **plain)
        assert made["changed"]
        assert "horse" not in json.dumps(made)
        assert made["diff"]["after"] == {"username": "root", "password": "********"}
    assert web.run("guest_agent", **{**plain, "username": "nobody-there"})["msg"] == (
        f"Cannot set the password of user nobody-there in {WHERE}: POST {AGENT}/set-user-password: 500 Agent error: "
        "child process has failed to set user password."
    )


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"command": "ping", "username": "root"},
            "Option 'username' goes with command set-user-password only, and command is ping.",
        ),
        (
            {"command": "set-user-password", "username": "root"},
            "command is set-user-password but all of the following are missing: user_password",
        ),
        (
            {"command": "set-user-password", "username": "root", "user_password": "four"},
            "Option 'user_password' has to have 5 to 1024 letters.",
        ),
        ({"command": "ping", "vmid": 999}, "There is no guest with vmid 999. Check the vmid."),
        (
            {"command": "ping", "vmid": 200},
            "container 200 (ct) on father has no guest agent: Proxmox VE's API runs commands and moves files in VMs "
            "only. Use SSH, or pct exec on the node.",
        ),
    ],
    ids=str,
)
def test_refusals(web: Modules, wish: dict[str, Any], message: str) -> None:
    web.container(200)
    assert web.message("guest_agent", **{**WEB, **wish}) == message


def test_an_agent_that_does_not_run(modules: Modules) -> None:
    modules.ok("vm", name="web", vmid=210, clone="debian-12")
    for command in ("ping", "fstrim", "fsfreeze-freeze"):
        result = modules.run("guest_agent", **WEB, command=command)
        assert f"Cannot {command} {WHERE}: " in result["msg"]
        assert "VM 210 is not running.\nStart it first (module vm, state: started)." in result["msg"]


def test_a_command_that_is_forbidden_in_the_guest(web: Modules) -> None:
    web.lab.api.blocked[210] = ("guest-suspend-ram",)
    assert "takes no suspend-ram now" in web.message("guest_agent", **WEB, command="suspend-ram")


def test_least_privileges(web: Modules) -> None:
    here = "/vms/210"
    needed = {here: ["VM.Audit", "VM.GuestAgent.Unrestricted"]}
    wish: dict[str, Any] = {"command": "set-user-password", "username": "root", "user_password": HASH, "crypted": True}
    messages = web.refusals(needed, "guest_agent", **WEB, **wish)
    assert set(messages) == {f"VM.Audit on {here}", f"VM.GuestAgent.Unrestricted on {here}"}
    web.limited(needed).converge("guest_agent", **WEB, **wish)


@pytest.mark.parametrize(
    ("privilege", "command"),
    [("VM.GuestAgent.FileSystemMgmt", "fsfreeze-freeze"), ("VM.PowerMgmt", "suspend-ram")],
)
def test_least_privileges_of_other_commands(web: Modules, privilege: str, command: str) -> None:
    needed = {"/vms/210": ["VM.Audit", "VM.GuestAgent.Audit", privilege]}
    either = f"{privilege} or VM.GuestAgent.Unrestricted"
    assert web.refusals(needed, "guest_agent", **WEB, command=command)[f"{privilege} on /vms/210"].endswith(
        f"POST {AGENT}/{command}: {denied(either, '/vms/210')}"
    )
    web.limited(needed).converge("guest_agent", **WEB, command=command)
