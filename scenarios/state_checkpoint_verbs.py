"""Verbs about checkpoints of documents, ``./run.sh state checkpoint|rollback|checkpoint-remove``."""

from __future__ import annotations

from scenarios.state_verbs import DOCUMENTS, GROUP
from scenarios.verb import Input, Output, Verb

KEPT = Input("state_checkpoint", "dict", "what a checkpoint published", required=True, hidden=True)
WARNINGS = Output("state_warnings", "list", "what no rollback brings back")

CHECKPOINT = Verb(
    "state-checkpoint",
    "Keep what documents are about to change: snapshots of guests, and all else as a document",
    group=GROUP,
    inputs=(
        *DOCUMENTS,
        Input("state_checkpoint_name", "str", "its name; homelab- and the time if not given", flag="name"),
        Input("state_vmstate", "bool", "save the memory of running VMs too", default=False),
        Input("state_skip_unsupported", "bool", "go on without guests that take no snapshots", default=False),
    ),
    outputs=(Output("state_checkpoint", "dict", "what a rollback needs"), WARNINGS),
)

ROLLBACK = Verb(
    "state-rollback",
    "Go back to a checkpoint",
    group=GROUP,
    inputs=(
        KEPT,
        Input("state_restore_from", "str", "storage with the backups of guests that were removed; any if not given"),
        Input("state_skip_lost", "bool", "go on without the disks of guests that have no backup", default=False),
        Input("state_secrets", "dict", "values of ${secret:NAME} of what is made anew", hidden=True),
        Input("state_vars_files", "paths", "files of variables, state_secrets among them", flag="vars"),
        Input("state_journal", "path", "file that gets a line before and after each change", hidden=True),
        Input("state_max_parallel", "int", "how many things are dealt with at a time", default=8),
    ),
    outputs=(Output("state_rollback", "list", "what was done, in words"), WARNINGS),
    destructive=True,
)

CHECKPOINT_REMOVE = Verb(
    "state-checkpoint-remove",
    "Remove the snapshots of a checkpoint, and forget it",
    group=GROUP,
    inputs=(KEPT,),
    outputs=(Output("state_removal", "list", "what was done, in words"),),
)

STATE_CHECKPOINT_VERBS: tuple[Verb, ...] = (CHECKPOINT, ROLLBACK, CHECKPOINT_REMOVE)
