# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would be done about every entry of a document, and about what is there and in none.

The plan of one entry is its module's (``apply.look``). Here they are put in order: what is made, in the order of need,
then what is removed, in the opposite one. Each is looked at as if what comes before it were done already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome, look
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import HOME, Plan, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, HomelabPveError, PveError
from ansible_collections.homelab.pve.plugins.module_utils.many import SharedReads, apart, claims
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together, tried
from ansible_collections.homelab.pve.plugins.module_utils.state.actions import (
    CREATE,
    DELETE,
    FAILED,
    MODIFY,
    NONE,
    Action,
    Later,
)
from ansible_collections.homelab.pve.plugins.module_utils.state.entries import Wish
from ansible_collections.homelab.pve.plugins.module_utils.state.foretold import Foretold
from ansible_collections.homelab.pve.plugins.module_utils.state.hashes import hash_of
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Commit, Entry, Key, Kind
from ansible_collections.homelab.pve.plugins.module_utils.state.ordering import needs, ordered, waves

__all__ = ("CREATE", "DELETE", "FAILED", "MODIFY", "NONE", "Action", "Planned", "plan")

MISSING = re.compile(
    r"not exist|no such|[Tt]here is no|not found|unknown|is not known|not defined|not managed|Cannot find"
)
"""Words for something that isn't there."""

UNMANAGED = re.compile(r"is not managed")
"""Words for a guest that isn't under high availability: a plan may put one there that was there already."""

ALL = "all"
"""Stands for every kind."""


@dataclass(frozen=True)
class Planned:
    """The plan for everything. ``stages`` are done one after the other; what is in one doesn't need each other.

    ``present`` says how many there are of each kind of which something is removed.
    """

    stages: tuple[tuple[Action, ...], ...]
    present: Mapping[str, int]
    current_hash: str
    desired_hash: str

    @property
    def actions(self) -> tuple[Action, ...]:
        """All of it, in the order in which it would be done."""
        return tuple(action for stage in self.stages for action in stage)


def plan(
    wishes: Sequence[Wish], kinds: Mapping[str, Kind], client: Client, prune: Sequence[str], parallel: int
) -> Planned:
    """What would be done. Raises ConnectionError and AuthenticationError."""
    stages, present = Planning(wishes, kinds, client, frozenset(prune), parallel).stages()
    actions = [action for stage in stages for action in stage]
    return Planned(tuple(map(tuple, stages)), present, current_hash(actions), desired_hash(wishes))


