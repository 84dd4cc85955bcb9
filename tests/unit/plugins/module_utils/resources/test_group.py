"""Planning a group. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.group import GROUP

from .reading import Table

PATH = "/access/groups/ops"
HAVE = {"comment": "Ops", "members": ["bob@pve", "alice@pve"]}


@pytest.mark.parametrize(
    ("wish", "have", "expected"),
    [
        ({"comment": "Ops"}, None, [("POST", "/access/groups", {"groupid": "ops", "comment": "Ops"})]),
        ({}, HAVE, []),
        ({"comment": "Ops"}, HAVE, []),
        ({"comment": "new"}, HAVE, [("PUT", PATH, {"comment": "new"})]),
        # Proxmox VE knows no `delete` here.
        ({"comment": ""}, HAVE, [("PUT", PATH, {"comment": ""})]),
        ({"comment": ""}, {"members": []}, []),
        ({"state": "absent"}, {**HAVE, "members": []}, [("DELETE", PATH, {})]),
        ({"state": "absent"}, None, []),
    ],
    ids=str,
)
def test_steps(wish: dict[str, Any], have: dict[str, Any] | None, expected: list[Any]) -> None:
    made = GROUP.plan({"state": "present", "groupid": "ops", **wish}, have)
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == expected


@pytest.mark.parametrize(
    ("members", "who"), [(["bob@pve"], "bob@pve is"), (["bob@pve", "alice@pve"], "alice@pve, bob@pve are")]
)
def test_a_group_with_users_stays(members: list[str], who: str) -> None:
    with pytest.raises(RefusedError) as error:
        GROUP.plan({"state": "absent", "groupid": "ops"}, {"members": members})
    assert str(error.value) == (
        f"Cannot remove group ops: {who} in it, and Proxmox VE would take them out without a word. Take them out "
        "first (homelab.pve.user with their other groups)."
    )


def test_what_is_told() -> None:
    assert GROUP.result(HAVE) == {"group": {"comment": "Ops", "users": ["alice@pve", "bob@pve"]}}


def test_only_proxmox_saying_so_is_absent() -> None:
    wish = {"groupid": "ops"}
    assert GROUP.describe(Table({PATH: PveError("GET", PATH, 500, "group 'ops' does not exist")}), wish) is None
    with pytest.raises(PveError):
        GROUP.describe(Table({PATH: PveError("GET", PATH, 500, "no quorum")}), wish)
