"""Guests as kinds of a document."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import HOME, RESERVED, Plan, Step
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog_guests import acquainted, restarts
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Text
from ansible_collections.homelab.pve.plugins.module_utils.state.entries import Wish, load

VMS = KINDS["vms"]


def wishes(text: str) -> list[Wish]:
    return acquainted(load([Text("site.yml", text)], KINDS))


@pytest.mark.parametrize(
    ("actions", "does"),
    [
        (["config", "status/reboot"], True),
        (["status/shutdown", "config", "status/start"], True),
        (["status/stop", "status/start"], True),
        (["status/reset"], True),
        (["status/start"], False),
        (["status/shutdown"], False),
        (["status/start", "status/stop"], False),
        (["migrate", "config"], False),
    ],
)
def test_whether_a_plan_restarts_a_guest(actions: list[str], *, does: bool) -> None:
    steps = tuple(Step("POST", f"/nodes/father/qemu/100/{action}", {}, action) for action in actions)
    assert restarts(Plan(steps)) is does


def test_a_container_that_runs_is_restarted_by_a_move() -> None:
    step = Step("POST", "/nodes/father/lxc/100/migrate", {"target": "mother", "restart": True}, "move")
    assert restarts(Plan((step,)))


def test_a_documents_node_is_no_option_of_a_guest() -> None:
    unpinned, pinned = wishes("{node: father, vms: [{vmid: 100}, {vmid: 101, node: mother}]}")
    assert (unpinned.values["node"], unpinned.values[HOME]) == (None, "father")
    assert (pinned.values["node"], pinned.values[HOME]) == ("mother", "father")


def test_the_name_of_a_source_is_its_vmid() -> None:
    text = "{vms: [{vmid: 100, name: a}, {vmid: 101, clone: a}, {name: c, clone: other}, {name: d, clone: c}]}"
    assert [wish.values["clone"] for wish in wishes(text)] == [None, "100", "other", "c"]


def test_ids_that_documents_give_are_none_for_others() -> None:
    given, chosen = wishes("{vms: [{vmid: 100}], containers: [{hostname: a}]}")
    assert RESERVED not in given.values
    assert chosen.values[RESERVED] == {100}


ROWS: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
    ({"name": "new"}, []),
    ({"vmid": 100, "name": "new"}, []),
    (
        {"vmid": 100, "name": "new", HOME: "father", "state": "template"},
        [{"id": "qemu/100", "type": "qemu", "vmid": 100, "name": "new", "node": "father", "status": "stopped",
          "template": 1, "pool": None}],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("values", "rows"), ROWS)
def test_the_row_a_guest_will_have(values: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    assert [row for _path, row in VMS.appears(values)] == rows
