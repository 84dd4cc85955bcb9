"""Snapshots: order, pruning, refusals and steps. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import guest
from ansible_collections.homelab.pve.plugins.module_utils.resources.snapshots import (
    Snapshots,
    info,
    plan,
    read_snapshots,
    tree,
)
from hypothesis import given
from hypothesis import strategies as st

from .reading import Table, row

WISH = {"state": "present", "snapname": None, "start": False, "force": False}
PATH = "/nodes/father/qemu/104/snapshot"


def taken(name: str, at: int, parent: str = "", **more: Any) -> dict[str, Any]:
    """A row of PVE's list."""
    return {
        "name": name,
        "snaptime": at,
        "vmstate": 0,
        "description": "",
        **({"parent": parent} if parent else {}),
    } | more


def current(parent: str = "", running: int = 0) -> dict[str, Any]:
    known = {"name": "current", "running": running, "digest": "x", "description": "You are here!"}
    return {**known, **({"parent": parent} if parent else {})}


def having(*rows: dict[str, Any], kind: str = "qemu", template: int = 0) -> Snapshots:
    item = guest(row(104, "web", type=kind, template=template))
    return read_snapshots(Table({item.path("snapshot"): list(rows)}), item)


# As ../golden flows-09-snapshots has it: two of the same second, in no order.
GOLDEN = (taken("sb", 10, "sa"), taken("sa", 10), taken("sc", 11, "sb"), current("sc"))


def test_the_oldest_is_first_and_a_child_younger_than_its_parent() -> None:
    have = having(*GOLDEN)
    assert [item.name for item in have.rows] == ["sa", "sb", "sc"]
    assert (have.parent, have.running) == ("sc", False)


@given(st.permutations([taken("a", 5), taken("b", 5, "a"), taken("c", 5, "b"), taken("d", 6, "a")]))
def test_the_order_of_the_list_means_nothing(rows: list[dict[str, Any]]) -> None:
    assert [item.name for item in having(*rows, current("d")).rows] == ["a", "b", "c", "d"]


def test_bogus_parents_do_no_harm() -> None:
    have = having(taken("a", 1, "b"), taken("b", 2, "a"), taken("c", 3, "gone"), current("c"))
    assert [item.name for item in have.rows] == ["a", "b", "c"]
    assert tree(have.rows) == {"c": {}}


@pytest.mark.parametrize(
    ("wish", "steps"),
    [
        ({"snapname": "sd"}, [("POST", PATH, {"snapname": "sd", "description": None, "vmstate": None})]),
        (
            {"snapname": "sd", "description": "x\n", "vmstate": True},
            [("POST", PATH, {"snapname": "sd", "description": "x", "vmstate": True})],
        ),
        ({"snapname": "sa"}, []),
        ({"snapname": "sa", "vmstate": True}, []),
        ({"snapname": "sa", "description": "y"}, [("PUT", f"{PATH}/sa/config", {"description": "y"})]),
        ({"snapname": "sa", "state": "absent"}, [("DELETE", f"{PATH}/sa", {})]),
        ({"snapname": "sa", "state": "absent", "force": True}, [("DELETE", f"{PATH}/sa", {"force": True})]),
        ({"snapname": "sz", "state": "absent"}, []),
        ({"snapname": "sa", "state": "rollback"}, [("POST", f"{PATH}/sa/rollback", {})]),
        (
            {"snapname": "sa", "state": "rollback", "start": True},
            [("POST", f"{PATH}/sa/rollback", {}), ("POST", "/nodes/father/qemu/104/status/start", {})],
        ),
        (
            {"state": "absent", "keep": 1, "keep_pattern": "s*"},
            [("DELETE", f"{PATH}/sa", {}), ("DELETE", f"{PATH}/sb", {})],
        ),
        ({"state": "absent", "keep": 3, "keep_pattern": "s*"}, []),
        (
            {"snapname": "sb", "keep": 1, "keep_pattern": "s*"},
            [("DELETE", f"{PATH}/sa", {}), ("DELETE", f"{PATH}/sc", {})],
        ),
        (
            {"snapname": "other", "keep": 0, "keep_pattern": "sa"},
            [("POST", PATH, {"snapname": "other", "description": None, "vmstate": None}), ("DELETE", f"{PATH}/sa", {})],
        ),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], steps: list[tuple[str, str, dict[str, Any]]]) -> None:
    made = plan({**WISH, **wish}, having(*GOLDEN))
    assert [(step.verb, step.path, step.params) for step in made.steps] == steps
    assert made.steps or made.reason


