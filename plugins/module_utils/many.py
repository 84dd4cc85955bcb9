# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many wishes for resources of one kind: looked at together, so that each thing is read once, and carried out at once.

What is shared is read for planning only. What was changed is verified by a read of its own, and what turns out to be
outdated is read anew, as for a single wish (``apply.py``).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from ansible_collections.homelab.pve.plugins.module_utils.api import NOT_CONNECTED, Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome, carry_out, look
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    RESERVED,
    Claim,
    Listing,
    Reader,
    Resource,
    Values,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    ConnectionError,
    HomelabPveError,
    OutcomeUnknownError,
    PveError,
    StepFailedError,
)
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together, tried

T = TypeVar("T")

OF_NODE = re.compile(r"/nodes/[^/]+(?=/)")
"""Path of the node that a question is for."""

Verdict: TypeAlias = Outcome | HomelabPveError
"""What became of a wish, or why it could not be."""


def outcomes(verdicts: Iterable[Verdict]) -> list[Outcome]:
    """What became of those wishes that could be."""
    return [verdict for verdict in verdicts if isinstance(verdict, Outcome)]


def complaints(verdicts: Iterable[Verdict]) -> list[str]:
    """In words, why the others could not be."""
    return [str(verdict) for verdict in verdicts if isinstance(verdict, HomelabPveError)]


@dataclass
class SharedReads:
    """A reader that asks each question once, whichever thread asks first; the others wait for the same answer."""

    read: Reader
    listings: Sequence[Listing] = ()
    _answers: dict[str, Future[Json]] = field(default_factory=dict)
    _lost: dict[str, PveError] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, path: str, params: Values | None = None) -> Json:
        """See engine.Reader. An answer is shared, so it must not be changed."""
        return (None if params else self._row(path)) or self._once(path, params)

    def _row(self, path: str) -> Json | None:
        """What a list says about the item at ``path``; None where there is no list, or the item isn't in it."""
        for listing in self.listings:
            if found := re.fullmatch(listing.item, path):
                return self._indexed(listing, found["list"]).get(found["id"])
        return None

    def _indexed(self, listing: Listing, path: str) -> Mapping[str, Json]:
        """A list's rows by their id, worked out once: ten thousand items look for theirs."""
        rows = self._once(path, listing.params)
        return self.kept(f"by {listing.key} {path}", lambda: {str(row[listing.key]): row for row in rows})

    def unlisted(self, path: str) -> bool:
        """See engine.unlisted."""
        return any(re.fullmatch(item.item, path) for item in self.listings) and self._row(path) is None

    def _once(self, path: str, params: Values | None) -> Json:
        key = json.dumps([path, dict(params or {})], sort_keys=True)
        return self.kept(key, lambda: self._answered(path, params))

    def _answered(self, path: str, params: Values | None) -> Json:
        """What the node says; one that can't be reached is not asked again, for each question would wait in vain."""
        node = OF_NODE.match(path)
        if node and node[0] in self._lost:
            raise self._lost[node[0]]
        try:
            return self.read.get(path, params)
        except PveError as error:
            if node and error.status == NOT_CONNECTED:
                self._lost[node[0]] = error
            raise

    def kept(self, key: str, work: Callable[[], T]) -> T:
        """See engine.kept."""
        with self._lock:
            first = key not in self._answers
            answer: Future[T] = self._answers.setdefault(key, Future())
        if first:
            _settle(answer, work)
        return answer.result()


def _settle(answer: Future[T], work: Callable[[], T]) -> None:
    try:
        answer.set_result(work())
    except BaseException as error:
        answer.set_exception(error)


def look_at_all(resource: Resource, wishes: Sequence[Values], client: Client, parallel: int) -> list[Verdict]:
    """The plans for all wishes, in their order. No two of them claim the same id.

    Raises ConnectionError and AuthenticationError: they would be the same for all.
    """
    reads = SharedReads(client, resource.listings)
    seen = together(lambda wish: _seen(resource, wish, reads), wishes, parallel)
    return apart([(resource, wish, verdict) for wish, verdict in zip(wishes, seen, strict=True)], reads)


def _seen(resource: Resource, wish: Values, reads: Reader) -> Verdict:
    return tried(lambda: look(resource, wish, reads))


def claims(verdict: Verdict) -> tuple[Claim, ...]:
    """The claims of ids in a plan."""
    steps = verdict.plan.steps if isinstance(verdict, Outcome) else ()
    return tuple(step.claim for step in steps if step.claim)


def _firsts(verdict: Verdict) -> set[Json]:
    """The ids a plan begins with."""
    return {claim.candidates[0] for claim in claims(verdict)}


def _chooses(wish: Values, verdict: Verdict) -> bool:
    """Whether a plan claims an id that the wish doesn't give."""
    return any(not wish.get(claim.name) for claim in claims(verdict))


def apart(rows: Sequence[tuple[Resource, Values, Verdict]], reads: Reader) -> list[Verdict]:
    """The plans made anew where two of them would claim the same id. Asks nothing: the answers are there."""
    reserved = {item for _res, wish, verdict in rows if not _chooses(wish, verdict) for item in _firsts(verdict)}
    spread: list[Verdict] = []
    for resource, wish, verdict in rows:
        other = _chooses(wish, verdict)
        taken = frozenset(reserved) | wish.get(RESERVED, frozenset())
        spread.append(_seen(resource, {**wish, RESERVED: taken}, reads) if other else verdict)
        reserved |= _firsts(spread[-1])
    return [_leaving(verdict, reserved) for verdict in spread]


def _leaving(verdict: Verdict, reserved: Collection[Json]) -> Verdict:
    """The plan, trying no id beside its first that another plan begins with."""
    if isinstance(verdict, HomelabPveError):
        return verdict
    steps = tuple(replace(step, claim=step.claim and _spare(step.claim, reserved)) for step in verdict.plan.steps)
    return replace(verdict, plan=replace(verdict.plan, steps=steps))


def _spare(claim: Claim, reserved: Collection[Json]) -> Claim:
    first, *others = claim.candidates
    return replace(claim, candidates=(first, *(item for item in others if item not in reserved)))


@dataclass
class Carrying:
    """Plans being carried out, several at once; when the node can't be reached any more, the rest isn't begun."""

    resource: Resource
    client: Client
    timeout: float
    lost: HomelabPveError | None = None

    def one(self, planned: tuple[Values, Verdict]) -> Verdict:
        """Carry out one plan."""
        wish, seen = planned
        if isinstance(seen, HomelabPveError):
            return seen
        if self.lost and seen.changed:
            return self.lost
        try:
            limit = float(wish.get("wait_timeout") or self.timeout)
            return carry_out(self.resource, wish, self.client, seen, timeout=limit)
        except HomelabPveError as error:
            self.lost = self.lost or hopeless(error)
            return error


def hopeless(error: HomelabPveError) -> HomelabPveError | None:
    """The error if it would be the same for all others."""
    cause = error.cause if isinstance(error, StepFailedError) else error
    everywhere = isinstance(cause, ConnectionError | AuthenticationError) and not isinstance(cause, OutcomeUnknownError)
    return cause if everywhere else None


def carry_out_all(
    resource: Resource, planned: Sequence[tuple[Values, Verdict]], client: Client, parallel: int, *, timeout: float
) -> list[Verdict]:
    """Do what was planned for the wishes, in their order. One that fails doesn't stop the others.

    ``timeout``: seconds for each task, where the wish has no ``wait_timeout``.
    """
    return together(Carrying(resource, client, timeout).one, planned, parallel)
