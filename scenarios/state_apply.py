"""Applying documents: the phase that does it, watched through its journal and recorded in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scenarios import state_journal
from scenarios.actions import ActionResult, AnsiblePlaybookAction, InventoryVar, RunConfig
from scenarios.values import Json


@dataclass
class ApplyAction(AnsiblePlaybookAction):
    """Runs a playbook whose input ``state_journal`` gets a line before and after each change.

    While it runs, each change that ends is told and recorded; one that never ended is recorded as unknown.
    """

    def play(self, config: RunConfig, inputs: Mapping[str, Json | InventoryVar], host: str = "") -> ActionResult:
        """Run the playbook with a journal of its own."""
        state_journal.recover()
        with state_journal.followed(config.host, config.run_id, self.verb.name, config.note) as journal:
            result = super().play(config, {**inputs, "state_journal": str(journal.path)}, host)
        if not journal.problem:
            return result
        kept = f"{journal.problem} What was done stands in {journal.path}, and the next command takes it over."
        return replace(result, success=False, message="\n".join(text for text in (result.message, kept) if text))
