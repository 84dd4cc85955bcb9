"""Verbs of disaster recovery: playbooks of the scenario dr-roundtrip, of little use by themselves."""

from __future__ import annotations

from scenarios.verb import Input, Output, Verb

DOCUMENT = Input("state_document", "dict", "an export", required=True)
STORAGE = Input("dr_storage", "str", "storage that takes the backups", default="local")
DIRECTORY = Input("dr_directory", "str", "directory here, where backups survive the node")

BACKUP = Verb(
    "dr-backup",
    "Back up the guests of a document, and fetch the archives",
    inputs=(DOCUMENT, STORAGE, DIRECTORY),
    outputs=(
        Output("dr_archives", "list", "ids of the backups"),
        Output("dr_restore", "dict", "a document that names each guest's backup"),
    ),
    hidden=True,
)

RETURN = Verb(
    "dr-return",
    "Bring fetched archives back to a node",
    inputs=(DOCUMENT, STORAGE, DIRECTORY, Input("dr_archives", "list", "ids of the backups", required=True)),
    hidden=True,
)

REBUILD = Verb(
    "dr-rebuild",
    "Rebuild a node from a document, its guests from their backups",
    inputs=(
        DOCUMENT,
        Input("dr_restore", "dict", "a document that names each guest's backup", required=True),
        Input("state_secrets", "dict", "values of ${secret:NAME}", hidden=True),
    ),
    outputs=(Output("dr_summary", "dict", "how many things were made"),),
    hidden=True,
)

VERIFY = Verb(
    "dr-verify",
    "See that a node is what it was in an export",
    inputs=(DOCUMENT,),
    outputs=(Output("dr_equal", "bool", "whether it is"),),
    hidden=True,
)

DR_VERBS: tuple[Verb, ...] = (BACKUP, RETURN, REBUILD, VERIFY)