@dataclass
class Planning:
    """A plan being made."""

    wishes: Sequence[Wish]
    kinds: Mapping[str, Kind]
    client: Client
    prune: frozenset[str]
    parallel: int
    declared: set[Key] = field(default_factory=set)
    """What documents speak of, as far as it is looked at."""

    found: dict[Key, Action] = field(default_factory=dict)
    """What was found of kinds whose things may be named in two ways."""

    making: dict[Key, None] = field(default_factory=dict)
    """What an earlier part of the plan makes."""

    changing: list[Action] = field(default_factory=list)
    """What an earlier part of the plan does anything about."""

    def __post_init__(self) -> None:
        """Share what is read."""
        listings = tuple(listing for kind in self.kinds.values() for listing in kind.resource.listings)
        self.read = Foretold(self.client, SharedReads(self.client, listings))

    def stages(self) -> tuple[list[list[Action]], dict[str, int]]:
        """The actions in groups that are done one after the other, and how many there are of each pruned kind."""
        layers = ordered(self.kinds.values())
        surplus = {kind.name: self._surplus(kind) for layer in layers for kind in layer if kind.name in self.prune}
        gone = {kind.name: self._gone(kind, surplus.get(kind.name, ())) for layer in layers for kind in layer}
        made: list[list[Action]] = []
        for layer in layers:
            made += self._removals([action for kind in layer if kind.removed_first for action in gone[kind.name]])
            made += self._creations(layer)
        removed: list[list[Action]] = []
        for layer in reversed(layers):
            late = [action for kind in layer if not kind.removed_first for action in gone[kind.name]]
            removed += self._removals([action for action in late if action.key not in self.declared])
        return [*self._committed(made), *self._committed(removed)], self._present([*made, *removed])

    def _creations(self, layer: Sequence[Kind]) -> list[list[Action]]:
        mine = [_wished(wish) for wish in self.wishes if wish.declared.kind in layer and not _removes(wish.values)]
        return [self._looked(wave) for wave in waves(mine, lambda action: action.key, needed) if wave]

    def _looked(self, wave: Sequence[Action]) -> list[Action]:
        found = [self._once(self._delayed(action)) for action in looked_at(wave, self.read, self.parallel)]
        for action in found:
            self._declare(action)
            if action.verb == CREATE:
                self.read.show(action.kind.appears(claiming(action)))
        return found

    def _once(self, action: Action) -> Action:
        """The action, refused where another entry turned out to be about the same: by its name, say, not by its id."""
        state = action.resource.result(action.outcome.state) if action.outcome and action.kind.else_by else {}
        if not state:
            return action
        first = self.found.setdefault((action.kind.name, action.kind.identity({**action.values, **state})), action)
        if first is action:
            return action
        return replace(action, verdict=ConfigError(f"This is the one that {first.origin} is about. Declare it once."))

    def _declare(self, action: Action) -> None:
        """Take note of what an action is about: one that names a guest knows its vmid only now."""
        state = action.resource.result(action.outcome.state) if action.outcome else {}
        about = action.kind.identities(
            {**action.values, **{key: state[key] for key in action.kind.keys if key in state}}
        )
        self.declared |= {(action.kind.name, identity) for identity in (*about, action.identity)}
        if action.changes:
            self.changing.append(action)
        if action.verb == CREATE:
            self.making[action.key] = None

    def _delayed(self, action: Action) -> Action:
        """An entry that can't be planned for want of what this very plan makes is one to be planned then."""
        if not isinstance(action.verdict, HomelabPveError):
            return action
        said = str(action.verdict)
        coming = [*self.making] if MISSING.search(said) else []
        coming += [other.key for other in self.changing] if UNMANAGED.search(said) else []
        made = [key for key in coming if _speaks_of(said, key[1])]
        if not made:
            return action
        awaited = next((key for key in made if key in needed(action)), made[0])
        return replace(action, later=Later(CREATE, f"details are known once {' '.join(awaited)} is there"))

    def _surplus(self, kind: Kind) -> list[Action]:
        """What is there, in no document, and not needed by Proxmox VE itself."""
        mine = (wish.values for wish in self.wishes if wish.declared.kind is kind)
        known = {identity for values in mine for identity in kind.identities(values)}
        for name, declares in kind.declared_by.items():
            entries = (wish.declared.entry for wish in self.wishes if wish.declared.kind.name == name)
            known |= {identity for entry in entries for identity in declares(entry)}
        return [_pruned(kind, entry) for entry in self._prunable(kind) if not kind.identities(entry) & known]

    def _prunable(self, kind: Kind) -> list[Entry]:
        """What may be removed if no document has it; nothing of a kind that the release doesn't have."""
        try:
            return kind.prunable(self.read)
        except PveError as error:
            if error.not_implemented:
                return []
            raise

    def _gone(self, kind: Kind, surplus: Sequence[Action]) -> list[Action]:
        said = [_wished(wish) for wish in self.wishes if wish.declared.kind is kind and _removes(wish.values)]
        return [*said, *surplus]

    def _removals(self, doomed: Sequence[Action]) -> list[list[Action]]:
        groups = reversed(waves(doomed, lambda action: action.key, needed))
        return [self._let_go(wave) for wave in groups]

    def _let_go(self, wave: Sequence[Action]) -> list[Action]:
        found = [self._awaiting_users(action) for action in looked_at(wave, self.read, self.parallel)]
        for action in found:
            if action.verb == DELETE:
                self.changing.append(action)
                self.read.hide(action.kind.vanishes({**action.entry, **action.values}))
        return found

    def _awaiting_users(self, action: Action) -> Action:
        """A removal that is refused as long as something uses it, which this very plan removes or changes."""
        if not isinstance(action.verdict, HomelabPveError):
            return action
        said = str(action.verdict)
        user = next(
            (other for other in self.changing if action.key in needed(other) or _speaks_of(said, other.identity)), None
        )
        if user is None:
            return action
        return replace(action, later=Later(DELETE, f"remove it once {' '.join(user.key)} doesn't use it"))

    def _present(self, stages: Iterable[Sequence[Action]]) -> dict[str, int]:
        kinds = {action.kind.name: action.kind for stage in stages for action in stage if action.verb == DELETE}
        return {name: len(kind.entries(self.read.reads)) for name, kind in kinds.items() if kind.lister}

    def _committed(self, stages: Sequence[list[Action]]) -> list[list[Action]]:
        """The stages, each followed by what puts in force what it and those before it have left pending."""
        last: dict[tuple[str, str], int] = {}
        asked: dict[tuple[str, str], tuple[Kind, Commit, bool, tuple[Key, ...]]] = {}
        for index, stage in enumerate(stages):
            for kind in {action.kind.name: action.kind for action in stage}.values():
                mine = [action for action in stage if action.kind is kind]
                changing = [action for action in mine if action.changes]
                due = {_commit_key(commit) for commit in kind.commit([action.values for action in changing])}
                for commit in kind.commit([action.values for action in mine]):
                    key = _commit_key(commit)
                    before = asked.get(key)
                    keys = tuple(action.key for action in changing) if key in due else ()
                    sure = key in due or bool(before and before[2])
                    asked[key] = (kind, commit, sure, (*(before[3] if before else ()), *keys))
                    last[key] = index if key in due or key not in last else last[key]
        put = {key: self._commit(*row) for key, row in asked.items()}
        return [
            group
            for index, stage in enumerate(stages)
            for group in (stage, [put[key] for key, place in last.items() if place == index and put[key].changes])
            if group
        ]

    def _commit(self, kind: Kind, commit: Commit, due: bool, asked_by: tuple[Key, ...]) -> Action:
        """Put in force what is pending: of this plan, or of an earlier one that was interrupted."""
        verdict = tried(lambda: look(commit.resource, commit.values, self.client))
        action = Action(kind, commit.identity, commit.values, verdict, commit=commit, asked_by=asked_by)
        if not due:
            return action
        return replace(action, later=Later(MODIFY, f"put in force what has changed: {commit.identity}"))


