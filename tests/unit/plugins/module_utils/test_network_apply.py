"""What waits of a node's network, told by its files; and where commands for the node would run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Answer, Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import look
from ansible_collections.homelab.pve.plugins.module_utils.command_output import CommandResult
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    OutcomeUnknownError,
    TakenBackError,
)
from ansible_collections.homelab.pve.plugins.module_utils.executor import LocalExecutor
from ansible_collections.homelab.pve.plugins.module_utils.network_apply import OPTIONS, Guarded, Node
from ansible_collections.homelab.pve.plugins.module_utils.resources.network import NETWORK_APPLY

FILES = {"/etc/network/interfaces": "auto lo\n", "/etc/network/interfaces.new": "auto lo\nauto vmbr1\n"}


class Files(LocalExecutor):
    """A node with these files."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def run(self, cmd: list[str], *_: Any, **__: Any) -> CommandResult:
        """The file that is named last, or the node's name."""
        return CommandResult(0, "pve1\n" if cmd[0] == "hostname" else self.files.get(cmd[-1], ""), "")


@pytest.mark.parametrize(
    ("files", "changes"),
    [
        (
            FILES,
            "--- /etc/network/interfaces\n+++ /etc/network/interfaces.new\n@@ -1 +1,2 @@\n auto lo\n+auto vmbr1\n",
        ),
        ({"/etc/network/interfaces": "auto lo\n"}, ""),
    ],
)
def test_what_waits(files: dict[str, str], changes: str) -> None:
    assert Node("pve1", Files(files), remote=True).waiting() == changes


def test_another_node_is_refused() -> None:
    Node("pve1", Files({}), remote=True).check()
    with pytest.raises(ConfigError) as caught:
        Node("pve2", Files({}), remote=True).check()
    assert str(caught.value) == (
        "Cannot see to the network of node pve2 over SSH: this machine is node pve1. "
        "Set ssh_host to an address of pve2."
    )


class Watched(Node):
    """A node whose program is only noted; it says what became of the change."""

    said: list[str]
    became: str

    def program(self, *words: str) -> str:
        """Note the words."""
        self.said.append(words[0])
        return self.became


def watched(became: str) -> Watched:
    node = Watched("pve1", Files({}), remote=True)
    object.__setattr__(node, "said", [])
    object.__setattr__(node, "became", became)
    return node


class Losing:
    """A way to the API that loses the answer to a write. ``waits``: what the API says that waits, before and after."""

    def __init__(self, *waits: str) -> None:
        self.waits, self.asked = list(waits), list[str]()

    def send(self, method: str, path: str, params: Any, patience: float = 0.0) -> Answer:
        """An answer about the network, or none."""
        self.asked.append(f"{method} {path}")
        if method != "GET":
            raise OutcomeUnknownError("pve1", 8006, "cut off")
        changes = self.waits.pop(0) if len(self.waits) > 1 else self.waits[0]
        return Answer(200, data=[], beside={"changes": changes} if changes else {})

    def renew(self) -> bool:
        """Nothing to log in again with."""
        return False

    def close(self) -> None:
        """Nothing is held."""

    def files(self) -> LocalExecutor:
        """Nobody asks for the node's files."""
        raise ConfigError("no files")


PARAMS = {"node": "pve1", "state": "applied", "wait_timeout": 5.0}
CHANGES = "--- a\n+++ b\n@@ -1 +1,2 @@\n auto lo\n+auto vmbr1\n"


def guarded(way: Losing, node: Node) -> Any:
    client = Client(way, "pve1", retries=0)
    return Guarded(NETWORK_APPLY, PARAMS, client, node, 5.0).carry_out(look(NETWORK_APPLY, PARAMS, client))


def test_a_change_that_was_taken_back_is_not_applied_again() -> None:
    way, node = Losing(CHANGES), watched("back")
    with pytest.raises(TakenBackError) as caught:
        guarded(way, node)
    assert str(caught.value).startswith(
        "The change of node pve1's network is taken back, because it was not confirmed within 5 s. "
        "What waited waits again.\nCannot apply the waiting changes of node pve1's network: "
    )
    assert node.said == ["arm", "state"]
    assert [line for line in way.asked if line.startswith("PUT")] == ["PUT /nodes/pve1/network"]


def test_a_change_whose_answer_was_lost_is_confirmed_when_the_node_is_reached_again() -> None:
    way, node = Losing(CHANGES, ""), watched("")
    outcome = guarded(way, node)
    assert (outcome.changed, outcome.state, node.said) == (True, "", ["arm", "confirm"])


def test_the_options_of_the_network_are_the_modules() -> None:
    assert OPTIONS["state"]["choices"] == ["applied", "reverted", "confirmed"]
    assert {"node", "regenerate_frr", "wait_timeout", "rollback_after", "ssh_host"} <= set(OPTIONS)
