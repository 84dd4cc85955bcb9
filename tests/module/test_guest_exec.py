"""Module guest_exec against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, hidden

EXEC = "/nodes/father/qemu/210/agent/exec"
WHERE = "vm 210 (web) on father"
ASKED = f"Cannot run a command in {WHERE}: GET /nodes/father/qemu/210/agent/info: 500"


@pytest.fixture
def web(modules: Modules) -> Modules:
    """A running VM with an agent."""
    modules.ok("vm", name="web", vmid=210, clone="debian-12", state="started")
    return modules


def test_a_command_and_what_it_leaves(web: Modules) -> None:
    result = web.ok("guest_exec", vmid=210, cmd="echo out; echo gr\u00fc\u00df >&2; cat", stdin="\u20ac\n\n")
    assert result["plan"] == [f"run '/bin/sh' in {WHERE}"]
    assert (result["changed"], result["rc"], result["signal"]) == (True, 0, None)
    assert (result["stdout"], result["stdout_lines"], result["stdout_truncated"]) == (
        "out\n\u20ac",
        ["out", "\u20ac"],
        False,
    )
    assert (result["stderr"], result["stderr_lines"], result["stderr_truncated"]) == (
        "gr\u00fc\u00df",
        ["gr\u00fc\u00df"],
        False,
    )
    assert (result["vmid"], result["name"], result["node"]) == (210, "web", "father")


def test_requests(web: Modules) -> None:
    web.ok("guest_exec", vmid=210, argv=["true"])
    paths = [(record.method, record.path.rpartition("/")[2]) for record in web.lab.requests()]
    assert paths == [("GET", "resources"), ("GET", "info"), ("POST", "exec"), ("GET", "exec-status")]


def test_check_mode_runs_nothing(web: Modules) -> None:
    result = web.ok("guest_exec", check=True, name="web", argv=["touch", "/etc/made"])
    assert web.lab.writes() == []
    assert (result["changed"], result["rc"], result["stdout"], result["pid"]) == (True, 0, "", None)
    real = web.ok("guest_exec", name="web", argv=["touch", "/etc/made"])
    assert (real["changed"], real["plan"], real["diff"]) == (True, result["plan"], result["diff"])


def test_creates(web: Modules) -> None:
    command: dict[str, Any] = {"vmid": 210, "argv": ["touch", "/etc/made"], "creates": "/etc/made"}
    web.converge("guest_exec", **command)
    assert web.unchanged("guest_exec", **command)["plan"] == [f"/etc/made exists in {WHERE}"]
    assert web.unchanged("guest_exec", **{**command, "creates": "/etc"})["plan"] == [f"/etc exists in {WHERE}"]


def test_removes(web: Modules) -> None:
    web.ok("guest_exec", vmid=210, argv=["touch", "/etc/made"])
    command: dict[str, Any] = {"vmid": 210, "argv": ["rm", "-f", "--", "/etc/made"], "removes": "/etc/made"}
    web.converge("guest_exec", **command)
    assert web.unchanged("guest_exec", **command)["plan"] == [f"/etc/made does not exist in {WHERE}"]


def test_a_failing_command(web: Modules) -> None:
    lines = "".join(f"echo {number} >&2; " for number in range(1, 13))
    result = web.run("guest_exec", vmid=210, cmd=f"{lines} echo out; exit 3")
    assert result["msg"] == f"'/bin/sh' on {WHERE} ended with exit status 3: " + "\n".join(str(n) for n in range(3, 13))
    assert (result["failed"], result["rc"], result["stdout"], result["changed"]) == (True, 3, "out", True)
    assert web.run("guest_exec", vmid=210, argv=["false"])["msg"] == (
        f"'false' on {WHERE} ended with exit status 1: (nothing on stderr)"
    )


def test_output_is_limited(web: Modules) -> None:
    result = web.ok("guest_exec", vmid=210, argv=["echo", "gr\u00fc\u00df"], output_limit=3)
    assert (result["stdout"], result["stdout_truncated"], result["stderr_truncated"]) == ("gr\ufffd", True, False)
    result = web.ok("guest_exec", vmid=210, argv=["head", "-c", "100000000", "/dev/zero"], output_limit=0)
    assert (result["stdout"], result["stdout_truncated"]) == ("", True)
    result = web.ok("guest_exec", vmid=210, argv=["head", "-c", "100000000", "/dev/zero"], output_limit=10**9)
    assert (len(result["stdout"]), result["stdout_truncated"]) == (16 * 1024 * 1024, True)


def test_a_command_that_takes_too_long(web: Modules) -> None:
    result = web.run("guest_exec", vmid=210, argv=["sleep", "600"], wait_timeout=0.1)
    assert result["msg"] == (
        f"Cannot run 'sleep' in {WHERE}: 'sleep' (pid 1000) in {WHERE} has not ended after 0.1 s. It is not stopped. "
        "Raise wait_timeout, or stop it in the guest: kill 1000"
    )


def test_a_command_that_is_not_waited_for(web: Modules) -> None:
    result = web.ok("guest_exec", vmid=210, argv=["sleep", "600"], wait=False)
    assert (result["changed"], result["pid"], result["rc"], result["stdout"]) == (True, 1000, 0, "")
    assert result["plan"] == [f"start 'sleep' in {WHERE}"]
    assert web.lab.requests()[-1].path == EXEC


def test_an_agent_that_is_silent_for_a_while_is_asked_again(web: Modules) -> None:
    status = f"{EXEC}-status"
    words = "QEMU guest agent is not running"
    web.lab.api.inject({"kind": "fail", "method": "GET", "path": status, "status": 500, "message": words, "times": 2})
    assert web.ok("guest_exec", vmid=210, argv=["hostname"])["stdout"] == "web"


def test_an_end_that_nobody_will_know(web: Modules) -> None:
    gone = {"kind": "fail", "method": "GET", "path": f"{EXEC}-status", "status": 500}
    web.lab.api.inject({**gone, "message": "Agent error: PID 1000 does not exist"})
    assert web.run("guest_exec", vmid=210, argv=["touch", "/etc/x"])["msg"] == (
        f"Cannot run 'touch' in {WHERE}: How 'touch' (pid 1000) in {WHERE} ended is not known: Agent error: PID 1000 "
        "does not exist. Its end was told in an answer that got lost, or the guest or its agent was restarted "
        "meanwhile. Look in the guest before you run it again."
    )


@pytest.mark.parametrize("status", [596, 502])
def test_a_command_is_not_run_twice_after_a_lost_answer(web: Modules, status: int) -> None:
    web.lab.api.inject({"kind": "fail", "method": "POST", "path": EXEC, "status": status, "message": "lost"})
    result = web.run("guest_exec", vmid=210, argv=["touch", "/etc/x"])
    assert [record.path for record in web.lab.requests()].count(EXEC) == 1
    assert result["msg"].endswith("A command is never run twice: look in the guest before you run this again.")


def test_a_program_that_is_not_there(web: Modules) -> None:
    result = web.run("guest_exec", vmid=210, argv=["nope"])
    assert result["msg"] == (
        f"Cannot run 'nope' in {WHERE}: POST {EXEC}: 500 Agent error: Guest agent command failed, error was 'Failed to "
        "execute child process \u201cnope\u201d (No such file or directory)'.\n"
        "Check that the program is installed in the guest, or give its full path."
    )
    assert web.lab.writes() == []


def test_a_guest_that_is_off(modules: Modules) -> None:
    modules.ok("vm", name="web", vmid=210, clone="debian-12")
    assert modules.message("guest_exec", vmid=210, argv=["true"]) == (
        f"{ASKED} VM 210 is not running.\nStart it first (module vm, state: started)."
    )


def test_a_guest_without_an_agent(modules: Modules) -> None:
    modules.ok("vm", name="web", vmid=210, state="started")
    assert modules.message("guest_exec", vmid=210, argv=["true"]) == (
        f"{ASKED} No QEMU guest agent configured.\n"
        "Enable the agent (option agent of the module vm), stop the guest and start it."
    )


def test_an_agent_that_does_not_run(web: Modules) -> None:
    web.lab.api.inject({"kind": "hang-agent", "vmid": 210})
    assert web.message("guest_exec", vmid=210, argv=["true"], agent_timeout=0.1) == (
        f"{ASKED} QEMU guest agent is not running.\n"
        "Check that the guest has booted, that qemu-guest-agent runs in it, and that its option agent was on when it "
        "was started. Option agent_timeout waits for one that is booting."
    )


def test_an_agent_is_asked_once_unless_it_may_take_time(web: Modules) -> None:
    web.lab.api.inject({"kind": "hang-agent", "vmid": 210})
    web.message("guest_exec", vmid=210, argv=["true"])
    assert [record.path.rpartition("/")[2] for record in web.lab.requests()] == ["resources", "info"]


def test_an_agent_is_waited_for(web: Modules) -> None:
    info = "/nodes/father/qemu/210/agent/info"
    words = "QEMU guest agent is not running"
    web.lab.api.inject({"kind": "fail", "method": "GET", "path": info, "status": 500, "message": words, "times": 3})
    assert web.ok("guest_exec", vmid=210, argv=["hostname"], agent_timeout=60)["stdout"] == "web"


def test_an_agent_that_may_not_run_commands(web: Modules) -> None:
    web.lab.api.inject({"kind": "block-agent", "vmid": 210, "commands": ["guest-exec", "guest-exec-status"]})
    assert web.message("guest_exec", vmid=210, argv=["true"]) == (
        f"The agent of {WHERE} has guest-exec and guest-exec-status disabled, so it runs no commands. "
        "Allow them in the guest's /etc/sysconfig/qemu-ga or /etc/qemu/qemu-ga.conf, and restart qemu-guest-agent."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "one of the following is required: vmid, name"),
        ({"vmid": 210}, "one of the following is required: argv, cmd"),
        ({"vmid": 210, "name": "web", "cmd": "x"}, "parameters are mutually exclusive: vmid|name"),
        ({"vmid": 210, "cmd": "x", "argv": ["x"]}, "parameters are mutually exclusive: argv|cmd"),
        (
            {"vmid": 4711, "cmd": "x"},
            "There is no guest with vmid 4711. Check the vmid.",
        ),
        (
            {"name": "nobody", "cmd": "x"},
            "There is no guest named 'nobody', or the login may not see it. "
            "Check the name, and that the login has the privilege VM.Audit on the guest.",
        ),
        (
            {"vmid": 210, "argv": []},
            "Option 'argv' is empty. Give the program, and its arguments, each as one word.",
        ),
        (
            {"vmid": 210, "argv": ["ls", "", "-l"]},
            "Word 2 of the command is empty. Proxmox VE's API drops empty words, and those before them. "
            "Write the command for a shell, with option cmd: prog ''",
        ),
        (
            {"vmid": 210, "argv": ["ls", "a\0b"]},
            "Word 2 of the command has a NUL byte in it, which no program can be given.",
        ),
        (
            {"vmid": 210, "cmd": "cat", "stdin": "\u20ac" * 30000},
            "Option 'stdin' has 90000 bytes; Proxmox VE passes at most 65536 to a command. "
            "Put them in a file with the module guest_file and let the command read that.",
        ),
        ({"vmid": 210, "cmd": " "}, "Option 'cmd' is empty. Give a command line for the guest's shell."),
        (
            {"vmid": 210, "cmd": "x", "creates": "made"},
            "Option 'creates': 'made' is not an absolute path in the guest, as /etc/motd is.",
        ),
        (
            {"vmid": 210, "cmd": "x", "removes": ""},
            "Option 'removes': '' is not an absolute path in the guest, as /etc/motd is.",
        ),
        ({"vmid": 210, "cmd": "x", "output_limit": -1}, "Option 'output_limit' is -1; it has to be 0 or more."),
        ({"vmid": 210, "cmd": "x", "wait_timeout": -0.5}, "Option 'wait_timeout' is -0.5; it has to be 0 or more."),
        ({"vmid": 210, "cmd": "x", "agent_timeout": -2}, "Option 'agent_timeout' is -2; it has to be 0 or more."),
        (
            {"vmid": "web", "cmd": "x"},
            "argument 'vmid' is of type str and we were unable to convert to int: "
            "\"'web'\" cannot be converted to an int",
        ),
    ],
)
def test_wrong_input(web: Modules, options: dict[str, object], message: str) -> None:
    assert web.message("guest_exec", **options) == message


def test_two_guests_of_one_name(web: Modules) -> None:
    web.ok("vm", name="other", vmid=211, state="present")
    web.lab.api.vm(211).name = "web"
    assert web.message("guest_exec", name="web", argv=["true"]) == (
        "The name 'web' is ambiguous: 210 on father, 211 on father. Give the vmid."
    )


def test_least_privileges(web: Modules) -> None:
    needed = ["VM.Audit", "VM.GuestAgent.Unrestricted"]
    limited = web.limited({"/vms/210": needed})
    assert limited.ok("guest_exec", vmid=210, argv=["hostname"], creates="/etc/no")["stdout"] == "web"
    assert web.limited({"/vms/210": needed[1:]}).message("guest_exec", vmid=210, argv=["true"]) == hidden(210)
    assert "VM.GuestAgent.Unrestricted" in web.limited({"/vms/210": needed[:1]}).message(
        "guest_exec", vmid=210, argv=["true"]
    )
