"""A shell by the agent: what is sent, what is sent again and what never is."""

from __future__ import annotations

import base64
import gzip
import random
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.agent import FROZEN, WRITE_LIMIT
from ansible_collections.homelab.pve.plugins.module_utils.api import READ_AGAIN, Client
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    FileError,
    HomelabPveError,
    OutcomeUnknownError,
    PveError,
    StepFailedError,
    WaitTimeoutError,
)
from ansible_collections.homelab.pve.plugins.plugin_utils import agent_shell
from ansible_collections.homelab.pve.plugins.plugin_utils.agent_shell import (
    BLOCK,
    BLOCKS,
    CHECKED,
    GIVEN_LIMIT,
    LOGGED_IN,
    LOT,
    SPOOL,
    AgentShell,
    absolute,
    appending,
    beside,
    carried,
    fed,
    lots,
    pieces,
    unpacked,
)
from hypothesis import given
from hypothesis import strategies as st

ENDED = {"exited": 1, "exitcode": 0}
RUNS = {"exited": 0}
LOST = OutcomeUnknownError("father", 8006, "the connection broke", READ_AGAIN)
NOISE = random.Random(1).randbytes(2 * WRITE_LIMIT + GIVEN_LIMIT)


def error(message: str) -> PveError:
    return PveError("POST", "/x", 500, message)


MOVED = error("Configuration file 'nodes/father/qemu-server/104.conf' does not exist")
SILENT = error("QEMU guest agent is not running")
NO_FOLDER = error(f"Agent error: failed to open file '{SPOOL}/x' (mode: 'w'): No such file or directory")
BLOCKED = error("Agent error: Command guest-exec has been disabled: the command is not allowed")


class Agent(Client):
    """A node whose answers to each kind of request are listed; the last one is repeated."""

    def __init__(self, **answers: Sequence[Any]) -> None:
        row = {"vmid": 104, "name": "web", "node": "father", "type": "qemu", "status": "running", "template": 0}
        known: dict[str, list[Any]] = {"exec": [{"pid": 7}], "exec-status": [ENDED], "file-write": [None], "info": [{}]}
        named = {name.replace("_", "-"): list(given) for name, given in answers.items()}
        self.answers: dict[str, list[Any]] = {**known, "resources": [[row]], **named}
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def request(self, method: str, path: str, params: Any = None, patience: float = 0.0) -> Any:
        """The next answer; one that is an error is raised."""
        kind = path.rpartition("/")[2]
        self.sent.append((kind, dict(params or {})))
        left = self.answers[kind]
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, HomelabPveError):
            raise answer
        return answer

    @property
    def kinds(self) -> list[str]:
        """What was asked, without the look for the VM."""
        return [kind for kind, _params in self.sent[1:]]

    def inputs(self) -> bytes:
        """All content that was sent, in its order."""
        given = [params.get("content") or params.get("input-data") or "" for _kind, params in self.sent]
        return b"".join(base64.b64decode(text) for text in given)


def shell(agent: Agent, **options: float) -> AgentShell:
    return AgentShell(agent, {"vmid": 104}, **options)


# ----------------------------------------------------------------------------------------------------------- pieces


@given(st.binary(max_size=2 * WRITE_LIMIT + 5))
def test_pieces_are_the_content(content: bytes) -> None:
    assert b"".join(pieces(content)) == content


@pytest.mark.parametrize("count", [0, 1, 2, LOT, LOT + 1, 3 * LOT])
def test_lots_are_the_content_and_one_is_the_last(count: int) -> None:
    content = [b"%d" % number for number in range(count)]
    found = list(lots(content))
    assert [piece for lot, _last in found for piece in lot] == (content or [b""])
    assert [last for _lot, last in found] == [False] * (len(found) - 1) + [True]
    assert all(0 < len(lot) <= LOT for lot, _last in found)


@pytest.mark.parametrize(
    ("content", "unpack"),
    [(b"x", "cat"), (b"x" * (WRITE_LIMIT + 1), "gzip -dc"), (NOISE, "cat")],
    ids=["small", "packs", "noise"],
)
def test_input_is_packed_where_that_saves_a_request(content: bytes, unpack: str) -> None:
    sent, command = unpacked(content)
    assert command == unpack
    assert (gzip.decompress(sent) if unpack != "cat" else sent) == content


@pytest.mark.parametrize(("text", "said"), [("a\0b", "a NUL byte"), ("a\udcffb", "not UTF-8")])
def test_what_the_api_cannot_carry_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        carried(text, "path")


