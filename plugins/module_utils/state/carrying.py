# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out what was planned for a document: stage by stage, what doesn't need each other at once.

One thing that fails doesn't stop the others of its stage, nor those after it that don't name it: all errors are
collected. Every change is told to a journal before it is begun and when it has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import ALREADY, ATTEMPTS, Outcome, carry_out, look
from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    ConnectionError,
    FileError,
    HomelabPveError,
    PveError,
    RefusedError,
    StepFailedError,
    TaskFailedError,
)
from ansible_collections.homelab.pve.plugins.module_utils.many import SharedReads, Verdict, hopeless
from ansible_collections.homelab.pve.plugins.module_utils.module import TASK_TIMEOUT
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together, tried
from ansible_collections.homelab.pve.plugins.module_utils.state.actions import (
    CREATE,
    DELETE,
    DONE,
    FAILED,
    SKIPPED,
    Action,
)
from ansible_collections.homelab.pve.plugins.module_utils.state.journal import Journal
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Key
from ansible_collections.homelab.pve.plugins.module_utils.state.planning import Planned, looked_at, needed


@dataclass
class Applying:
    """A plan being carried out."""

    client: Client
    params: Values
    """The module's own options, connection included: what a commit may need."""

    journal: Journal
    lost: HomelabPveError | None = None
    """Why nothing more can be done: there is no connection."""

    ended: list[Action] = field(default_factory=list)
    seen: dict[Key, Verdict] = field(default_factory=dict)
    """What was planned anew for those of the stage that are done at once."""

    undone: dict[Key, str] = field(default_factory=dict)
    """What failed or was skipped."""

    missing: dict[Key, str] = field(default_factory=dict)
    """What should be there by now, and isn't."""

    staying: dict[Key, frozenset[Key]] = field(default_factory=dict)
    """What should be gone by now and isn't, and what it needs."""

    def stage(self, stage: Sequence[Action]) -> None:
        """Do all of a stage, what can be at once."""
        changing = [action for action in stage if action.changes]
        self._look_ahead(changing)
        done = together(
            lambda lane: [self.one(action) for action in lane], lanes(changing), self.params["max_parallel"]
        )
        found = {action.key: action for lane in done for action in lane}
        for action in stage:
            self._note(found[action.key] if action.changes else self._settled(action))

    def _settled(self, action: Action) -> Action:
        """What nothing is to be done about. Where there was no plan, somebody else may have seen to it meanwhile."""
        if action.verb == FAILED and not self.lost:
            try:
                verdict = self._verdict(action)
            except HomelabPveError as error:
                self.lost = hopeless(error)
                return settled(action)
            if isinstance(verdict, Outcome) and not verdict.changed:
                return replace(action, verdict=verdict, ended=verdict, status=DONE)
        return settled(action)

    def _look_ahead(self, changing: Sequence[Action]) -> None:
        """Look at those that are done at once, together, so that no two of them claim the same id."""
        alone = [action for action in changing if action.kind.independent and not self._hindered(action)]
        listings = tuple({id(item): item for action in alone for item in action.resource.listings}.values())
        try:
            seen = looked_at(alone, SharedReads(self.client, listings), self.params["max_parallel"]) if alone else []
        except (ConnectionError, AuthenticationError) as error:
            self.lost = error
            return
        self.seen = {action.key: found.verdict for action, found in zip(alone, seen, strict=True)}

    def one(self, action: Action) -> Action:
        """Do what is planned for one thing, unless something keeps it from being begun."""
        if hindered := self._hindered(action):
            return replace(action, status=SKIPPED, error=hindered)
        try:
            return self._done(action)
        except HomelabPveError as error:
            self.lost = self.lost or hopeless(error)
            return replace(action, status=FAILED, error=error)

    def _hindered(self, action: Action) -> HomelabPveError | None:
        if self.lost:
            return RefusedError(f"Not begun, because the connection was lost: {self.lost}")
        if self.journal.broken:
            return RefusedError(f"Not begun, because the journal can't be kept: {self.journal.broken}")
        lacking = next((key for key in sorted(needed(action)) if key in self._lacking(action)), None)
        if lacking:
            return RefusedError(f"Not begun, because {' '.join(lacking)} {self._lacking(action)[lacking]}.")
        user = next((key for key, uses in self.staying.items() if action.key in uses), None)
        if user and action.removes:
            return RefusedError(f"Not begun, because {' '.join(user)}, which uses it, is still there.")
        return None

    def _lacking(self, action: Action) -> Mapping[Key, str]:
        """What would keep an action from being begun: of a configuration in parts, every part that isn't written."""
        if action.commit:
            return self.undone
        return {} if action.removes else self.missing

    def _done(self, action: Action) -> Action:
        if action.commit:
            return self._begun(action, action.commit.carry_out)
        verdict = self.seen.pop(action.key, None) or self._verdict(action)
        if isinstance(verdict, HomelabPveError):
            raise verdict
        seen = replace(action, verdict=verdict, later=None, promised=action.verb)
        if not verdict.changed:
            return replace(seen, ended=verdict, status=DONE)
        return self._begun(seen, lambda _client, _params: self._carried(seen, verdict))

    def _begun(self, action: Action, work: Callable[[Client, Values], Outcome]) -> Action:
        """Do the work, with its beginning and its end in the journal."""
        try:
            self.journal.began(action)
        except FileError:
            return replace(action, status=SKIPPED, error=self._hindered(action))
        try:
            outcome = work(self.client, self.params)
        except HomelabPveError as error:
            self.lost = self.lost or hopeless(error)
            return self._kept(replace(action, status=FAILED, error=error))
        # What is put in force shows only then what it is.
        shown = replace(action, verdict=outcome, later=None) if action.commit and outcome.changed else action
        return self._kept(replace(shown, status=DONE, ended=outcome))

    def _verdict(self, action: Action) -> Verdict:
        """Looked at right now: others in the same file have been changed since the plan.

        Once more where that fails: somebody else may have been at work between one read of it and the next.
        """
        found = tried(lambda: look(action.resource, action.values, self.client))
        again = isinstance(found, HomelabPveError) and action.outcome is not None
        return tried(lambda: look(action.resource, action.values, self.client)) if again else found

    def _kept(self, ended: Action) -> Action:
        try:
            self.journal.ended(ended)
        except HomelabPveError as error:
            return replace(ended, status=FAILED, error=ended.error or error)
        return ended

    def _carried(self, action: Action, seen: Outcome) -> Outcome:
        """Carry out; where somebody else does the same at the same moment, what they leave to do."""
        limit = float(action.values.get("wait_timeout") or TASK_TIMEOUT)
        todo = seen
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return replace(
                    carry_out(action.resource, action.values, self.client, todo, timeout=limit), plan=seen.plan
                )
            except StepFailedError as error:
                now = self._meanwhile(action, error)
                if now is None or (now.changed and (attempt == ATTEMPTS or not ALREADY.search(str(error.cause)))):
                    raise
                if not now.changed:
                    return replace(now, plan=seen.plan)
                todo = now
        raise RuntimeError("the last attempt returns or raises")

    def _meanwhile(self, action: Action, error: StepFailedError) -> Outcome | None:
        """What is to be done now, after a failure; None where that isn't to be found out."""
        if error.final or not isinstance(error.cause, PveError | TaskFailedError):
            return None
        found = self._verdict(action)
        return found if isinstance(found, Outcome) else None

    def _note(self, action: Action) -> None:
        self.ended.append(action)
        if action.status not in (FAILED, SKIPPED):
            return
        why = "failed" if action.status == FAILED else "was skipped"
        self.undone[action.key] = why
        if action.verb == CREATE:
            self.missing[action.key] = why
        if action.commit:
            self.missing.update(dict.fromkeys(action.asked_by, "is not in force"))
        if action.verb == DELETE:
            self.staying[action.key] = needed(action)


def settled(action: Action) -> Action:
    """What nothing is to be done about, or could not be planned."""
    if isinstance(action.verdict, HomelabPveError):
        return replace(action, status=FAILED, error=action.verdict)
    return replace(action, status=DONE)


def lanes(actions: Sequence[Action]) -> list[list[Action]]:
    """What is done one after the other: things of a kind that are in one file, which each change makes anew."""
    found: dict[Key, list[Action]] = {}
    for action in actions:
        found.setdefault(action.key if action.kind.independent else (action.kind.name, ""), []).append(action)
    return list(found.values())


def carry(planned: Planned, client: Client, params: Values, journal: Journal) -> list[Action]:
    """Do what was planned; the actions as they ended, in their order. ``params``: the module's own options."""
    run = Applying(client, params, journal)
    for stage in planned.stages:
        run.stage(stage)
    return run.ended
