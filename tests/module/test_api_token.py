"""Module api_token against the lab's API."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from .conftest import UNNAMED, Modules

TOKEN: dict[str, Any] = {"userid": "root@pam", "tokenid": "ci", "privsep": False}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("api_token", **TOKEN, comment="first")
    assert made["full_tokenid"] == "root@pam!ci"
    assert len(made["secret"]) == 36
    changed = modules.converge("api_token", **TOKEN, comment="second")
    assert "secret" not in changed
    modules.converge("api_token", **TOKEN, state="absent")


def test_a_new_token_works(modules: Modules) -> None:
    made = modules.ok("api_token", **TOKEN)
    modules.ok("node_info", token_id=made["full_tokenid"], token_secret=made["secret"])


def test_a_secret_that_works_is_kept_and_another_one_is_replaced(modules: Modules) -> None:
    secret = modules.ok("api_token", **TOKEN)["secret"]
    modules.unchanged("api_token", **TOKEN, current_secret=secret)
    replaced = modules.ok("api_token", **TOKEN, current_secret="00000000-0000-0000-0000-000000000000")
    assert replaced["secret"] not in (secret, None)
    assert replaced["plan"] == ["remove token root@pam!ci", "create token root@pam!ci"]


def test_a_replaced_token_keeps_what_it_had(modules: Modules) -> None:
    modules.ok("api_token", **TOKEN, comment="kept")
    token = modules.ok("api_token", userid="root@pam", tokenid="ci", renew=True)["token"]
    assert (token["comment"], token["privsep"]) == ("kept", False)


def test_a_replaced_token_may_what_it_might(modules: Modules) -> None:
    modules.ok("user", userid="alice@pve")
    token: dict[str, Any] = {"userid": "alice@pve", "tokenid": "ci"}
    modules.ok("api_token", **token)
    modules.ok("acl", path="/vms", roles=["PVEAuditor"], tokens=["alice@pve!ci"], propagate=False)
    predicted = modules.ok("api_token", check=True, **token, renew=True)
    done = modules.ok("api_token", **token, renew=True)
    assert predicted["plan"] == done["plan"]
    assert done["plan"][2] == "grant PVEAuditor on /vms to token alice@pve!ci again"
    assert modules.ok("acl_info", type="token", path="/vms")["entries"] == [
        {"path": "/vms", "roleid": "PVEAuditor", "type": "token", "ugid": "alice@pve!ci", "propagate": False}
    ]


def test_a_comment_is_removed(modules: Modules) -> None:
    modules.ok("api_token", **TOKEN, comment="first")
    modules.converge("api_token", **TOKEN, comment="")


def test_a_token_of_nobody(modules: Modules) -> None:
    assert modules.message("api_token", userid="nobody@pve", tokenid="ci") == (
        "There is no user 'nobody@pve', so it can't have a token. Check the name, or make the user first "
        "(homelab.pve.user)."
    )
    modules.unchanged("api_token", userid="nobody@pve", tokenid="ci", state="absent")


def test_the_secret_in_a_private_file(modules: Modules, tmp_path: Path) -> None:
    path = tmp_path / "below" / "token.json"
    made = modules.converge("api_token", **TOKEN, secret_path=str(path))
    assert "secret" not in made
    kept = json.loads(path.read_text())
    assert (kept["id"], stat.S_IMODE(path.stat().st_mode)) == ("root@pam!ci", 0o600)
    assert kept["secret"] not in str(made)
    path.unlink()
    modules.converge("api_token", **TOKEN, secret_path=str(path))
    assert json.loads(path.read_text())["secret"] != kept["secret"]


NOT_OURS = "this is no file of an API token; remove it, or give another secret_path"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", NOT_OURS),
        ("[]", NOT_OURS),
        ("{}", NOT_OURS),
        (
            '{"id": "root@pam!other", "secret": "x"}',
            "this keeps the secret of root@pam!other, not of root@pam!ci; give another secret_path",
        ),
    ],
)
def test_a_file_that_is_something_else_is_left_alone(
    modules: Modules, tmp_path: Path, content: str, complaint: str
) -> None:
    path = tmp_path / "other"
    path.write_text(content)
    assert modules.message("api_token", **TOKEN, secret_path=str(path)) == f"{path}: {complaint}"
    assert path.read_text() == content


def test_least_privileges(modules: Modules) -> None:
    needed = {"/access/groups": ["User.Modify"]}
    assert modules.refusals(needed, "api_token", **TOKEN) == {
        "User.Modify on /access/groups": f"GET /access/users/root%40pam/token/ci: {UNNAMED}"
    }
    limited = modules.limited(needed)
    for wish in ({}, {"comment": "x"}, {"state": "absent"}):
        limited.converge("api_token", **TOKEN, **wish)
