"""What waits of a node's network, told by its files; and where commands for the node would run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.command_output import CommandResult
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.executor import LocalExecutor
from ansible_collections.homelab.pve.plugins.module_utils.network_apply import OPTIONS, Node

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


def test_the_options_of_the_network_are_the_modules() -> None:
    assert OPTIONS["state"]["choices"] == ["applied", "reverted", "confirmed"]
    assert {"node", "regenerate_frr", "wait_timeout", "rollback_after", "ssh_host"} <= set(OPTIONS)