def test_paths_are_absolute() -> None:
    assert absolute("/a b\n'\"$ü") == "/a b\n'\"$ü"
    with pytest.raises(ConfigError, match="'etc/motd' is not an absolute path"):
        absolute("etc/motd")


@pytest.mark.parametrize(("path", "part"), [("/a", "/.t.part"), ("/a b/c", "/a b/.t.part")])
def test_a_file_grows_in_its_own_folder(path: str, part: str) -> None:
    assert beside(path, "t") == part


# --------------------------------------------------------------------------------------------------------- commands


def test_a_command_takes_two_requests() -> None:
    agent = Agent(exec_status=[{"exited": 1, "exitcode": 3, "out-data": "\xfc", "err-data": "e"}])
    found = shell(agent).run("make all")
    assert (found.rc, found.stdout, found.stderr) == (3, b"\xfc", b"e")
    assert agent.kinds == ["exec", "exec-status"]
    command = agent.sent[1][1]
    assert command["command"][-1] == "make all"
    assert "input-data" not in command


@pytest.mark.parametrize(
    ("size", "writes"),
    [(2, 0), (GIVEN_LIMIT, 0), (GIVEN_LIMIT + 1, 1), (WRITE_LIMIT, 1), (WRITE_LIMIT + 1, 1), (-1, 2)],
)
def test_input_goes_with_the_command_and_before_it(size: int, writes: int) -> None:
    agent, content = Agent(), NOISE[:size]
    shell(agent).run("cat", content)
    assert agent.kinds == [*["file-write"] * writes, "exec", "exec-status"]
    assert agent.inputs() == content


def test_input_of_many_pieces_is_put_together_on_its_way() -> None:
    agent, content = Agent(), random.Random(2).randbytes((LOT + 1) * WRITE_LIMIT)
    shell(agent).run("cat", content)
    run = ["exec", "exec-status"]
    assert agent.kinds == [*["file-write"] * LOT, *run, "file-write", *run]
    assert agent.inputs() == content
    scripts = [params["command"][2] for kind, params in agent.sent if kind == "exec"]
    assert "set -C" in scripts[0]
    assert ".part" in scripts[1].partition(" -; rm -f ")[0]


@pytest.mark.parametrize("times", [1, 2])
def test_a_piece_is_sent_again_when_its_answer_is_lost(times: int) -> None:
    agent = Agent(file_write=[*[LOST] * times, None])
    shell(agent).run("cat", NOISE)
    assert agent.kinds.count("file-write") == 2 + times
    assert agent.kinds.count("exec") == 1


def test_a_command_is_not_sent_again_when_its_answer_is_lost() -> None:
    agent = Agent(exec=[LOST])
    with pytest.raises(StepFailedError, match="A command is never run twice"):
        shell(agent).run("make")
    assert agent.kinds == ["exec"]


def test_what_waited_for_a_command_is_removed_when_it_fails() -> None:
    agent = Agent(exec=[BLOCKED])
    with pytest.raises(StepFailedError, match="agent's own configuration in the guest forbids"):
        shell(agent).run("make", NOISE)
    assert [params["command"][2].split()[0] for kind, params in agent.sent if kind == "exec"][1:] == ["rm"]


def test_a_vm_that_moves_is_looked_for() -> None:
    agent = Agent(exec=[MOVED, {"pid": 7}])
    shell(agent).run("make")
    assert agent.kinds == ["exec", "resources", "exec", "exec-status"]


def test_a_vm_that_keeps_moving_is_given_up() -> None:
    agent = Agent(exec=[MOVED])
    with pytest.raises(StepFailedError, match="does not exist"):
        shell(agent).run("make")


def test_the_folder_for_pieces_is_made_when_it_is_not_there() -> None:
    agent = Agent(file_write=[NO_FOLDER, None])
    shell(agent).run("cat", NOISE)
    assert agent.kinds[:4] == ["file-write", "exec", "exec-status", "file-write"]


@pytest.mark.parametrize("words", ["QEMU guest agent is not running", f"Agent error: x: {FROZEN}"])
def test_an_agent_is_waited_for(words: str) -> None:
    agent = Agent(exec=[error(words), {"pid": 7}], info=[error(words), error(words), {}])
    shell(agent, agent_timeout=60).run("make")
    assert agent.kinds == ["exec", "info", "info", "info", "exec", "exec-status"]


def test_an_agent_is_not_waited_for_without_patience() -> None:
    agent = Agent(exec=[SILENT])
    with pytest.raises(StepFailedError, match="Check that the guest has booted"):
        shell(agent).run("make")
    assert agent.kinds == ["exec"]


