# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done about one thing, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import HOME, Resource, Step, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    HomelabPveError,
    StepFailedError,
    TaskFailedError,
    TaskTimeoutError,
)
from ansible_collections.homelab.pve.plugins.module_utils.many import Verdict, claims
from ansible_collections.homelab.pve.plugins.module_utils.state.hashes import state_hash
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Commit, Key, Kind
from ansible_collections.homelab.pve.plugins.module_utils.tasks import is_upid

CREATE, MODIFY, DELETE, NONE, FAILED = "create", "modify", "delete", "no-op", "failed"
VERBS = (CREATE, MODIFY, DELETE, NONE, FAILED)

PLANNED, DONE, SKIPPED = "planned", "done", "skipped"
STATUSES = (PLANNED, DONE, FAILED, SKIPPED)

UNBOUND = re.compile(r"\{(\w+)\}")
"""An id in a step's words that is known when it is claimed."""

NAMING = frozenset({"api", "path"})
"""What modules return even of what isn't there: the API that is used, the path that grants are looked for at."""

EMPTY: tuple[Json, ...] = (None, "", [], {})


@dataclass(frozen=True)
class Later:
    """A plan whose details show only when something else of it is done."""

    verb: str
    words: str


@dataclass(frozen=True)
class Action:
    """What is to be done about one thing.

    ``pruned``: no document has it. ``entry`` is what it was declared or listed as. ``commit`` stands in for the kind's
    resource where what others have changed is put in force, and ``asked_by`` names those others.
    """

    kind: Kind
    identity: str
    values: Values
    verdict: Verdict
    origin: str = ""
    pruned: bool = False
    entry: Values = field(default_factory=dict)
    commit: Commit | None = None
    asked_by: tuple[Key, ...] = ()
    later: Later | None = None
    promised: str = ""
    """What the plan called it, where it is planned anew."""

    status: str = PLANNED
    ended: Outcome | None = None
    error: HomelabPveError | None = None
    """Why it failed or was skipped."""

    @property
    def key(self) -> Key:
        """What tells it from all others."""
        return self.kind.name, self.identity

    @property
    def resource(self) -> Resource:
        """What plans it."""
        return self.commit.resource if self.commit else self.kind.resource

    @property
    def removes(self) -> bool:
        """Whether the thing is not to be there."""
        return self.values.get("state") == "absent"

    @property
    def verb(self) -> str:
        """create, modify, delete, no-op, or failed where no plan could be made."""
        if self.later:
            return self.later.verb
        if isinstance(self.verdict, HomelabPveError):
            return FAILED
        return (self.promised or self._change()) if self.verdict.changed else NONE

    def _change(self) -> str:
        if self.removes:
            return DELETE
        return MODIFY if self.commit or self.shown else CREATE

    @property
    def changes(self) -> bool:
        """Whether something is to be done."""
        return self.verb in (CREATE, MODIFY, DELETE)

    @cached_property
    def shown(self) -> dict[str, Json]:
        """What its module would return about what is there; empty where nothing is."""
        return there(self.resource.result(self.verdict.state)) if isinstance(self.verdict, Outcome) else {}

    @cached_property
    def shown_after(self) -> dict[str, Json]:
        """What its module would return about what is there afterwards; empty where nothing is."""
        return there(self.resource.result(self.ended.state)) if self.ended else {}

    @property
    def outcome(self) -> Outcome | None:
        """The plan, where there is one with all details."""
        return self.verdict if isinstance(self.verdict, Outcome) and not self.later else None

    @property
    def steps(self) -> tuple[Step, ...]:
        """What would be written."""
        return self.outcome.plan.steps if self.outcome else ()

    @property
    def words(self) -> list[str]:
        """The plan in words, or the reason why there is nothing to do."""
        if self.later:
            return [self.later.words]
        if self.outcome is None:
            return []
        return [self._filled(step.reason) for step in self.steps] or [self.outcome.plan.reason]

    def _filled(self, text: str) -> str:
        """A step's reason with the ids that are, or will be, claimed."""
        bound = {**self.claimed, **self.shown_after}
        return UNBOUND.sub(lambda found: str(bound.get(found[1], found[0])), text)

    @property
    def claimed(self) -> dict[str, Json]:
        """The ids it will have if nobody takes them meanwhile."""
        return {claim.name: claim.candidates[0] for claim in claims(self.verdict)}

    @property
    def restarts(self) -> bool:
        """Whether a running guest is off for a while."""
        return self.outcome is not None and self.kind.restarts(self.outcome.plan)

    @property
    def node(self) -> str:
        """The node it is on, or will be; empty for what belongs to all."""
        told = self.shown_after if self.ended else self.shown
        after = self.outcome.plan.after if self.outcome else {}
        known = (told.get("node"), after.get("node"), self.values.get("node"), self.values.get(HOME))
        return str(next((name for name in known if name), ""))

    @cached_property
    def before_hash(self) -> str | None:
        """SHA-256 of what is there; None where nothing is, or where it isn't known."""
        return state_hash(self.shown) if self.outcome else None

    @property
    def after_hash(self) -> str | None:
        """SHA-256 of what is there afterwards; None where nothing is, and as long as it isn't done."""
        if self.ended:
            return state_hash(self.shown_after)
        return self.before_hash if self.verb == NONE else None

    @property
    def told(self) -> dict[str, Json]:
        """What Proxmox VE tells once and never again: a new token's secret."""
        telling = self.resource.told
        return telling(self.values, self.ended.answers) if telling and self.ended and self.verb == CREATE else {}

    @property
    def upids(self) -> list[str]:
        """The tasks that were started for it."""
        found = [answer for answer in self.ended.answers if is_upid(answer)] if self.ended else []
        cause = self.error.cause if isinstance(self.error, StepFailedError) else self.error
        return [*found, cause.upid] if isinstance(cause, TaskFailedError | TaskTimeoutError) else found


def there(told: dict[str, Json]) -> dict[str, Json]:
    """What a module returns, if it is about something that is there: some name even then what they looked for."""
    return told if any(value not in EMPTY for name, value in told.items() if name not in NAMING) else {}


def numbers(actions: Sequence[Action]) -> dict[str, int]:
    """How many of each verb, and how many restart a guest."""
    found: Mapping[str, int] = {verb: sum(action.verb == verb for action in actions) for verb in VERBS}
    return {**found, "restart": sum(action.restarts for action in actions)}


def sides(actions: Sequence[Action]) -> list[dict[str, Json]]:
    """Each action for the module's diff: what it is about, and the two sides."""
    return [
        {
            "before_header": f"{action.kind.name} {action.identity}",
            "after_header": f"{action.kind.name} {action.identity}",
            "before": dict(action.outcome.plan.before) if action.outcome else {},
            "after": dict(action.outcome.plan.after) if action.outcome else {},
        }
        for action in actions
        if action.changes
    ]
