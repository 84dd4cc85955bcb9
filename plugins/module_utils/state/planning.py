# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would be done about every entry of a document, and about what is there and in none.

The plan of one entry is its module's (``apply.look``). Here they are put in order, and what an earlier one will have
made is shown to the later ones, which would otherwise be told that it isn't there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome, look
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import HomelabPveError
from ansible_collections.homelab.pve.plugins.module_utils.many import SharedReads, Verdict
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together, tried
from ansible_collections.homelab.pve.plugins.module_utils.state.entries import Wish
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind

CREATE, MODIFY, DELETE, NONE, FAILED = "create", "modify", "delete", "no-op", "failed"


@dataclass(frozen=True)
class Action:
    """What would be done about one thing. ``pruned``: no document has it."""

    kind: Kind
    identity: str
    values: Values
    verdict: Verdict
    origin: str = ""
    pruned: bool = False

    @property
    def verb(self) -> str:
        """create, modify, delete, no-op, or failed where no plan could be made."""
        if isinstance(self.verdict, HomelabPveError):
            return FAILED
        if not self.verdict.changed:
            return NONE
        if self.values.get("state") == "absent":
            return DELETE
        return CREATE if not self.kind.resource.result(self.verdict.state) else MODIFY


@dataclass(frozen=True)
class Planned:
    """The plan for everything, in the order in which it would be done."""

    actions: tuple[Action, ...]
    current_hash: str
    desired_hash: str


@dataclass
class Foretold:
    """A reader that also shows, in the lists they will be in, things that are about to be made."""

    read: Reader
    rows: dict[str, list[Values]] = field(default_factory=dict)

    def get(self, path: str, params: Values | None = None) -> Json:
        """See engine.Reader."""
        answer = self.read.get(path, params)
        return [*(answer or []), *self.rows[path]] if path in self.rows else answer

    def add(self, rows: Iterable[tuple[str, Values]]) -> None:
        """Show a row in a list from now on."""
        for path, row in rows:
            self.rows.setdefault(path, []).append(row)


def ordered(kinds: Iterable[Kind]) -> list[list[Kind]]:
    """Kinds in the order in which they need each other; those of one list may be done at once."""
    known = {kind.name: kind for kind in kinds}
    sorter = TopologicalSorter({kind.name: [name for name in kind.after if name in known] for kind in known.values()})
    sorter.prepare()
    layers = []
    while sorter.is_active():
        names = sorter.get_ready()
        layers.append([known[name] for name in sorted(names)])
        sorter.done(*names)
    return layers


def plan(
    wishes: Sequence[Wish], kinds: Mapping[str, Kind], read: Reader, prune: Sequence[str], parallel: int
) -> Planned:
    """What would be done. Raises ConnectionError and AuthenticationError."""
    listings = tuple(listing for kind in kinds.values() for listing in kind.resource.listings)
    shared = Foretold(SharedReads(read, listings))
    made: list[Action] = []
    gone: list[Action] = []
    for layer in ordered(kinds.values()):
        mine = [wish for wish in wishes if wish.declared.kind in layer]
        seen = together(lambda wish: _seen(wish, shared), mine, parallel)
        for action in seen:
            (gone if action.values.get("state") == "absent" else made).append(action)
            if action.verb == CREATE:
                shared.add(action.kind.appears(action.values))
        gone += [action for kind in layer if kind.name in prune for action in _pruned(kind, mine, shared, parallel)]
    actions = (*made, *reversed(gone))
    return Planned(actions, _hash(actions), hash_of([[w.declared.kind.name, dict(w.declared.entry)] for w in wishes]))


def _seen(wish: Wish, read: Reader) -> Action:
    kind = wish.declared.kind
    verdict = tried(lambda: look(kind.resource, wish.values, read))
    return Action(kind, wish.declared.identity, wish.values, verdict, wish.declared.origin.at())


def _pruned(kind: Kind, wishes: Sequence[Wish], read: Reader, parallel: int) -> list[Action]:
    """What is there, in no document, and not needed by Proxmox VE itself."""
    known = {name for wish in wishes if wish.declared.kind is kind for name in kind.identities(wish.values)}
    surplus = [entry for entry in kind.prunable(read) if kind.identity(entry) not in known]
    defaults = {name: spec.get("default") for name, spec in kind.resource.argument_spec().items()}
    keyed = [{key: entry.get(key) for key in (*kind.keys, *(("node",) if kind.per_node else ()))} for entry in surplus]
    wished = [{**defaults, **keys, **kind.removal, "state": "absent"} for keys in keyed]
    verdicts = together(lambda values: tried(lambda: look(kind.resource, values, read)), wished, parallel)
    rows = zip(wished, verdicts, strict=True)
    return [Action(kind, kind.identity(values), values, verdict, pruned=True) for values, verdict in rows]


def _hash(actions: Sequence[Action]) -> str:
    """A hash of what is there now of everything the plan is about."""
    seen = [
        [action.kind.name, action.identity, action.kind.resource.result(action.verdict.state)]
        for action in actions
        if isinstance(action.verdict, Outcome)
    ]
    return hash_of(seen)


def hash_of(value: Json) -> str:
    """SHA-256 of a value in canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()
