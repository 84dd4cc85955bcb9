"""Which verb about a document has which front."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.state_front import Front

FRONTS: Mapping[str, Front] = {}
