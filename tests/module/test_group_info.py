"""Module group_info against the lab's API."""

from __future__ import annotations

from .conftest import Modules


def test_what_is_told_about_groups(modules: Modules) -> None:
    modules.ok("group", groupid="ops", comment="Ops")
    modules.ok("group", groupid="devs")
    modules.ok("user", userid="alice@pve", groups=["ops"])
    assert modules.unchanged("group_info")["groups"] == [
        {"groupid": "devs", "users": []},
        {"groupid": "ops", "comment": "Ops", "users": ["alice@pve"]},
    ]
    assert modules.ok("group_info", groupid="nope")["groups"] == []


def test_least_privileges(modules: Modules) -> None:
    modules.ok("group", groupid="ops")
    for privilege in ("User.Modify", "Sys.Audit", "Group.Allocate"):
        found = modules.limited({"/access/groups/ops": [privilege]}).ok("group_info")["groups"]
        assert [row["groupid"] for row in found] == ["ops"]
    assert modules.limited({"/vms": ["VM.Audit"]}).ok("group_info")["groups"] == []
