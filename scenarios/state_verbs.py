"""Verbs about a whole server as one document, ``./run.sh state ...``: the input ``state_prune`` is ``--prune`` there.

What a verb shows, asks and writes beside running its playbook stands in scenarios.state_cli.
"""

from __future__ import annotations

from scenarios.compliance_verbs import CHECK
from scenarios.verb import Input, Output, Verb

GROUP = "state"

FILES = Input(
    "state_files",
    "paths",
    "documents, YAML or JSON; a later one stands above an earlier one; one that ends in .j2 is a template of Ansible's",
    positional=True,
)
ONLY = Input("state_only", "list", "kinds that are looked at, such as vms,firewall.rules; all if not given")

DOCUMENTS: tuple[Input, ...] = (
    FILES,
    Input("state_document", "dict", "a document in itself, above all files", hidden=True),
    ONLY,
    Input("state_prune", "list", "kinds of which what no document has is removed, or all", default=[]),
    Input("state_node", "str", "node that is meant where the documents name none"),
    Input("state_nodes", "dict", "the documents' names of nodes -> what they are called here"),
    Input("state_secrets", "dict", "values of the documents' ${secret:NAME}, from a vault or SOPS", hidden=True),
    Input(
        "state_vars_files",
        "paths",
        "files of variables for templates, which ansible-vault may have closed",
        flag="vars",
    ),
    Input("state_max_parallel", "int", "how many things are dealt with at a time", default=8),
)
"""What is wished: the inputs that plan, apply and verify have in common."""

MAX_DELETE = Input(
    "state_max_delete_percent", "int", "refuse to remove more than this share of what is there", default=20
)

PLANNED: tuple[Output, ...] = (
    Output("state_changed", "bool", "whether anything is, or was, to be done"),
    Output("state_summary", "dict", "how many of each action"),
    Output("state_actions", "list", "what would be, or was, done about each thing, in order; with state_all all of it"),
    Output("state_errors", "list", "what failed, in words"),
    Output("state_warnings", "list", "what else is worth knowing"),
    Output("state_hashes", "dict", "SHA-256 of what is there (current) and of what is wished (desired)"),
    Output("state_timestamp", "str", "when that was, ISO 8601"),
)

ALL = Input("state_all", "bool", "tell also of what is left alone, and why", default=False)

PLAN = Verb(
    "state-plan",
    "Show what would be created, changed and removed to make a server as documents say",
    group=GROUP,
    inputs=(*DOCUMENTS, MAX_DELETE, ALL),
    outputs=PLANNED,
)

APPLY = Verb(
    "state-apply",
    "Make a server as documents say",
    group=GROUP,
    inputs=(
        *DOCUMENTS,
        MAX_DELETE,
        ALL,
        Input("state_allow_delete", "bool", "remove what the documents want absent, or what is pruned"),
        Input("state_allow_restart", "bool", "restart what has to be for a change"),
        Input("state_expect", "dict", "hashes and actions of the plan that was agreed to", hidden=True),
        Input("state_journal", "path", "file that gets a line before and after each change", hidden=True),
    ),
    outputs=PLANNED,
)

VERIFY = Verb(
    "state-verify",
    "Report in what a server differs from documents",
    group=GROUP,
    inputs=(*DOCUMENTS, ALL),
    outputs=PLANNED,
)

EXPORT = Verb(
    "state-export",
    "Write a whole server as one document",
    group=GROUP,
    inputs=(ONLY, Input("state_max_parallel", "int", "how many things are read at a time", default=8)),
    outputs=(
        Output("state_document", "dict", "the document"),
        Output("state_warnings", "list", "what it lacks, and why"),
    ),
)

METRICS = Verb(
    "state-metrics",
    "Print figures of nodes, guests and storages for Prometheus",
    group=GROUP,
    outputs=(Output("state_resources", "list", "the rows of /cluster/resources"),),
)

STATE_VERBS: tuple[Verb, ...] = (PLAN, APPLY, VERIFY, EXPORT, METRICS, CHECK)
