"""The connection qemu_agent against the lab's API: what reaches a VM, and what is said when nothing does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible_collections.homelab.pve.plugins.connection import qemu_agent
from ansible_collections.homelab.pve.plugins.doc_fragments.connection_variables import ModuleDocFragment as Variables

from .conftest import Modules, denied, hidden

EXEC = "/nodes/father/qemu/210/agent/exec"
RUN = f"Cannot run a command in vm 210 (web) on father: POST {EXEC}: 500"
READY = (
    "Check that the guest has booted, that qemu-guest-agent runs in it, and that its option agent was on when it was "
    "started."
)


NAME = "homelab.pve.qemu_agent"
OPTIONS = {
    name: option
    for text in (Variables.DOCUMENTATION, qemu_agent.DOCUMENTATION)
    for name, option in yaml.safe_load(text)["options"].items()
}


@pytest.fixture(autouse=True, scope="module")
def known_options() -> None:
    """What Ansible's plugin loader does, which would turn to its own way of importing collections for good."""
    constants.config.initialize_plugin_configuration_definitions("connection", NAME, OPTIONS)


def connected(modules: Modules, **variables: Any) -> Any:
    """The connection that Ansible makes of a host's variables."""
    context = PlayContext()
    context.remote_addr = "web"
    known = {f"pve_{name}": value for name, value in modules.lab.options().items()}
    connection = qemu_agent.Connection(context)
    connection._load_name = NAME
    given = {**known, "pve_vmid": 210, "pve_agent_timeout": 0, **variables}
    # Ansible hands a task's keywords over as well, some of which are called like options.
    connection.set_options(task_keys={"name": "A task", "port": 22, "timeout": 10}, var_options=given)
    return connection


@pytest.fixture
def web(modules: Modules) -> Modules:
    """A running VM with an agent."""
    modules.ok("vm", name="web", vmid=210, clone="debian-12", state="started")
    modules.lab.clear_requests()
    return modules


def said(modules: Modules, **variables: Any) -> str:
    """Why the VM isn't reached."""
    with pytest.raises(AnsibleConnectionFailure) as caught:
        connected(modules, **variables).exec_command("true")
    return str(caught.value)


def test_a_command_takes_few_requests(web: Modules) -> None:
    connection = connected(web)
    connection.exec_command("true")
    connection.exec_command("true")
    asked = [record.path.rpartition("/")[2] for record in web.lab.requests()]
    assert asked == ["resources", "exec", "exec-status", "exec", "exec-status"]


def test_the_vm_is_looked_for_anew_after_a_reset(web: Modules) -> None:
    connection = connected(web, pve_vmid=None, pve_vm_name="web")
    for _time in range(2):
        connection.exec_command("true")
        connection.reset()
    assert [record.path for record in web.lab.requests()].count("/cluster/resources") == 2


def test_one_dictionary_will_do(web: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PVE_PORT", "1")
    alone = {f"pve_{name}": None for name in web.lab.options()}
    connected(web, **alone, pve_api=web.lab.options()).exec_command("true")
    assert "port 1" in said(web, **alone, pve_api={**web.lab.options(), "port": None, "retries": 0})


def test_a_vm_that_is_off(web: Modules) -> None:
    web.ok("vm", name="web", vmid=210, state="stopped", force=True)
    assert said(web) == f"{RUN} VM 210 is not running.\nStart it first (module vm, state: started)."


def test_a_vm_without_an_agent(web: Modules) -> None:
    web.ok("vm", name="plain", vmid=211, state="started")
    assert "No QEMU guest agent configured.\nEnable the agent (option agent of the module vm)" in said(
        web, pve_vmid=211
    )


def test_an_agent_that_does_not_run(web: Modules) -> None:
    web.lab.api.inject({"kind": "hang-agent", "vmid": 210})
    assert said(web) == f"{RUN} QEMU guest agent is not running.\n{READY}"
    assert said(web, pve_agent_timeout=0.2).endswith("Option agent_timeout waits for one that is booting.")


def test_an_agent_is_waited_for(web: Modules) -> None:
    fault = {"kind": "fail", "method": "POST", "path": EXEC, "status": 500, "times": 1}
    web.lab.api.inject({**fault, "message": "QEMU guest agent is not running"})
    connected(web, pve_agent_timeout=60).exec_command("true")


def test_an_agent_that_may_not_run_commands(web: Modules) -> None:
    web.lab.api.inject({"kind": "block-agent", "vmid": 210, "commands": ["guest-exec"]})
    message = said(web)
    assert "Command guest-exec has been disabled" in message
    assert "allow it in /etc/sysconfig/qemu-ga or /etc/qemu/qemu-ga.conf there" in message


@pytest.mark.parametrize("status", [596, 502])
def test_a_command_is_not_run_twice_after_a_lost_answer(web: Modules, status: int) -> None:
    web.lab.api.inject({"kind": "fail", "method": "POST", "path": EXEC, "status": status, "message": "lost"})
    assert said(web).endswith("A command is never run twice: look in the guest before you run this again.")
    assert [record.path for record in web.lab.requests()].count(EXEC) == 1


def test_least_privileges(web: Modules) -> None:
    needed = ["VM.Audit", "VM.GuestAgent.Unrestricted"]
    connected(web.limited({"/vms/210": needed})).exec_command("true")
    assert said(web.limited({"/vms/210": needed[1:]})) == hidden(210)
    assert said(web.limited({"/vms/210": needed[:1]})).endswith(denied(needed[1], "/vms/210"))


def test_an_api_that_is_not_there(web: Modules) -> None:
    assert said(web, pve_port=1, pve_retries=0).startswith("Cannot reach 127.0.0.1 port 1: Connection refused")


def test_guests_that_are_none(web: Modules) -> None:
    web.container(220)
    assert said(web, pve_vmid=4711) == "There is no guest with vmid 4711. Check the vmid."
    assert "Use SSH, or pct exec on the node." in said(web, pve_vmid=220)


@pytest.fixture
def wrong(web: Modules) -> Iterator[Modules]:
    """After a test with options that can't be right: nothing was asked."""
    yield web
    assert web.lab.requests() == []


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"pve_vmid": None}, "Neither of the variables pve_vmid and pve_vm_name"),
        ({"pve_vm_name": "web"}, "Both of the variables pve_vmid and pve_vm_name"),
        ({"pve_host": ""}, "No host given"),
        ({"pve_token_secret": None}, "The API token is incomplete: token_secret is missing"),
        ({"pve_port": "x"}, "port"),
    ],
    ids=["no vm", "two vms", "no host", "half a token", "no number"],
)
def test_wrong_options(wrong: Modules, variables: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleError, match=message) as caught:
        connected(wrong, **variables).exec_command("true")
    assert not isinstance(caught.value, AnsibleConnectionFailure)
    assert wrong.lab.token_secret not in str(caught.value)


def test_a_command_that_no_program_can_be_given(web: Modules) -> None:
    with pytest.raises(AnsibleError, match="a NUL byte"):
        connected(web).exec_command("a\0b")
