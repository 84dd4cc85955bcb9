"""Playbooks are thin: inputs, a role or a module, outputs. Roles use our modules and Ansible's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.source import matching, text, within
from tests.architecture.test_modules import NO_API

Node = dict[str, Any]

BUILTIN, OURS = "ansible.builtin", "homelab.pve"
# What a playbook may do beside calling a module of ours: nothing that decides or changes by itself.
THIN = (
    OURS,
    *(
        f"{BUILTIN}.{name}"
        for name in ("include_role", "import_role", "import_tasks", "include_vars", "set_stats", "add_host", "assert")
    ),
)
# Playbooks that ask the guest itself something, which needs no role.
ASKING = {
    "vm-verify": (f"{BUILTIN}.wait_for_connection", f"{BUILTIN}.command"),
    "container-verify": (f"{BUILTIN}.uri",),
}
BLOCKS = ("block", "rescue", "always")
TASK_LISTS = ("pre_tasks", "tasks", "post_tasks", "handlers")


class Loader(yaml.SafeLoader):
    """YAML with Ansible's own tags, whose values do not matter here."""


Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def load(path: Path) -> list[Node]:
    """The plays or tasks of a file."""
    return yaml.load(text(path), Loader=Loader) or []


def tasks(nodes: list[Node]) -> Iterator[Node]:
    """Every task of plays or task lists, those inside blocks included."""
    for node in nodes:
        inner = [task for key in (*TASK_LISTS, *BLOCKS) for task in node.get(key) or []]
        yield from tasks(inner) if inner or "hosts" in node else iter([node])


def actions(nodes: list[Node]) -> list[str]:
    """The modules that tasks call: names with dots, which no keyword of a task has."""
    return [key for task in tasks(nodes) for key in task if key.count(".") >= 2]


def surplus(nodes: list[Node], allowed: tuple[str, ...]) -> list[str]:
    """Actions outside the allowed ones."""
    return [name for name in actions(nodes) if not within(name, allowed)]


PLAYBOOKS = matching("playbooks/*.yml", "playbooks/tasks/*.yml")
TASK_FILES = matching("roles/*/tasks/**/*.yml", "roles/*/handlers/*.yml")


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_playbooks_hold_no_logic(path: Path) -> None:
    assert surplus(load(path), (*THIN, *ASKING.get(path.stem, ()))) == []


@pytest.mark.parametrize("path", TASK_FILES, ids=str)
def test_roles_use_our_modules_and_ansibles_own(path: Path) -> None:
    assert surplus(load(path), (OURS, BUILTIN)) == []


@pytest.mark.parametrize("path", TASK_FILES, ids=str)
def test_every_task_calls_a_module_by_its_full_name(path: Path) -> None:
    nodes = load(path)
    assert len(actions(nodes)) == len(list(tasks(nodes)))


@pytest.mark.parametrize("path", matching("roles/*/meta/main.yml"), ids=str)
def test_roles_depend_on_no_role(path: Path) -> None:
    # include_role with tasks_from would run every dependency again, for each part of the role.
    assert not yaml.safe_load(text(path)).get("dependencies")


@pytest.mark.parametrize(
    "path", [path for path in PLAYBOOKS if "homelab.pve." in text(path)], ids=lambda path: path.stem
)
def test_connection_options_come_once_for_all_modules(path: Path) -> None:
    plays = [play for play in load(path) if any(is_about_an_api(name) for name in actions([play]))]
    assert all("group/homelab.pve.all" in play.get("module_defaults", {}) for play in plays)


def is_about_an_api(action: str) -> bool:
    """Whether an action is a module of ours that takes the options of a connection."""
    return within(action, (OURS,)) and action.removeprefix(f"{OURS}.") not in NO_API


def test_modules_without_an_api_are_known() -> None:
    assert [is_about_an_api(f"homelab.pve.{name}") for name in ("vm", "ssh_host")] == [True, False]


PLAY = """
- hosts: all
  tasks:
    - homelab.pve.vm: {vmid: 1}
    - block:
        - ansible.builtin.shell: rm -rf x
      rescue:
        - community.general.ini_file: {}
"""


def test_logic_in_a_playbook_is_found() -> None:
    assert surplus(yaml.safe_load(PLAY), THIN) == ["ansible.builtin.shell", "community.general.ini_file"]


def test_a_foreign_module_is_found() -> None:
    assert surplus(yaml.safe_load(PLAY), (OURS, BUILTIN)) == ["community.general.ini_file"]


def test_a_short_name_is_found() -> None:
    nodes = yaml.safe_load("- command: ls\n- ansible.builtin.command: ls\n")
    assert (len(actions(nodes)), len(list(tasks(nodes)))) == (1, 2)
