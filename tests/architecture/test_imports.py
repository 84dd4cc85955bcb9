"""Who may import whom. The tables are the rules; an exception is a row with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.source import COLLECTION, imports, matching, module_name, text, within

UTILS = f"{COLLECTION}.plugins.module_utils"
PROJECT = (COLLECTION, "plugins", "scenarios", "lab", "tests")


@dataclass(frozen=True)
class Room:
    """Files, and the project's modules they may import. `forbidden` names foreign packages they must not."""

    name: str
    files: str
    allowed: tuple[str, ...]
    forbidden: tuple[str, ...] = ()


ROOMS = (
    Room("modules", "plugins/modules/**/*.py", (UTILS,)),
    Room(
        "resources",
        "plugins/module_utils/resources/**/*.py",
        tuple(f"{UTILS}.{name}" for name in ("engine", "codecs", "errors", "resources")),
        # Data and pure functions: nothing that could talk to anybody.
        ("ansible", "proxmoxer", "requests", "paramiko", "subprocess", "socket"),
    ),
    Room("module_utils", "plugins/module_utils/**/*.py", (UTILS,)),
    Room(
        "other plugins",
        "plugins/[!m]*/**/*.py",
        # A fragment may be made of another one.
        (UTILS, f"{COLLECTION}.plugins.plugin_utils", f"{COLLECTION}.plugins.doc_fragments"),
    ),
    Room(
        "scenarios",
        "scenarios/**/*.py",
        (
            "scenarios",
            *(f"{UTILS}.{name}" for name in ("executor", "errors")),
            # `./run.sh host`, the modules ssh_host and ssh_host_test and the inventory plugin ssh_hosts keep the same
            # files and ask the same questions, so they share what does it.
            *(f"{UTILS}.{name}" for name in ("host_checks", "host_entries")),
            *(f"{UTILS}.{name}" for name in ("ssh_config", "ssh_resolve", "ssh_host_keys", "whole_files")),
            "lab.control",
            # The command group `./run.sh lab ...`, which the driver's command line mounts.
            "lab.cli",
        ),
        ("proxmoxer", "fakepve"),
    ),
    # A lab that shares code with what it tests agrees with it about everything, its mistakes included.
    Room("lab", "lab/**/*.py", ("lab",), ("ansible", "ansible_runner", "proxmoxer")),
)


def violations(room: Room, source: str, module: str) -> list[str]:
    """Imports of this module that its room does not allow."""
    return [
        f"{module} imports {name}, which {room.name} must not"
        for name in imports(source, module)
        if (within(name, PROJECT) and not within(name, room.allowed)) or within(name, room.forbidden)
    ]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_rooms_import_only_what_they_may(room: Room) -> None:
    found = [line for path in matching(room.files) for line in violations(room, text(path), module_name(path))]
    assert not found, "\n".join(found)


BY_NAME = {room.name: room for room in ROOMS}


@pytest.mark.parametrize(
    ("room", "source", "module"),
    [
        ("modules", "import lab", f"{COLLECTION}.plugins.modules.vm"),
        ("modules", "from ..modules import vm", f"{COLLECTION}.plugins.modules.pool"),
        ("resources", f"from {UTILS}.api import Client", f"{UTILS}.resources.vm"),
        ("resources", "def f():\n    from ansible.module_utils import basic", f"{UTILS}.resources.vm"),
        ("resources", "from ..apply import run", f"{UTILS}.resources.vm"),
        ("module_utils", "import scenarios.context", f"{UTILS}.api"),
        ("other plugins", f"from {COLLECTION}.plugins.modules import vm", f"{COLLECTION}.plugins.inventory.pve"),
        ("scenarios", f"from {UTILS}.api import Client", "scenarios.runner"),
        ("scenarios", "from lab.api import server", "scenarios.runner"),
        ("lab", f"from {UTILS}.errors import PveError", "lab.api.server"),
        ("lab", "import scenarios", "lab.api.server"),
        ("lab", "import proxmoxer", "lab.api.server"),
    ],
)
def test_a_forbidden_import_is_found(room: str, source: str, module: str) -> None:
    assert len(violations(BY_NAME[room], source, module)) == 1


@pytest.mark.parametrize(
    ("room", "source", "module"),
    [
        ("modules", f"from {UTILS}.module import run", f"{COLLECTION}.plugins.modules.vm"),
        ("resources", f"from {UTILS}.engine import Field", f"{UTILS}.resources.vm"),
        ("resources", "from ..codecs import size", f"{UTILS}.resources.vm"),
        ("scenarios", f"from {UTILS} import executor", "scenarios.runner"),
        ("scenarios", "from lab import control", "scenarios.runner"),
        ("lab", "from .server import LabApi", "lab.api.seed"),
    ],
)
def test_an_allowed_import_passes(room: str, source: str, module: str) -> None:
    assert violations(BY_NAME[room], source, module) == []


def importers(package: str, files: list[Path]) -> list[Path]:
    """Files that import a package or something in it."""
    return [path for path in files if any(within(name, (package,)) for name in imports(text(path), module_name(path)))]


def test_one_file_imports_ansible_runner() -> None:
    assert importers("ansible_runner", matching("scenarios/**/*.py", "lab/**/*.py", "plugins/**/*.py")) == [
        Path("scenarios/runner.py")
    ]


def test_an_importer_is_found() -> None:
    assert importers("pytest", [Path("tests/architecture/test_imports.py"), Path("tests/architecture/source.py")]) == [
        Path("tests/architecture/test_imports.py")
    ]
