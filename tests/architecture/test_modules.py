"""Every module is documented, in the action group, tested at every level, and free of what the engine does for it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from tests.architecture.source import COLLECTION, imports, matching, module_name, text

UTILS = f"{COLLECTION}.plugins.module_utils."
BLOCKS = ("DOCUMENTATION", "EXAMPLES", "RETURN")
MODULES = matching("plugins/modules/*.py")
NAMES = sorted(path.stem for path in MODULES)
# Modules about this machine's SSH configuration and the way over SSH: they log in to no API.
NO_API = ("ssh_host", "ssh_host_test")


def missing_blocks(source: str) -> list[str]:
    """Documentation blocks a module lacks or has empty or as broken YAML."""
    assigned = {
        target.id: node.value.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return [name for name in BLOCKS if not is_yaml(str(assigned.get(name, "")))]


def is_yaml(block: str) -> bool:
    """Whether a block parses and says something."""
    try:
        return bool(yaml.safe_load(block))
    except yaml.YAMLError:
        return False


def privileges_sentence(source: str) -> str:
    """What the last paragraph of a module's description says about privileges, empty when it says nothing."""
    text = next(
        node.value.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["DOCUMENTATION"]
        if isinstance(node.value, ast.Constant)
    )
    last = yaml.safe_load(str(text))["description"][-1]
    found = re.search(r"^Needs (no privilege|the same privileges as M\(|.*\bC\([A-Z]\w+\.[A-Z][\w.*]*\)).*\.$", last)
    return found.group() if found else ""


def sources(source: str, module: str) -> list[str]:
    """Files of module_utils a module is put together from, `module.py` apart, which all of them use."""
    found = [name.removeprefix(UTILS).split(".") for name in imports(source, module) if name.startswith(UTILS)]
    return sorted({words[-2] for words in found} - {"module"})


def action_group(runtime: str) -> list[str]:
    """The names in action group `all` of a meta/runtime.yml."""
    groups = yaml.safe_load(runtime).get("action_groups") or {}
    return sorted(groups.get("all") or [])


def missing_rows(page: str, names: list[str]) -> list[str]:
    """The modules that no row of the page's table begins with."""
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    return [name for name in names if not any(f"`{name}`" in row for row in rows)]


def used_by(name: str, files: list[Path]) -> bool:
    """Whether one of the files names the module, whole."""
    return any(f"homelab.pve.{name}:" in text(path) for path in files)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_modules_are_documented(path: Path) -> None:
    assert missing_blocks(text(path)) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_modules_say_which_privileges_they_need(path: Path) -> None:
    assert privileges_sentence(text(path))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_modules_leave_check_mode_to_the_engine(path: Path) -> None:
    assert "check_mode" not in text(path)


def test_the_action_group_is_complete() -> None:
    # The group hands the options of an API's connection to its modules.
    assert action_group(text(Path("meta/runtime.yml"))) == [name for name in NAMES if name not in NO_API]


@pytest.mark.parametrize("name", NO_API)
def test_modules_outside_the_group_take_no_connection(name: str) -> None:
    source = text(Path(f"plugins/modules/{name}.py"))
    assert "run_here(" in source
    assert "homelab.pve.connection" not in source


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_modules_have_unit_tests(path: Path) -> None:
    # What a module plans is not in the module's own file: the files it is put together from are tested.
    parts = sources(text(path), module_name(path))
    assert parts
    assert [name for name in parts if not matching(f"tests/unit/plugins/**/test_{name}.py")] == []


@pytest.mark.parametrize("name", NAMES)
def test_modules_have_module_tests(name: str) -> None:
    assert matching(f"tests/module/test_{name}.py")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NO_API])
def test_modules_prove_their_least_privileges(name: str) -> None:
    assert "def test_least_privileges(" in text(Path(f"tests/module/test_{name}.py"))


def test_modules_are_in_the_documentation() -> None:
    assert missing_rows(text(Path("docs/modules.md")), NAMES) == []


@pytest.mark.parametrize("name", NAMES)
def test_modules_have_integration_tests(name: str) -> None:
    # Playbooks and roles are run against the lab by the scenarios' tests; the rest has a play of its own.
    files = matching(
        "playbooks/*.yml", "roles/*/tasks/*.yml", "tests/integration/**/*.yml", "tests/integration/**/*.py"
    )
    assert used_by(name, files)


COMPLETE = 'DOCUMENTATION = "a: 1"\nEXAMPLES = "- b: 1"\nRETURN = "c: 1"\n'


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        (COMPLETE, []),
        (COMPLETE.replace("RETURN", "RETURNS"), ["RETURN"]),
        (COMPLETE.replace("- b: 1", ""), ["EXAMPLES"]),
        (COMPLETE.replace("a: 1", "a: ["), ["DOCUMENTATION"]),
        ("", list(BLOCKS)),
    ],
)
def test_a_missing_block_is_found(source: str, missing: list[str]) -> None:
    assert missing_blocks(source) == missing


@pytest.mark.parametrize(
    ("last", "found"),
    [
        ("Needs the privilege C(VM.Audit) on the guests.", True),
        ("Needs no privilege beside a login.", True),
        ("Needs the same privileges as M(homelab.pve.vm).", True),
        ("Makes things. Needs the privilege C(VM.Audit).", False),
        ("Needs the privileges of an administrator.", False),
        ("Needs C(proxmoxer).", False),
    ],
)
def test_a_missing_privilege_is_found(last: str, found: bool) -> None:
    source = f"DOCUMENTATION = 'description: [Makes things., \"{last}\"]'"
    assert bool(privileges_sentence(source)) is found


def test_the_files_behind_a_module_are_found() -> None:
    source = f"import sys\nfrom {UTILS}module import run\nfrom {UTILS}resources.vm import VM, main\n"
    assert sources(source, f"{COLLECTION}.plugins.modules.vm") == ["vm"]


@pytest.mark.parametrize(
    ("runtime", "names"),
    [("action_groups: {all: [vm, pool]}", ["pool", "vm"]), ("action_groups: {}", []), ("requires_ansible: x", [])],
)
def test_the_action_group_is_read(runtime: str, names: list[str]) -> None:
    assert action_group(runtime) == names


def test_a_missing_row_is_found() -> None:
    assert missing_rows("| `vm`, `vms` | of `pool` |\n`storage`", ["pool", "storage", "vm", "vms"]) == [
        "pool",
        "storage",
    ]


def test_an_unused_module_is_found() -> None:
    playbooks = matching("playbooks/vm-provision.yml")
    assert used_by("vm", playbooks)
    assert not used_by("v", playbooks)
    assert not used_by("no_such_module", playbooks)
