"""The verb about policies, ``./run.sh state check``."""

from __future__ import annotations

from scenarios.verb import Input, Output, Verb

CHECK = Verb(
    "state-check",
    "Check whether a server is as policies want it",
    group="state",
    inputs=(
        Input(
            "state_files",
            "paths",
            "files of policies, YAML or JSON; of two of the same name the later holds",
            positional=True,
        ),
        Input("state_policies", "list", "policies in themselves, above all files", hidden=True),
        Input(
            "state_fail_on",
            "str",
            "lowest severity of a policy that may not fail",
            default="error",
            choices=("never", "error", "warning"),
        ),
        Input("state_max_parallel", "int", "how many things are looked at at a time", default=8),
    ),
    outputs=(
        Output("state_results", "list", "what each policy says of each thing it is about"),
        Output("state_counts", "dict", "how many pass, fail, are exempt and unknown"),
        Output("state_failing", "dict", "how many fail, by severity"),
        Output("state_compliant", "bool", "whether no policy of severity error fails"),
        Output("state_warnings", "list", "policies and exemptions that are about nothing"),
        Output("state_timestamp", "str", "when that was, ISO 8601"),
    ),
)
