# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text files of nodes that the API edits: interfaces, resolv.conf, hosts.

A booted node has them below its root, where the API runs. A node without a machine has them in the API's own state, so
that nothing of the machine that the lab runs on is ever read or written.
"""

from __future__ import annotations

from pathlib import Path

from lab.api.nodes import NodesArea
from lab.guests.driver import GuestDriver
from lab.guests.none import NoneDriver

RESOLVER = "etc/resolv.conf"


def is_booted(driver: GuestDriver) -> bool:
    """Whether the API runs inside of a node of its own, as it does wherever guests boot."""
    return not isinstance(driver, NoneDriver)


class NodeTextArea(NodesArea):
    """Mixin: reading and writing the text files of the asked node."""

    driver: GuestDriver
    # Prepended to every path of a node: its root, or a folder of its own for an API without a node.
    files_root: Path

    def __init__(self, **options: object) -> None:
        """Start without changes."""
        super().__init__(**options)
        # Node -> name of a file below its root -> its text; of nodes without a machine.
        self.node_texts: dict[str, dict[str, str]] = {}

    def has_machine(self) -> bool:
        """Whether the asked node is the booted one that this API runs in."""
        return self.asked_node() == self.node and is_booted(self.driver)

    def is_kept(self, name: str) -> bool:
        """Whether the asked node's file is in the API's own state."""
        return name in self.node_texts.get(self.asked_node(), {})

    def text_of(self, name: str) -> str | None:
        """A file of the asked node, or None without one; a node without a machine has those that were written."""
        if self.is_kept(name):
            return self.node_texts[self.asked_node()][name]
        path = self.files_root / name
        return path.read_text(encoding="utf-8") if self.has_machine() and path.is_file() else None

    def write_text(self, name: str, text: str) -> None:
        """Replace a file of the asked node."""
        if self.has_machine():
            self._write_file(self.files_root / name, text)
        else:
            self.node_texts.setdefault(self.asked_node(), {})[name] = text

    def remove_text(self, name: str) -> None:
        """Remove a file of the asked node, if it is there."""
        if self.has_machine():
            (self.files_root / name).unlink(missing_ok=True)
        else:
            self.node_texts.get(self.asked_node(), {}).pop(name, None)

    @staticmethod
    def _write_file(path: Path, text: str) -> None:
        partial = path.with_name(f"{path.name}.tmp")
        partial.write_text(text, encoding="utf-8")
        try:
            partial.replace(path)
        except OSError:
            # A file that is mounted into the node cannot be replaced, only written.
            path.write_text(text, encoding="utf-8")
            partial.unlink()