@given(st.integers(0, 6), st.lists(st.integers(0, 3), max_size=5))
def test_no_more_than_wished_are_left_and_the_newest_of_them(keep: int, times: list[int]) -> None:
    rows = [taken(f"s{index}", at) for index, at in enumerate(times)]
    have = having(*rows, current())
    made = plan({**WISH, "state": "absent", "keep": keep, "keep_pattern": "s*"}, have)
    gone = {step.path.rpartition("/")[2] for step in made.steps}
    left = [item for item in have.rows if item.name not in gone]
    assert len(left) == min(keep, len(rows))
    assert all(item.snaptime >= other.snaptime for item in left for other in have.rows if other.name in gone)


def test_memory_makes_a_vm_run_on() -> None:
    have = having(taken("ram", 1, vmstate=1), current("ram"))
    made = plan({**WISH, "snapname": "ram", "state": "rollback", "start": True}, have)
    assert ([step.verb for step in made.steps], made.after["status"]) == (["POST"], "running")


def test_an_unfinished_one_is_neither_there_nor_counted() -> None:
    have = having(taken("sa", 1, snapstate="prepare"), taken("sb", 2), current())
    assert [step.verb for step in plan({**WISH, "snapname": "sa"}, have).steps] == ["POST"]
    assert not plan({**WISH, "state": "absent", "keep": 1, "keep_pattern": "s*"}, have).steps
    assert [step.verb for step in plan({**WISH, "snapname": "sa", "state": "absent"}, have).steps] == ["DELETE"]
    with pytest.raises(RefusedError) as caught:
        plan({**WISH, "snapname": "sa", "state": "rollback"}, have)
    assert str(caught.value) == (
        "Cannot roll vm 104 (web) back to snapshot sa: it is incomplete (its state is 'prepare'). "
        "Remove it (state: absent, with force if need be) and use another one."
    )


def test_the_newer_ones_are_named_to_who_must_remove_them() -> None:
    (step,) = plan({**WISH, "snapname": "sa", "state": "rollback"}, having(*GOLDEN)).steps
    assert step.once
    assert any(text.endswith("Remove the newer ones first: sb, sc.") for text in step.advice.values())


@pytest.mark.parametrize(
    ("have", "name", "vmstate", "message"),
    [
        (having(current(), kind="lxc"), "xx", True, "Option 'vmstate': container 104 (web) has none. "),
        (having(current(), kind="lxc"), "vzdump", None, "Option 'snapname': Proxmox VE keeps the name 'vzdump' "),
        (having(current(), template=1), "xx", None, "Cannot take snapshot xx of vm 104 (web): it is a template"),
    ],
)
def test_refusals(have: Snapshots, name: str, vmstate: bool | None, message: str) -> None:
    with pytest.raises((ConfigError, RefusedError)) as caught:
        plan({**WISH, "snapname": name, "vmstate": vmstate}, have)
    assert str(caught.value).startswith(message)


def test_a_name_one_kind_keeps_for_itself_is_free_for_the_other() -> None:
    assert plan({**WISH, "snapname": "pending"}, having(current(), kind="lxc")).steps
    assert plan({**WISH, "snapname": "vzdump"}, having(current())).steps
    # Backups leave it behind when they are interrupted: it can be removed.
    left = having(taken("vzdump", 1), current(), kind="lxc")
    assert plan({**WISH, "snapname": "vzdump", "state": "absent"}, left).steps


def test_info() -> None:
    reader = Table({"/cluster/resources": [row(104, "web")], PATH: list(GOLDEN)})
    answer = info(reader, {"vmid": 104})
    assert (answer["tree"], answer["parent"], answer["status"]) == ({"sa": {"sb": {"sc": {}}}}, "sc", "stopped")
    assert [item["children"] for item in answer["snapshots"]] == [["sb"], ["sc"], []]
