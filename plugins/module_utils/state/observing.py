# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server as a document: everything that is there, as entries that would declare it."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader
from ansible_collections.homelab.pve.plugins.module_utils.many import SharedReads
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together
from ansible_collections.homelab.pve.plugins.module_utils.state.entries import VERSION
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind


def observe(kinds: Iterable[Kind], read: Reader, parallel: int) -> dict[str, Json]:
    """The document of a server, in the order of the kinds and their names, so that two of them can be compared."""
    kinds = [kind for kind in kinds if kind.lister]
    shared = SharedReads(read)
    found = together(lambda kind: kind.entries(shared), kinds, parallel)
    document: dict[str, Json] = {"version": VERSION}
    for kind, entries in zip(kinds, found, strict=True):
        if entries:
            _place(document, kind, entries[0] if kind.single else entries)
    return document


def _place(document: dict[str, Json], kind: Kind, value: Json) -> None:
    *above, last = kind.name.split(".")
    inner = document
    for part in above:
        inner = inner.setdefault(part, {})
    inner[last] = value
