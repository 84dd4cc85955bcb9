"""Module user_info against the lab's API."""

from __future__ import annotations

from .conftest import Modules


def test_what_is_told_about_users(modules: Modules) -> None:
    modules.ok("group", groupid="ops")
    modules.ok("user", userid="alice@pve", groups=["ops"], enable=False)
    modules.ok("api_token", userid="alice@pve", tokenid="ci")
    (found,) = modules.unchanged("user_info", group="ops")["users"]
    assert found == {"userid": "alice@pve", "enable": False, "expire": 0, "groups": ["ops"], "tokens": ["ci"]}
    assert "root@pam" in [row["userid"] for row in modules.ok("user_info", enable=True)["users"]]


def test_least_privileges(modules: Modules) -> None:
    for privilege in ("User.Modify", "Sys.Audit"):
        found = modules.limited({"/access/groups": [privilege]}).ok("user_info", userid="root@pam")["users"]
        assert [row["userid"] for row in found] == ["root@pam"]
    assert modules.limited({"/vms": ["VM.Audit"]}).ok("user_info", userid="root@pam")["users"] == []
