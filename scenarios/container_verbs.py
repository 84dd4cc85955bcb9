"""Verbs about containers, ``./run.sh container ...``: the input ``container_cores`` is ``--cores`` there."""

from __future__ import annotations

from scenarios.verb import Verb

GROUP = "container"

CONTAINER_VERBS: tuple[Verb, ...] = ()
