# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server as a document: everything that is there, as entries that would declare it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader
from ansible_collections.homelab.pve.plugins.module_utils.errors import HomelabPveError, PveError
from ansible_collections.homelab.pve.plugins.module_utils.many import SharedReads
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together, tried
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Kind, Remark
from ansible_collections.homelab.pve.plugins.module_utils.state.placing import placed

PERMISSIONS = "/access/permissions"


@dataclass(frozen=True)
class Observed:
    """A server's document, and what of the server isn't in it."""

    document: dict[str, Json]
    warnings: list[str]


def observe(kinds: Iterable[Kind], read: Reader, parallel: int) -> Observed:
    """The document of a server, in the order of the kinds and their names, so that two of them can be compared.

    Raises ConnectionError and AuthenticationError; what else can't be read is named in the warnings.
    """
    listed = [kind for kind in kinds if kind.lister]
    shared = SharedReads(read)
    found = dict(zip(listed, together(lambda kind: tried(lambda: kind.listed(shared)), listed, parallel), strict=True))
    parts: list[tuple[Kind, Json]] = []
    warnings = _unseen(listed, shared)
    for kind, seen in found.items():
        entries, said = _judged(kind, seen)
        warnings += said
        if entries:
            parts.append((kind, dict(entries[0]) if kind.single else [dict(entry) for entry in entries]))
    # Kinds that read the same say the same of it.
    return Observed(placed(parts), list(dict.fromkeys(warnings)))


def _judged(kind: Kind, seen: tuple[list[Entry], list[Remark]] | HomelabPveError) -> tuple[list[Entry], list[str]]:
    """The entries, and what there is to say; a kind that the release doesn't have is no trouble."""
    if not isinstance(seen, HomelabPveError):
        entries, remarks = seen
        return entries, [str(remark) for remark in remarks]
    if isinstance(seen, PveError) and seen.not_implemented:
        return [], []
    return [], [f"{kind.name} can't be read, and is left out: {seen}"]


def _unseen(kinds: Sequence[Kind], read: Reader) -> list[str]:
    """Which kinds may be incomplete: Proxmox VE leaves out of its lists what a login may not see, without a word."""
    granted = tried(lambda: read.get(PERMISSIONS))
    if isinstance(granted, HomelabPveError):
        return [f"What the login may see is not known, so something may be missing: {granted}"]
    missing: dict[tuple[str, str], list[str]] = {}
    for kind in kinds:
        privilege, path = kind.audit
        if privilege not in _held(granted or {}, path):
            missing.setdefault(kind.audit, []).append(kind.name)
    return [
        f"The login has no {privilege} on {path}, so these may be incomplete: {', '.join(names)}."
        for (privilege, path), names in missing.items()
    ]


def _held(granted: Mapping[str, Mapping[str, Json]], path: str) -> Mapping[str, Json]:
    """The privileges on a path: those of the nearest path above of which something is said."""
    return next((granted[above] for above in _upwards(path) if above in granted), {})


def _upwards(path: str) -> Iterator[str]:
    yield path
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        yield path
