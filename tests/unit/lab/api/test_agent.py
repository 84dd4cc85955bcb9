"""The agent's endpoints: the protocol of commands and files, and PVE's words."""

from __future__ import annotations

import base64

import pytest

from lab.api.agent import MAX_READ, file_answer

from .conftest import Client

AGENT = "/nodes/father/qemu/100/agent"


@pytest.fixture
def agent(client: Client) -> Client:
    """A client, and a running guest with an agent."""
    client.run("POST", "/nodes/father/qemu/9001/clone", newid=100)
    client.run("POST", "/nodes/father/qemu/100/status/start")
    return client


def test_commands_run_beside_each_other_and_tell_their_end_once(agent: Client) -> None:
    slow = agent.post(f"{AGENT}/exec", command=["sleep", "600"])["pid"]
    quick = agent.post(f"{AGENT}/exec", **{"command": ["cat"], "input-data": "gr\u00fc\u00df"})["pid"]
    assert agent.get(f"{AGENT}/exec-status", pid=slow) == {"exited": 0}
    status = agent.get(f"{AGENT}/exec-status", pid=quick)
    assert status == {"exited": 1, "exitcode": 0, "out-data": "gr\u00fc\u00df"}
    assert agent.ask("GET", f"{AGENT}/exec-status", pid=quick).reason == f"Agent error: PID {quick} does not exist"


def test_a_file_is_written_and_read(agent: Client) -> None:
    content = bytes(range(256))
    agent.post(f"{AGENT}/file-write", file="/etc/x", content=base64.b64encode(content).decode(), encode=0)
    assert agent.get(f"{AGENT}/file-read", file="/etc/x") == {"content": content.decode("latin-1"), "bytes-read": 256}
    agent.post(f"{AGENT}/file-write", file="/etc/x", content="\n", encode=0)
    assert agent.get(f"{AGENT}/file-read", file="/etc/x") == {"content": "", "bytes-read": 0}


@pytest.mark.parametrize(
    ("method", "command", "values", "refusal"),
    [
        ("POST", "exec", {"command": "nope"}, (500, "Agent error: Guest agent command failed, error was ")),
        ("POST", "exec", {"command": "cat", "input-data": "\u20ac"}, (500, "Wide character in subroutine entry")),
        ("POST", "exec", {"command": "cat", "input-data": "x" * 65537}, (400, "Parameter verification failed.")),
        ("GET", "file-read", {"file": "/etc/no"}, (500, "Agent error: failed to open file '/etc/no' (mode: 'r'): No ")),
        ("GET", "file-read", {"file": "/etc"}, (500, "Agent error: failed to read file: Is a directory")),
        ("POST", "file-write", {"file": "/no/x", "content": "x"}, (500, "Agent error: failed to open file '/no/x' (m")),
        ("POST", "file-write", {"file": "/etc/x", "content": ""}, (400, "Parameter verification failed.")),
        (
            "POST",
            "file-write",
            {"file": "/etc/x", "content": "%", "encode": 0},
            (400, "Parameter verification failed."),
        ),
    ],
)
def test_refusals(
    agent: Client, method: str, command: str, values: dict[str, object], refusal: tuple[int, str]
) -> None:
    answer = agent.ask(method, f"{AGENT}/{command}", **values)
    assert (answer.status_code, answer.reason[: len(refusal[1])]) == refusal


@pytest.mark.parametrize(
    ("content", "values", "answer"),
    [
        (b"abc", {}, {"content": "abc", "bytes-read": 3}),
        (b"\xfc", {}, {"content": "\u00fc", "bytes-read": 1}),
        (b"\xfc", {"decode": 0}, {"content": "/A==", "bytes-read": 1}),
        (b"abcdef", {"offset": 2, "count": 3}, {"content": "cde", "bytes-read": 3, "truncated": 1}),
        (b"abc", {"offset": 9}, {"content": "", "bytes-read": 0}),
    ],
)
def test_parts_of_a_file(content: bytes, values: dict[str, int], answer: dict[str, object]) -> None:
    assert file_answer(content, values) == answer


def test_the_longest_read() -> None:
    answer = file_answer(bytes(MAX_READ + 1), {})
    assert (answer["bytes-read"], answer["truncated"]) == (MAX_READ, 1)


def test_an_agent_does_little_while_the_file_systems_are_frozen(agent: Client) -> None:
    assert agent.post(f"{AGENT}/fsfreeze-status") == {"result": "thawed"}
    assert agent.post(f"{AGENT}/fsfreeze-freeze") == {"result": 1}
    assert agent.post(f"{AGENT}/fsfreeze-status") == {"result": "frozen"}
    words = "has been disabled: the agent is in frozen state"
    assert agent.post(f"{AGENT}/fstrim")["result"]["error"]["desc"] == f"Command guest-fstrim {words}"
    assert agent.ask("POST", f"{AGENT}/exec", command=["true"]).reason == f"Agent error: Command guest-exec {words}"
    assert agent.post(f"{AGENT}/fsfreeze-thaw") == {"result": 1}
    assert agent.post(f"{AGENT}/fsfreeze-thaw") == {"result": 0}
    assert agent.post(f"{AGENT}/fstrim") == {"result": {"paths": [{"path": "/", "trimmed": 0, "minimum": 0}]}}


def test_a_restart_ends_the_freezing(agent: Client) -> None:
    agent.post(f"{AGENT}/fsfreeze-freeze")
    agent.run("POST", "/nodes/father/qemu/100/status/reset")
    assert agent.post(f"{AGENT}/fsfreeze-status") == {"result": "thawed"}


@pytest.mark.parametrize(("crypted", "begins"), [(0, "root:$5$"), (1, "root:word1:")])
def test_a_password(agent: Client, crypted: int, begins: str) -> None:
    agent.post(f"{AGENT}/set-user-password", username="root", password="word1", crypted=crypted)
    assert agent.get(f"{AGENT}/file-read", file="/etc/shadow")["content"].startswith(begins)
    answer = agent.ask("POST", f"{AGENT}/set-user-password", username="nobody-there", password="word1")
    assert answer.reason == "Agent error: child process has failed to set user password"


def test_falling_asleep(agent: Client) -> None:
    agent.post(f"{AGENT}/suspend-ram")
    assert agent.get("/nodes/father/qemu/100/status/current")["qmpstatus"] == "suspended"
    assert agent.ask("POST", f"{AGENT}/ping").reason == "QEMU guest agent is not running"
    agent.run("POST", "/nodes/father/qemu/100/status/resume")
    assert agent.post(f"{AGENT}/ping") == {"result": {}}
