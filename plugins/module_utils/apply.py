# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries plans out: the only place of the collection that writes to Proxmox VE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ansible_collections.homelab.pve.plugins.module_utils.api import LOCK_TIMEOUT, Client
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    Bound,
    Claim,
    Debris,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    advised,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    HomelabPveError,
    OutcomeUnknownError,
    PveError,
    RefusedError,
    StepFailedError,
    TaskFailedError,
    WaitTimeoutError,
)
from ansible_collections.homelab.pve.plugins.module_utils.tasks import (
    Patient,
    is_upid,
    looks,
    newest_task,
    poll,
    wait_for_task,
)

ATTEMPTS = 3
"""How often a plan is made anew because what it was made from had changed in the meantime."""

OUTDATED = re.compile(
    r"checksum mismatch|detected modified configuration"  # the digest: somebody else changed it
    r"|Configuration file '?nodes/\S+' does not exist"  # the guest moved to another node, or is gone
)
"""PVE's words for "this is no longer as you saw it": nothing was done."""

ALREADY = re.compile(r"already (?:exists|defined|used)|File exists")
"""PVE's words for "it is there": after a lost answer this may be what the lost request made."""

NOT_FORKED = "start worker failed"

BEING_MADE = re.compile(r"(?:VM|CT) is locked \((?:create|clone|snapshot|snapshot-delete|rollback)\)")
LOCK_PAUSE = 10.0
"""Longest pause between two attempts, in seconds: each leaves a failed task in PVE's log."""

GUEST_PATH = re.compile(r"^/nodes/([^/]+)/(?:qemu|lxc)/(\d+)")
"""Node and vmid in the path of a request about a guest."""

LOCK_PATIENCE = 30.0
"""Seconds to wait for a lock that goes away by itself."""


@dataclass(frozen=True)
class Outcome:
    """What became of a wish. ``state`` is what the resource described last, None when it is absent."""

    plan: Plan
    state: Json
    warnings: tuple[str, ...] = ()
    answers: tuple[Json, ...] = ()
    """What PVE answered to each step: a created token's secret stands only here."""

    @property
    def changed(self) -> bool:
        """Whether something was, or in a dry run would be, done."""
        return self.plan.changed


@dataclass
class Run:
    """A plan being carried out."""

    client: Client
    timeout: float
    bindings: dict[str, Json] = field(default_factory=dict)
    lost: dict[str, Json] = field(default_factory=dict)
    """Ids whose claim got no answer."""

    warnings: list[str] = field(default_factory=list)
    answers: list[Json] = field(default_factory=list)
    done: list[str] = field(default_factory=list)


def reconcile(resource: Resource, wish: Values, client: Client, *, dry_run: bool, timeout: float) -> Outcome:
    """Bring what is there in line with ``wish``; a dry run ends with the plan. ``timeout``: seconds for each task.

    Starts again from what is there when that changed after it was read, or when an answer was lost: so a change is
    never made from an outdated view, and nothing is created twice.
    """
    seen = look(resource, wish, client)
    return seen if dry_run else carry_out(resource, wish, client, seen, timeout=timeout)


def look(resource: Resource, wish: Values, read: Reader) -> Outcome:
    """What is there and what would be done about it."""
    state = resource.describe(read, wish)
    plan = resource.plan(wish, state)
    return Outcome(plan, state, plan.warnings)


def carry_out(resource: Resource, wish: Values, client: Client, seen: Outcome, *, timeout: float) -> Outcome:
    """Do what was planned at the look before, and look again."""
    if not seen.changed:
        return seen
    # What is reported is the plan that was made first: a later one lacks what the earlier attempt had done already.
    # What it foretold of the result is dropped: the state that was read last says what became of it.
    return replace(_attempted(resource, wish, client, seen.plan, timeout), plan=replace(seen.plan, extra={}))


