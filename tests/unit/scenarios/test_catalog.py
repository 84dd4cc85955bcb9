"""The scenarios against the playbooks they run, and against the order of their phases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scenarios.actions import InventoryVar
from scenarios.catalog import CATALOG
from scenarios.paths import repository
from scenarios.scenario import Phase, Scenario, check_inputs
from scenarios.verb import Verb
from scenarios.verbs import VERBS

NESTED = [
    "provision", "start_vm", "wait_ip", "ensure_pve", "setup_network", "setup_ssh", "setup_repos",
    "test_vm_apply", "test_vm_start", "test_vm_wait", "verify",
]  # fmt: skip
NESTED_REMOVAL = ["discover", "cleanup_inner", "destroy"]
ON_HOST = ["add_host", "test_host", "create_container", "bootstrap", "deploy", "verify"]
PLAIN = ["provision", "start_vm", "wait_ip", "verify"]
ROLES = repository() / "roles"


@pytest.mark.parametrize(
    ("name", "phases"),
    [
        ("nested-pve-constructor", NESTED),
        ("nested-pve-destructor", NESTED_REMOVAL),
        ("nested-pve-roundtrip", NESTED + NESTED_REMOVAL),
        ("vm-constructor", PLAIN),
        ("vm-destructor", ["discover", "destroy"]),
        ("vm-roundtrip", [*PLAIN, "discover", "destroy"]),
        ("host-constructor", ON_HOST),
        ("host-destructor", ["add_host", "destroy", "remove_host"]),
        ("host-roundtrip", [*ON_HOST, "destroy", "remove_host"]),
        ("dr-roundtrip", ["furnish", "export", "backup", "lose", "return", "rebuild", "verify"]),
    ],
)
def test_phases(name: str, phases: list[str]) -> None:
    assert CATALOG[name].names() == phases
    assert CATALOG[name].expected_seconds > 0


@pytest.mark.parametrize("scenario", CATALOG.values(), ids=CATALOG)
def test_every_phase_gets_its_inputs_from_an_earlier_one(scenario: Scenario) -> None:
    check_inputs(scenario, frozenset(scenario.names()), {}, ())


@pytest.mark.parametrize("scenario", CATALOG.values(), ids=CATALOG)
def test_sets_of_names_are_names_of_phases(scenario: Scenario) -> None:
    assert scenario.always | scenario.tolerated <= set(scenario.names())
    assert not scenario.removal or scenario.removal in CATALOG


def test_an_inventorys_variable_is_not_hidden_by_the_input_that_takes_it() -> None:
    """An extra variable of the same name would stand in for it on every host, the one it is asked of included."""
    bindings = [
        pair for scenario in CATALOG.values() for phase in scenario.steps for pair in phase.action.inputs.items()
    ]
    assert [name for name, binding in bindings if isinstance(binding, InventoryVar) and binding.name == name] == []


PHASES = [pytest.param(phase, id=f"{name}-{phase.name}") for name, s in CATALOG.items() for phase in s.steps]


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_binds_what_its_playbook_declares(phase: Phase) -> None:
    action, verb = phase.action, phase.action.verb
    inputs = {each.name for each in verb.inputs}
    assert set(action.inputs) | set(action.remembers) <= inputs
    assert {each.name for each in verb.inputs if each.required} <= set(action.inputs)
    assert set(action.outputs) <= {each.name for each in verb.outputs}
    assert verb in VERBS


def tasks_of(content: Any) -> Iterator[dict[str, Any]]:
    """Every mapping below a play or task list, blocks included."""
    if isinstance(content, list):
        for item in content:
            yield from tasks_of(item)
    elif isinstance(content, dict):
        yield content
        for key in ("tasks", "pre_tasks", "post_tasks", "block", "rescue", "always"):
            yield from tasks_of(content.get(key, []))


def files_of(path: Path) -> Iterator[Path]:
    """A playbook and every file its plays bring in."""
    yield path
    for task in tasks_of(yaml.safe_load(path.read_text(encoding="utf-8"))):
        for key in ("import_playbook", "ansible.builtin.import_playbook", "ansible.builtin.include_tasks"):
            if isinstance(task.get(key), str) and "{{" not in task[key]:
                yield from files_of(path.parent / task[key])
        role = task.get("ansible.builtin.include_role")
        if role:
            tasks = ROLES / role["name"].rpartition(".")[2] / "tasks"
            yield from files_of(tasks / role.get("tasks_from", "main.yml"))


def published_by(verb: Verb) -> set[str]:
    return {
        name
        for path in files_of(repository() / verb.playbook)
        for task in tasks_of(yaml.safe_load(path.read_text(encoding="utf-8")))
        for name in (task.get("ansible.builtin.set_stats") or {}).get("data", {})
    }


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_playbooks_publish_what_the_table_says(verb: Verb) -> None:
    assert published_by(verb) == {output.name for output in verb.outputs}


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_playbooks_use_the_inputs_the_table_says(verb: Verb) -> None:
    paths = [*files_of(repository() / verb.playbook), *ROLES.glob("*/defaults/main.yml")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    unused = [each.name for each in verb.inputs if not re.search(rf"\b{each.name}\b", text)]
    assert unused == []
