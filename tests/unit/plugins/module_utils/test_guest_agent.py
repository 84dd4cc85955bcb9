"""Commands of a VM's agent: what has to be done, and what it answered. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    PveError,
    RefusedError,
    WaitTimeoutError,
)
from ansible_collections.homelab.pve.plugins.module_utils.guest_agent import COMMANDS, describe, judged, plan
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import guest

from .resources.reading import Table, row

BASE = "/nodes/father/qemu/104"
AGENT = f"{BASE}/agent"
WEB = guest(row(104, "web"))
WHERE = r"vm 104 \(web\) on father"
INFO = {"result": {"supported_commands": [{"name": f"guest-{name}", "enabled": name != "fstrim"} for name in COMMANDS]}}
WISH = {"vmid": 104, "wait_timeout": 0.0, "agent_timeout": 0.0}
ROOT = {"command": "set-user-password", "username": "root", "user_password": "$5$a$b"}
NO_FILE = PveError("GET", AGENT, 500, "Agent error: failed to open file '/etc/shadow' (mode: 'r'): No such file")


class Agent(Table):
    """A VM's agent that answers from a table, questions too."""

    def __init__(self, status: str = "running", frozen: str = "thawed", shadow: object = NO_FILE) -> None:
        super().__init__(
            {
                "/cluster/resources": [row(104, "web")],
                f"{BASE}/status/current": {"status": status, "qmpstatus": status},
                f"{AGENT}/ping": {"result": {}},
                f"{AGENT}/info": INFO,
                f"{AGENT}/fsfreeze-status": {"result": frozen},
                f"{AGENT}/file-read": shadow,
            }
        )

    def ask(self, path: str) -> Any:
        return self.get(path)


def steps(agent: Agent, **wish: Any) -> list[tuple[str, str, dict[str, Any]]]:
    whole = {**WISH, **wish}
    return [(step.verb, step.path, dict(step.params)) for step in plan(whole, describe(agent, whole)).steps]


@pytest.mark.parametrize(
    ("agent", "wish", "expected"),
    [
        (Agent(), {"command": "ping"}, []),
        (Agent(), {"command": "fsfreeze-status"}, []),
        (Agent(), {"command": "fsfreeze-freeze"}, [("POST", f"{AGENT}/fsfreeze-freeze", {})]),
        (Agent(), {"command": "fsfreeze-thaw"}, []),
        (Agent(frozen="frozen"), {"command": "fsfreeze-freeze"}, []),
        (Agent(frozen="frozen"), {"command": "fsfreeze-thaw"}, [("POST", f"{AGENT}/fsfreeze-thaw", {})]),
        (Agent(), {"command": "shutdown"}, [("POST", f"{AGENT}/shutdown", {})]),
        (Agent("stopped"), {"command": "suspend-disk"}, []),
        (Agent("suspended"), {"command": "suspend-ram"}, []),
        (Agent("suspended"), {"command": "shutdown"}, [("POST", f"{AGENT}/shutdown", {})]),
        (Agent(), ROOT, [("POST", f"{AGENT}/set-user-password", {"username": "root", "password": "$5$a$b"})]),
        (
            Agent(shadow={"content": "root:$5$x:1::::::\n"}),
            {**ROOT, "crypted": True},
            [("POST", f"{AGENT}/set-user-password", {"username": "root", "password": "$5$a$b", "crypted": True})],
        ),
        (Agent(shadow={"content": "bin:*:1::::::\nroot:$5$a$b:1::::::\n"}), {**ROOT, "crypted": True}, []),
        (
            Agent(),
            {**ROOT, "crypted": True},
            [("POST", f"{AGENT}/set-user-password", {"username": "root", "password": "$5$a$b", "crypted": True})],
        ),
    ],
)
def test_steps(agent: Agent, wish: dict[str, Any], expected: list[Any]) -> None:
    assert steps(agent, **wish) == expected


def test_what_the_agent_told() -> None:
    view = describe(Agent(frozen="frozen"), {**WISH, "command": "fsfreeze-status"})
    assert (view.told, view.needless) == ("frozen", "the file systems are frozen")


@pytest.mark.parametrize(
    ("wish", "error", "message"),
    [
        ({"command": "fstrim"}, RefusedError, f"The agent of {WHERE} takes no fstrim now"),
        ({"command": "ping", "crypted": True}, ConfigError, "Option 'crypted' goes with command set-user-password"),
        ({**ROOT, "user_password": "x" * 1025}, ConfigError, "Option 'user_password' has to have 5 to 1024 letters"),
        ({"command": "ping", "agent_timeout": -1.0}, ConfigError, "Option 'agent_timeout' is -1; it has to be 0 or"),
    ],
    ids=str,
)
def test_refusals(wish: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        steps(Agent(), **wish)


def test_an_old_agent() -> None:
    agent = Agent()
    agent.answers[f"{AGENT}/info"] = {"result": {"supported_commands": []}}
    with pytest.raises(RefusedError, match=f"The agent of {WHERE} has no command shutdown"):
        steps(agent, command="shutdown")


@pytest.mark.parametrize(
    ("answer", "told"), [(None, None), ({"result": 0}, 0), ({"result": {"paths": []}}, {"paths": []})]
)
def test_good_answers(answer: Any, told: Any) -> None:
    assert judged(WEB, answer) == told


def test_an_error_that_looks_like_a_result() -> None:
    with pytest.raises(PveError, match="500 Agent error: no memory"):
        judged(WEB, {"result": {"error": {"class": "GenericError", "desc": "no memory"}}})


@pytest.mark.parametrize(("status", "ends"), [("stopped", True), ("running", False)])
def test_the_end_is_waited_for(status: str, ends: bool) -> None:
    wish = {**WISH, "command": "shutdown"}
    (step,) = plan(wish, describe(Agent(), wish)).steps
    assert step.follow
    if ends:
        assert step.follow(Agent(status), None, 0) is None
        return
    with pytest.raises(WaitTimeoutError, match=f"{WHERE} is not stopped after 0 s. Look at its console"):
        step.follow(Agent(status), None, 0)