def _attempted(resource: Resource, wish: Values, client: Client, plan: Plan, timeout: float) -> Outcome:
    """Carry the plan out, or a newer one where the first turns out to be outdated."""
    lost: dict[str, Json] = {}
    unanswered = False
    for attempt, _passed in enumerate(looks(LOCK_PATIENCE), start=1):
        try:
            return _applied(resource, wish, _pinned(plan, lost), Run(client, timeout, dict(plan.bindings), lost))
        except StepFailedError as error:
            again = being_made(error.cause) or (outdated(error.cause) and attempt < ATTEMPTS)
            if error.final or not (again or (unanswered and ALREADY.search(str(error.cause)))):
                raise
            unanswered = unanswered or isinstance(error.cause, OutcomeUnknownError)
            failure: HomelabPveError = error
        try:
            seen = look(resource, wish, client)
        except RefusedError as error:
            if not unanswered:
                raise
            failure = error  # what the lost request is making can't be made out yet
            continue
        if not seen.changed:
            return seen
        plan = seen.plan
    raise failure


def _pinned(plan: Plan, lost: Values) -> Plan:
    """The plan, claiming no other ids than those whose claims got no answer: PVE may carry those out any time."""
    if not lost:
        return plan
    steps = (
        replace(step, claim=replace(step.claim, candidates=(lost[step.claim.name],)))
        if step.claim and step.claim.name in lost
        else step
        for step in plan.steps
    )
    return replace(plan, steps=tuple(steps))


def being_made(error: HomelabPveError) -> bool:
    """Whether the guest is still being made, or a snapshot of it, by somebody else or after an answer that was lost."""
    return isinstance(error, PveError | TaskFailedError) and BEING_MADE.search(str(error)) is not None


def outdated(error: HomelabPveError) -> bool:
    """Whether reading and planning anew is the right answer to an error."""
    if isinstance(error, OutcomeUnknownError):
        return True
    # A start on the wrong node fails in its task.
    return isinstance(error, PveError | TaskFailedError) and OUTDATED.search(str(error)) is not None


def perform(client: Client, steps: Iterable[Step], timeout: float) -> tuple[Json, ...]:
    """Carry out steps that belong to no resource, each once; PVE's answers. ``timeout``: seconds for each.

    Raises StepFailedError: whether something is tried again is for the caller to say.
    """
    run = Run(client, timeout)
    _performed(tuple(steps), run)
    return tuple(run.answers)


def _performed(steps: Sequence[Step], run: Run) -> None:
    for index, step in enumerate(steps):
        try:
            run.answers.append(_step(step, run))
        except HomelabPveError as error:
            left = [_named(later, run) for later in steps[index + 1 :]]
            failure = StepFailedError(_named(step, run), error, run.done, left, _remedy(step, error))
            failure.final = _acted(step, error) or _in_parts(step, error)
            raise failure from error
        run.done.append(_named(step, run))


def _acted(step: Step, error: HomelabPveError) -> bool:
    return step.once and isinstance(error, OutcomeUnknownError)


def _in_parts(step: Step, error: HomelabPveError) -> bool:
    return step.parts is not None and isinstance(error, TaskFailedError)


def _remedy(step: Step, error: HomelabPveError) -> str:
    """What became of the parts of the step, and what to do."""
    parts = step.parts(error.whole_log) if step.parts and isinstance(error, TaskFailedError) else ""
    return "\n".join(filter(None, (parts, advised(step.advice, str(error)))))


def _applied(resource: Resource, wish: Values, plan: Plan, run: Run) -> Outcome:
    _performed(plan.steps, run)
    return Outcome(plan, _verified(resource, wish, run), (*plan.warnings, *run.warnings), tuple(run.answers))


def _verified(resource: Resource, wish: Values, run: Run) -> Json:
    """What is there after the last step. Not being able to see it is a failure that says what was done."""
    try:
        # What was just made appears in PVE's lists only seconds later: the reader is told where to look for it.
        return resource.describe(run.client, {**wish, BOUND: dict(run.bindings)})
    except HomelabPveError as error:
        raise StepFailedError("see what became of it", error, run.done, ()) from error