def test_a_command_that_takes_too_long() -> None:
    with pytest.raises(StepFailedError, match=r"after 0.1 s. It is not stopped. Raise command_timeout.*: kill 7"):
        shell(Agent(exec_status=[RUNS]), command_timeout=0.1).run("sleep 9")


def test_an_agent_that_is_silent_for_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_shell, "SILENCE", 0.1)
    with pytest.raises(
        StepFailedError, match=r"has not been heard of for 0.1 s .last answer: QEMU guest agent"
    ) as caught:
        shell(Agent(exec_status=[RUNS, SILENT])).run("sleep 9")
    assert isinstance(caught.value.cause, WaitTimeoutError)


def test_an_agent_that_is_silent_for_a_while() -> None:
    assert shell(Agent(exec_status=[SILENT, RUNS, SILENT, ENDED])).run("make").rc == 0


# ------------------------------------------------------------------------------------------------------------ files


@pytest.mark.parametrize(
    ("size", "writes", "commands"), [(0, 0, 1), (9, 0, 1), (3 * WRITE_LIMIT, 3, 1), (LOT * WRITE_LIMIT + 9, LOT, 2)]
)
def test_a_file_goes_in_pieces(size: int, writes: int, commands: int) -> None:
    agent, content = Agent(), random.Random(3).randbytes(size)
    shell(agent).write_file(pieces(content), "/srv/x")
    assert (agent.kinds.count("file-write"), agent.kinds.count("exec")) == (writes, commands)
    assert agent.inputs() == content
    words = [params["command"] for kind, params in agent.sent if kind == "exec"]
    assert ["mv -f" in command[2] for command in words] == [False] * (commands - 1) + [True]
    assert {tuple(command[4:6]) for command in words} == {(words[0][4], "/srv/x")}


def test_a_file_that_cannot_be_written() -> None:
    agent = Agent(exec_status=[{"exited": 1, "exitcode": 2, "err-data": "cannot create: Directory nonexistent\n"}])
    with pytest.raises(
        FileError, match=r"Cannot write /no/x on vm 104 .web. on father: cannot create: Directory nonex"
    ):
        shell(agent).write_file([b"x"], "/no/x")


def file_answer(content: bytes) -> dict[str, Any]:
    return {"content": content.decode("latin-1"), "truncated": 1}


def test_a_long_file_is_read_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    from hashlib import sha256  # noqa: PLC0415

    content = random.Random(4).randbytes(BLOCK // 2 + (BLOCKS + 2) * BLOCK)
    parts = [content[2 * BLOCK : (2 + BLOCKS) * BLOCK], content[(2 + BLOCKS) * BLOCK :]]
    told = [*parts, f"{sha256(content).hexdigest()}  -\n".encode()]
    ends = [{**ENDED, "out-data": part.decode("latin-1")} for part in told]
    # What an answer holds beyond whole blocks is read again.
    agent = Agent(file_read=[file_answer(content[: 2 * BLOCK + 7])], exec_status=ends)
    assert b"".join(shell(agent).fetch_file("/x")) == content
    assert [params["command"][5:] for kind, params in agent.sent if kind == "exec"] == [["2"], ["10"], []]


def test_a_long_file_that_changes_meanwhile() -> None:
    ends = [{**ENDED, "out-data": "x"}, {**ENDED, "out-data": "0" * 64}]
    agent = Agent(file_read=[file_answer(b"1")], exec_status=ends)
    with pytest.raises(FileError, match=r"it has changed meanwhile. Fetch it again"):
        list(shell(agent).fetch_file("/x"))


def test_a_file_that_is_not_there() -> None:
    agent = Agent(file_read=[error("failed to open file '/x' (mode: 'r'): No such file or directory")])
    with pytest.raises(FileNotFoundError, match=r"There is no file /x in vm 104 \(web\) on father"):
        list(shell(agent).fetch_file("/x"))


def test_a_file_of_a_vm_that_moves() -> None:
    agent = Agent(file_read=[MOVED, {"content": "x"}])
    assert list(shell(agent).fetch_file("/x")) == [b"x"]


def test_the_shells_words_are_a_shells() -> None:
    scripts = [LOGGED_IN, fed(["/a", "/b"], "cat"), appending(["/a"], new=True), appending([], new=False) + CHECKED]
    for script in scripts:
        subprocess.run(["sh", "-n", "-c", script], check=True)
