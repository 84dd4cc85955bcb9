"""A node is exported, lost, and rebuilt from the export and its guests' backups. Only ever a node of the lab."""

from __future__ import annotations

from scenarios import paths, session
from scenarios.actions import ActionResult, AnsiblePlaybookAction, Ref, RunConfig
from scenarios.context import Context
from scenarios.errors import DriverError
from scenarios.estate import preflight
from scenarios.scenario import Phase, Scenario
from scenarios.verbs import BY_NAME

ESTATE = "dr"
EXAMPLE = "examples/state/disaster-recovery.yml"
KEPT = {"state_document": Ref("dr_document")}


class LoseNodeAction(AnsiblePlaybookAction):
    """Forgets the lab, so that its node is gone with all it had; then checks the node of the lab that is made anew."""

    def run(self, config: RunConfig, context: Context) -> ActionResult:
        """Lose the node, start a new one, and run the playbook on that."""
        try:
            session.lose_lab(config.host, config.note)
        except DriverError as error:
            return ActionResult(False, str(error))
        return super().run(config, context)


ROUNDTRIP = Scenario(
    name="dr-roundtrip",
    description="Export a node of the lab, lose it, rebuild it from the export and backups, and compare",
    estate=ESTATE,
    phases=(
        Phase(
            "furnish",
            AnsiblePlaybookAction(
                "furnish-node", BY_NAME["state-apply"], {"state_files": [str(paths.repository() / EXAMPLE)]}
            ),
            "Make something that can be lost",
        ),
        Phase(
            "export",
            AnsiblePlaybookAction("export-node", BY_NAME["state-export"], outputs={"state_document": "dr_document"}),
            "Export the node as one document",
        ),
        Phase(
            "backup",
            AnsiblePlaybookAction(
                "back-up-guests",
                BY_NAME["dr-backup"],
                KEPT,
                {"dr_archives": "dr_archives", "dr_restore": "dr_restore"},
            ),
            "Back up the guests, and fetch the archives",
        ),
        Phase(
            "lose",
            LoseNodeAction("lose-node", BY_NAME["preflight"]),
            "Lose the node with all its disks, and start an empty one",
        ),
        Phase(
            "return",
            AnsiblePlaybookAction("return-archives", BY_NAME["dr-return"], {**KEPT, "dr_archives": Ref("dr_archives")}),
            "Bring the archives to the empty node",
        ),
        Phase(
            "rebuild",
            AnsiblePlaybookAction(
                "rebuild-node",
                BY_NAME["dr-rebuild"],
                {**KEPT, "dr_restore": Ref("dr_restore")},
                {"dr_summary": "dr_summary"},
            ),
            "Rebuild it from the document, the guests from their backups",
        ),
        Phase(
            "verify",
            AnsiblePlaybookAction("compare-node", BY_NAME["dr-verify"], KEPT, {"dr_equal": "dr_equal"}),
            "Export it again, and compare",
        ),
    ),
    preflight=preflight(),
    expected_seconds=60,
    lab_only=True,
)