def _commit_key(commit: Commit) -> tuple[str, str]:
    return commit.resource.kind, commit.identity


def _removes(values: Values) -> bool:
    return values.get("state") == "absent"


UNSEEN = Outcome(Plan(reason="not looked at yet"), None)


def _wished(wish: Wish) -> Action:
    declared = wish.declared
    # What an entry names may be a node's own: that node is only among the values, where it is the documents'.
    where = {key: wish.values[key] for key in ("node", HOME) if wish.values.get(key)}
    entry = {**declared.entry, **where}
    return Action(declared.kind, declared.identity, wish.values, UNSEEN, declared.origin.at(), entry=entry)


def _pruned(kind: Kind, entry: Values) -> Action:
    defaults = {name: spec.get("default") for name, spec in kind.resource.argument_spec().items()}
    values = {**defaults, **dict.fromkeys(kind.all_keys), **kind.removing(entry)}
    return Action(kind, kind.identity(entry), values, UNSEEN, pruned=True, entry=entry)


def needed(action: Action) -> frozenset[Key]:
    """Kind and name of everything that has to be there for an action."""
    return needs(action.kind, action.entry) if not action.commit else frozenset(action.asked_by)


def looked_at(wave: Sequence[Action], read: Reader, parallel: int) -> list[Action]:
    """The actions with what is there and what would be done. No two of them claim the same id.

    Raises ConnectionError and AuthenticationError: they would be the same for all.
    """
    seen = together(lambda action: tried(lambda: look(action.resource, action.values, read)), wave, parallel)
    rows = [(action.resource, action.values, verdict) for action, verdict in zip(wave, seen, strict=True)]
    spread = apart(rows, read) if any(claims(verdict) for verdict in seen) else seen
    return [replace(action, verdict=verdict, later=None) for action, verdict in zip(wave, spread, strict=True)]


def _speaks_of(text: str, identity: str) -> bool:
    return re.search(rf"(?<![\w.@-]){re.escape(identity)}(?![\w@-])", text) is not None


def claiming(action: Action) -> Values:
    """What an action is to make, with the node and the ids it will have if nobody takes them meanwhile."""
    after = action.outcome.plan.after if action.outcome else {}
    found = {key: after[key] for key in (*action.kind.keys, "node") if after.get(key) is not None}
    return {**action.values, **found, **action.claimed}


def current_hash(actions: Iterable[Action]) -> str:
    """A hash of what the plan saw: what exists, and in what it differs from the documents.

    What the documents don't speak of may change without it, and so may what changes by itself.
    """
    return hash_of([[*action.key, action.verb, _differing(action)] for action in actions])


def _differing(action: Action) -> list[Json]:
    return [dict(action.outcome.plan.before), sorted(action.outcome.plan.after)] if action.outcome else []


def desired_hash(wishes: Iterable[Wish]) -> str:
    """A hash of what the documents say, secrets by their names."""
    return hash_of(sorted(_said(wishes), key=lambda row: (row[0], row[1])))


def _said(wishes: Iterable[Wish]) -> Iterator[tuple[str, str, Values]]:
    for wish in wishes:
        yield wish.declared.kind.name, wish.declared.identity, dict(wish.declared.entry)
