"""The modules' connection options as variables: all of them, with what the modules read from the environment."""

from __future__ import annotations

import yaml
from ansible_collections.homelab.pve.plugins.doc_fragments import connection, connection_variables
from ansible_collections.homelab.pve.plugins.module_utils.module import CONNECTION_OPTIONS

FOUND = yaml.safe_load(connection_variables.ModuleDocFragment.DOCUMENTATION)["options"]


def test_every_option_is_a_variable() -> None:
    assert {name: option["vars"] for name, option in FOUND.items()} == {
        name: [{"name": f"pve_{name}"}] for name in CONNECTION_OPTIONS
    }


def test_the_environment_is_that_of_the_modules() -> None:
    told = {name: [entry["name"] for entry in option.get("env", ())] for name, option in FOUND.items()}
    assert told == {name: option.get("fallback", (None, []))[1] for name, option in CONNECTION_OPTIONS.items()}


def test_the_rest_is_the_modules_own() -> None:
    theirs = yaml.safe_load(connection.ModuleDocFragment.DOCUMENTATION)["options"]
    ours = {name: {key: option[key] for key in option if key not in ("vars", "env")} for name, option in FOUND.items()}
    assert ours == theirs
