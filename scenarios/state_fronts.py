"""Which verb about a document has which front."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios import checkpoint_fronts, compliance_front, state_changes, state_export, state_metrics
from scenarios.state_front import Front

FRONTS: Mapping[str, Front] = {
    "state-plan": state_changes.PLAN_FRONT,
    "state-apply": state_changes.APPLY_FRONT,
    "state-verify": state_changes.VERIFY_FRONT,
    "state-export": state_export.FRONT,
    "state-metrics": state_metrics.FRONT,
    **checkpoint_fronts.CHECKPOINT_FRONTS,
    **compliance_front.COMPLIANCE_FRONTS,
}