def _step(step: Step, run: Run) -> Json:
    """One step, and its task if it has one. Returns PVE's answer."""
    if step.claim is None:
        return _send(step, run)
    *others, last = step.claim.candidates
    for candidate in others:
        try:
            return _claimed(step, step.claim, candidate, run)
        except (PveError, TaskFailedError) as error:
            if not re.search(step.claim.taken, str(error)):
                raise
    return _claimed(step, step.claim, last, run)


def _claimed(step: Step, claim: Claim, candidate: Json, run: Run) -> Json:
    """The write with a candidate; once more when it failed half-way and what that left behind is gone."""
    run.bindings[claim.name] = candidate
    try:
        return _send(step, run)
    except OutcomeUnknownError:
        run.lost[claim.name] = candidate
        raise
    except HomelabPveError as error:
        if not (claim.debris and re.search(claim.debris.words, str(error)) and _cleared(claim.debris, candidate, run)):
            raise
    return _send(step, run)


def _cleared(debris: Debris, candidate: Json, run: Run) -> bool:
    """Remove what a failed creation left behind; False, with a warning, when that is somebody else's to do."""
    try:
        for step in debris.removal(run.client, candidate):
            _send(step, run)
    except HomelabPveError:
        run.warnings.append(_filled(debris.warning, run))
        return False
    return True


def _send(step: Step, run: Run) -> Json:
    """The write, and again as long as its task waits for a lock in vain: then nothing was done.

    A clone of a running VM holds the VM's lock till its end (PVE::API2::Qemu, clone_vm), and the next gives up after a
    second. So the wait may be as long as a task.
    """
    pace = looks(step.timeout or run.timeout, LOCK_PAUSE)
    next(pace)
    while True:
        try:
            return _sent(step, run)
        except (PveError, TaskFailedError) as error:
            if not _not_begun(step, error) or next(pace, None) is None:
                raise


def _not_begun(step: Step, error: PveError | TaskFailedError) -> bool:
    """Whether nothing was done: a task waited for a lock in vain, or PVE could not fork it.

    A creation that could not be forked may leave a guest behind, so it is its claim's to go on.
    """
    if isinstance(error, TaskFailedError):
        return LOCK_TIMEOUT.search(error.exitstatus) is not None
    return step.claim is None and NOT_FORKED in error.message


def _sent(step: Step, run: Run) -> Json:
    params = {name: _value(value, run.bindings) for name, value in step.params.items()}
    path = step.path.format(**run.bindings)
    if step.file_mode is not None:
        return run.client.write_node_file(path, params["text"], step.file_mode)
    late = step.late(run.client.get(path)) if step.late else {}
    timeout = step.timeout or run.timeout
    answer = run.client.request(step.verb, path, {**params, **late}, timeout)
    if step.unnamed_task:
        node, vmid = GUEST_PATH.findall(path)[0]
        answer = newest_task(run.client, node, vmid, step.unnamed_task)
    read: Reader = Patient(run.client) if step.restarts else run.client
    if is_upid(answer):
        run.warnings += wait_for_task(read, answer, timeout).warnings
    if step.follow:
        answer = step.follow(run.client, answer, timeout)
    if step.until and poll(partial(step.until.seen, read), timeout) is None:
        raise WaitTimeoutError(step.until.otherwise.replace("{timeout}", f"{timeout:g}"))
    return answer


def _value(value: Json, bindings: Mapping[str, Json]) -> Json:
    return bindings[value.name] if isinstance(value, Bound) else value


def _named(step: Step, run: Run) -> str:
    """The step's reason with the ids that were claimed meanwhile."""
    return _filled(step.reason, run)


def _filled(text: str, run: Run) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: str(run.bindings.get(found.group(1), "?")), text)
