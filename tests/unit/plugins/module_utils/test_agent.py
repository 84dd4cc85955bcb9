"""Commands and files through the agent: the protocol's details."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.agent import (
    FROZEN,
    Ended,
    FileView,
    advice,
    characters,
    content_bytes,
    ended,
    exec_step,
    file_exists,
    file_step,
    helper_step,
    machine,
    read_file,
    wait_for_end,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    CommandError,
    PveError,
    RefusedError,
    WaitTimeoutError,
)
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import guest
from hypothesis import given
from hypothesis import strategies as st

from .resources.reading import Table, row

WEB = guest(row(104, "web"))
MOVED = row(104, "web", node="mother")
BASE = "/nodes/father/qemu/104/agent"
READ, STATUS = f"{BASE}/file-read", f"{BASE}/exec-status"
WHERE = r"'make' \(pid 7\) in vm 104 \(web\) on father"


def error(message: str, status: int = 500, **errors: str) -> PveError:
    return PveError("GET", BASE, status, message, errors=errors)


NO_FILE = error("Agent error: failed to open file '/x' (mode: 'r'): No such file or directory")


@pytest.mark.parametrize(
    ("reason", "said"), [(FROZEN, "try again when that has ended"), ("the command is not allowed", "allow it in")]
)
def test_why_the_agent_refuses_a_command(reason: str, said: str) -> None:
    assert said in advice(error(f"Agent error: Command guest-exec has been disabled: {reason}"))


@given(st.binary())
def test_bytes_survive_the_way_there_and_back(content: bytes) -> None:
    assert content_bytes(characters(content)) == content


def test_text_that_was_decoded_on_its_way_is_text() -> None:
    assert content_bytes("\u20ac") == "\u20ac".encode()


@pytest.mark.parametrize(
    ("status", "end"),
    [
        ({"exited": 1, "exitcode": 0}, Ended(7, 0)),
        ({"exited": True, "exitcode": 3, "out-data": "\xc3\xbc"}, Ended(7, 3, stdout="\u00fc".encode())),
        ({"exited": 1, "signal": 9}, Ended(7, 137, 9)),
        ({"exited": 1, "exitcode": 0, "out-truncated": 1}, Ended(7, 0, stdout_truncated=True)),
        ({"exited": 1, "exitcode": 0, "err-data": "x", "err-truncated": 1}, Ended(7, 0, None, b"", b"x", False, True)),
    ],
)
def test_how_a_command_ended(status: dict[str, Any], end: Ended) -> None:
    assert ended(7, status) == end
    assert wait_for_end(WEB, ["make"], Table({STATUS: status}), {"pid": 7}, 0) == end


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"exited": 0}, rf"^{WHERE} has not ended after 0 s\. It is not stopped\. Raise wait_timeout, or .*: kill 7$"),
        (
            error("QEMU guest agent is not running"),
            rf"^{WHERE} has not ended after 0 s \(last answer: QEMU guest agent is not running\)\. It is not stopped",
        ),
        (
            error("Agent error: PID 7 does not exist"),
            rf"^How {WHERE} ended is not known: .* answer that got lost, ",
        ),
        (
            error("Agent error: Invalid parameter 'pid'"),
            rf"^How {WHERE} ended is not known: .* answer that got lost",
        ),
        (error("no"), rf"^How {WHERE} ended is not known: no\. Look in the guest before you run it again\.$"),
    ],
)
def test_an_end_that_is_not_known(answer: Any, message: str) -> None:
    with pytest.raises(WaitTimeoutError, match=message):
        wait_for_end(WEB, ["make", "secret"], Table({STATUS: answer}), {"pid": 7}, 0)


def test_a_guest_that_moves_meanwhile_is_followed() -> None:
    gone = error("Configuration file 'nodes/father/qemu-server/104.conf' does not exist")
    there = {"/nodes/mother/qemu/104/agent/exec-status": {"exited": 1, "exitcode": 0}}
    reader = Table({STATUS: gone, "/cluster/resources": [MOVED], **there})
    assert wait_for_end(WEB, ["make"], reader, {"pid": 7}, 5).rc == 0


def test_the_step_of_a_command() -> None:
    step = exec_step(WEB, ["cat", "-"], "run it", stdin=b"\xff")
    assert (step.verb, step.path, step.once) == ("POST", f"{BASE}/exec", True)
    assert step.params == {"command": ["cat", "-"], "input-data": "\u00ff"}
    assert exec_step(WEB, ["true"], "run it").params == {"command": ["true"]}


def test_a_command_that_has_to_succeed() -> None:
    step = helper_step(WEB, ["install", "x"], "make it")
    assert (step.once, step.follow is None) == (False, False)
    assert step.follow is not None
    status = {"exited": 1, "exitcode": 1, "err-data": "install: no\n"}
    with pytest.raises(CommandError, match=r"^'install' on vm 104 \(web\) on father ended with exit status 1: install"):
        step.follow(Table({STATUS: status}), {"pid": 7}, 0)


@pytest.mark.parametrize(
    ("answer", "content", "complete"),
    [
        ({"content": "\xc3\xbc", "bytes-read": 2}, "\u00fc".encode(), True),
        ({"content": "", "bytes-read": 0}, b"", True),
        ({"content": "x", "truncated": 1}, b"x", False),
        (NO_FILE, None, True),
        (error("Agent error: failed to open file 'C:\\x' (mode: 'r'): The system cannot find the file"), None, True),
    ],
)
def test_a_file(answer: Any, content: bytes | None, complete: bool) -> None:
    assert read_file(Table({READ: answer}), WEB, "/x") == FileView(WEB, "/x", content, complete)


def test_a_file_that_cannot_be_read_is_not_absent() -> None:
    with pytest.raises(PveError, match="Permission denied"):
        read_file(
            Table({READ: error("Agent error: failed to open file '/x' (mode: 'r'): Permission denied")}), WEB, "/x"
        )


@pytest.mark.parametrize(
    ("answer", "exists"),
    [
        ({"content": "x", "truncated": 1}, True),
        ({"content": ""}, True),
        (error("Agent error: failed to read file: Is a directory"), True),
        (NO_FILE, False),
    ],
)
def test_whether_a_file_exists(answer: Any, exists: bool) -> None:
    assert file_exists(Table({READ: answer}), WEB, "/x") is exists


@pytest.mark.parametrize(("answer", "exists"), [({"content": "x"}, True), (NO_FILE, False)])
def test_before_proxmox_9_1_5_the_whole_file_is_asked_for(answer: Any, exists: bool) -> None:
    class Old(Table):
        def get(self, path: str, params: Any = None) -> Any:
            if "count" in params:
                raise error("Parameter verification failed.", 400, count="property is not defined in schema")
            return super().get(path, params)

    assert file_exists(Old({READ: answer}), WEB, "/x") is exists


@pytest.mark.parametrize(("content", "sent"), [(b"abc", "YWJj"), (b"", "\n")])
def test_the_step_that_writes(content: bytes, sent: str) -> None:
    step = file_step(WEB, "/x", content, "write it")
    assert (step.path, step.params) == (f"{BASE}/file-write", {"file": "/x", "content": sent, "encode": False})


def test_a_container_has_no_agent() -> None:
    with pytest.raises(RefusedError) as caught:
        machine(Table({"/cluster/resources": [row(105, "db", type="lxc")]}), {"vmid": 105})
    assert str(caught.value) == (
        "container 105 (db) on father has no guest agent: Proxmox VE's API runs commands and moves files in VMs only. "
        "Use SSH, or pct exec on the node."
    )
