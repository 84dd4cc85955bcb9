"""Module api_token_info against the lab's API."""

from __future__ import annotations

from .conftest import Modules


def test_what_is_told_about_tokens(modules: Modules) -> None:
    modules.ok("user", userid="alice@pve")
    secret = modules.ok("api_token", userid="alice@pve", tokenid="ci", comment="for CI")["secret"]
    (found,) = modules.unchanged("api_token_info", userid="alice@pve")["tokens"]
    assert found == {
        "userid": "alice@pve", "tokenid": "ci", "full_tokenid": "alice@pve!ci", "comment": "for CI", "expire": 0,
        "privsep": True,
    }  # fmt: skip
    assert secret not in str(found)
    assert len(modules.ok("api_token_info")["tokens"]) > 1
    assert modules.ok("api_token_info", tokenid="nope")["tokens"] == []


def test_least_privileges(modules: Modules) -> None:
    modules.ok("api_token", userid="root@pam", tokenid="ci")
    for privilege in ("User.Modify", "Sys.Audit"):
        found = modules.limited({"/access/groups": [privilege]}).ok("api_token_info", tokenid="ci")["tokens"]
        assert [row["full_tokenid"] for row in found] == ["root@pam!ci"]
    assert modules.limited({"/vms": ["VM.Audit"]}).ok("api_token_info", tokenid="ci")["tokens"] == []
