"""Verbs about hosts, for scenarios and AWX.

People use ``./run.sh host`` (scenarios.hosts_cli), which answers at once. So each verb here is ``hidden``: it can be
run as ``./run.sh host-add``, but --help leaves it out.
"""

from __future__ import annotations

from scenarios.verb import Verb

HOST_VERBS: tuple[Verb, ...] = ()
