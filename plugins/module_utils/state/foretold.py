# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned sees the server as it will be: with what is made before it, without what is removed before it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.many import SharedReads

T = TypeVar("T")


@dataclass
class Foretold:
    """A reader that asks each question once, and shows lists as they will be."""

    client: Client
    reads: SharedReads
    made: dict[str, list[Values]] = field(default_factory=dict)
    gone: dict[str, list[Values]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _version: int = 0

    def get(self, path: str, params: Values | None = None) -> Json:
        """See engine.Reader."""
        answer = self.reads.get(path, params)
        if path not in self.made and path not in self.gone:
            return answer
        rows = [*(answer or ()), *self.made.get(path, ())]
        return [row for row in rows if not any(_is(row, gone) for gone in self.gone.get(path, ()))]

    def kept(self, key: str, work: Callable[[], T]) -> T:
        """See engine.kept. What was worked out from lists is worked out anew once they show something else."""
        return self.reads.kept(f"{self._version} {key}", work)

    def unlisted(self, path: str) -> bool:
        """See engine.unlisted."""
        return self.reads.unlisted(path)

    def whole(self, path: str) -> tuple[Json, Values | None]:
        """See engine.whole."""
        return self.reads.kept(f"whole {path}", lambda: self.client.whole(path))

    def node_file(self, path: str) -> str | None:
        """See engine.node_file."""
        return self.reads.kept(f"node_file {path}", lambda: self.client.node_file(path))

    def ask(self, path: str) -> Json:
        """See engine.ask."""
        return self.reads.kept(f"ask {path}", lambda: self.client.ask(path))

    def show(self, rows: Iterable[tuple[str, Values]]) -> None:
        """Show rows in lists from now on."""
        self._note(self.made, rows)

    def hide(self, rows: Iterable[tuple[str, Values]]) -> None:
        """Show rows that have these keys and values no more."""
        self._note(self.gone, rows)

    def _note(self, table: dict[str, list[Values]], rows: Iterable[tuple[str, Values]]) -> None:
        with self._lock:
            for path, row in rows:
                table.setdefault(path, []).append(row)
                self._version += 1


def _is(row: Values, gone: Values) -> bool:
    return all(row.get(key) == value for key, value in gone.items())
